"""The window of the built program, driven with a mouse and keys on a virtual screen."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.bundle.program import Program
from tests.bundle.screen import Disc, Screen

_RADII = (40, 26)
_PLACES = (((80, 90), (180, 170)), ((90, 100), (170, 160)))
"""Where the discs of ``_RADII`` are (x, y) in each frame."""


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    """Two frames of two bright discs on dark ground."""
    random = np.random.default_rng(5)
    y, x = np.mgrid[:256, :256]
    frames = np.empty((2, 256, 256), np.uint16)
    for frame, places in zip(frames, _PLACES, strict=True):
        picture = random.normal(400, 30, frame.shape)
        for radius, (cx, cy) in zip(_RADII, places, strict=True):
            picture += 3000 * np.clip(radius + 0.5 - np.hypot(x - cx, y - cy), 0, 1)
        frame[:] = picture
    file = tmp_path / "zwei Scheiben.tif"
    tifffile.imwrite(file, frames, metadata={"axes": "TYX"})
    return file


def saved(project: Path, number: int) -> list[tuple[int, int, int]] | None:
    """Frame, height and width of each mask that is on the disk; None unless there are so many."""
    if not project.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:  # the window holds the file itself
        for file in project.parent.glob(f"{project.name}*"):
            shutil.copy(file, folder)
        with contextlib.closing(sqlite3.connect(Path(folder) / project.name)) as database:
            try:
                rows = database.execute("SELECT t, height, width FROM mask ORDER BY t").fetchall()
            except sqlite3.Error:  # copied in the middle of a write
                return None
    return rows if len(rows) == number else None


def keep(screen: Screen, name: str) -> None:
    """Leave a picture of the screen where it can be looked at, if that is wanted."""
    folder = os.environ.get("CELLSAM_BUNDLE_PICTURES")
    if folder:
        Image.fromarray(screen.picture()).save(Path(folder) / f"{name}.png")


def hover_until_tinted(screen: Screen, disc: Disc) -> Disc:
    """The mask of a disc follows the mouse as soon as its frame is encoded."""

    def look() -> Disc | None:
        screen.hover(disc.x, disc.y)
        return disc if screen.is_tinted(disc) else None

    return screen.wait(look, "a mask under the mouse")


def test_click_accept_lose_the_worker_and_open_again(program: Program, screen: Screen, movie: Path):
    window = program.start(screen.display, movie)
    large, small = screen.wait(lambda: screen.discs(2), "the movie on the screen")
    hover_until_tinted(screen, large)
    keep(screen, "hover")
    screen.click()
    screen.key("n")  # the next click is to be a cell of its own
    project = movie.with_name(f"{movie.name}.cellsam")
    ((frame, *sides),) = screen.wait(lambda: saved(project, 1), "the mask on the disk")
    assert frame == 0
    assert sides == pytest.approx([2 * _RADII[0] + 1] * 2, abs=6)
    assert len(screen.windows()) == 1

    (worker,) = program.workers()
    os.kill(worker, signal.SIGKILL)
    screen.key("Right")
    _, small = screen.wait(lambda: screen.discs(2), "the second frame")
    hover_until_tinted(screen, small)
    screen.wait(lambda: program.workers(), "another worker")
    assert program.workers() != [worker]
    assert window.poll() is None
    screen.click()
    screen.key("f")
    _, (frame, *sides) = screen.wait(lambda: saved(project, 2), "the second mask on the disk")
    assert frame == 1
    assert sides == pytest.approx([2 * _RADII[1] + 1] * 2, abs=6)
    keep(screen, "after-the-worker")

    window.kill()
    window.wait(20)
    program.start(screen.display, project)
    _, small = screen.wait(lambda: screen.discs(2), "the project on the screen, where it was left")
    screen.hover(5, 5)
    screen.wait(lambda: screen.is_tinted(small), "the saved mask on the screen")
    keep(screen, "opened-again")
    assert len(screen.windows()) == 1


def test_closing_ends_everything(program: Program, screen: Screen):
    window = program.start(screen.display, "demo")
    screen.wait(program.workers, "the worker")
    screen.wait(screen.windows, "the window")
    window.send_signal(signal.SIGINT)
    screen.wait(lambda: window.poll() is not None, "the end of the window")
    assert window.returncode == 0
    screen.wait(lambda: not program.workers(), "the end of the worker")
