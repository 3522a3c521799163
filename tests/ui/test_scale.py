"""What the window does for one action depends on what is visible, not on what exists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from cellsam_desktop import app
from cellsam_desktop.core import packing
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source
from cellsam_desktop.curation.reviewing import Reviewing
from cellsam_desktop.images.fingerprint import fingerprint
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.store import ProjectStore, everything
from cellsam_desktop.settings import Settings

VISIBLE, LIFE, SIDE = 30, 10, 96
START = 15
"""A frame in the middle of a generation, with a whole trail behind it."""
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def make_project(folder: Path, frames: int) -> Path:
    """Every frame shows 30 cells that live 10 frames each; the longer the movie, the more cells."""
    movie = folder / f"{frames}.tif"
    tifffile.imwrite(movie, np.zeros((frames, SIDE, SIDE), np.uint8), imagej=True, metadata={"axes": "TYX"})
    document, bits = Document(), np.ones((5, 6), np.bool_)
    for number in range(VISIBLE * frames // LIFE):
        document.put_cell(Cell(number + 1))
        generation, (row, column) = number // VISIBLE, divmod(number % VISIBLE, 6)
        for t in range(generation * LIFE, generation * LIFE + LIFE):
            mask = Mask(10 + 15 * row, 3 + 15 * column + t % 4, bits)
            document.put_record(number + 1, PlaneKey(t), MaskRecord(mask, Source.PROPAGATED))
    with open_source(movie) as source:
        link = MovieLink(movie, fingerprint(source), None, (frames, 1, 1, SIDE, SIDE))
    path = movie.with_name(f"{movie.name}.cellsam")
    with ProjectStore.create(path, link, Calibration()) as store:
        store.save(document, everything(document))
        store.save_view({"t": START})
    return path


class Work:
    """A window and what it has done so far."""

    def __init__(self, qtbot: QtBot) -> None:
        self._qtbot = qtbot
        self.program = app.build(Settings(welcomed=True))
        self.window, self.session = self.program.window, self.program.session
        qtbot.addWidget(self.window)
        self.window.show()
        while self.window.prepare():
            continue
        self.rest()

    def rest(self) -> None:
        session = self.session
        self._qtbot.waitUntil(
            lambda: session.movie is None or session.navigation.plane_index == session.view.index
        )
        self._qtbot.wait(60)

    def counts(self) -> dict[str, int]:
        window, cells, movie = self.window, self.window.canvas.cells, self.session.movie
        return {
            "masks unpacked": packing.kept.unpacked,
            "masks measured": movie.measurements.measured if movie else 0,
            "centroids": movie.measurements.centred if movie else 0,
            "rows read": window.layers.model.read,
            "planes drawn": cells.raster.rebuilds,
            "patches": cells.raster.patches,
            "outlines": cells.selected.rebuilds,
            "paths": cells.trails.rebuilds,
            "timelines": window.timeline.strip.renders,
            "plots": sum(plot.redraws for plot in window.cell._plots),
        }

    def of(self, act: Callable[[], object]) -> dict[str, int]:
        """What one action costs."""
        before = self.counts()
        act()
        self.rest()
        return {name: count - before[name] for name, count in self.counts().items()}

    def key(self, key: Qt.Key, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.window.canvas, key, keys)

    def open(self, path: Path) -> None:
        self.session.open(path)
        self._qtbot.waitUntil(lambda: self.session.movie is not None, timeout=20000)

    def paint(self) -> None:
        self.session.editing.select(())
        self.session.painting.stroke([(80.0, 88.0), (90.0, 88.0)], 3.0)

    def all_actions(self, project: Path) -> dict[str, dict[str, int]]:
        actions: dict[str, Callable[[], object]] = {
            "open": lambda: self.open(project),
            "step": lambda: self.key(Qt.Key.Key_Right),
            "back": lambda: self.key(Qt.Key.Key_Left),
            "select": lambda: self.session.editing.select((VISIBLE + 5,)),
            "accept": self.paint,
            "undo": lambda: self.key(Qt.Key.Key_Z, CTRL),
            "redo": lambda: self.key(Qt.Key.Key_Z, CTRL | SHIFT),
            "select all": lambda: QTest.keyClick(self.window.layers.table, Qt.Key.Key_A, CTRL),
            "step with all": lambda: self.key(Qt.Key.Key_Right),
        }
        return {name: self.of(act) for name, act in actions.items()}


@pytest.fixture
def make_window(qtbot: QtBot):
    made: list[Work] = []

    def make() -> Work:
        made.append(Work(qtbot))
        return made[-1]

    yield make
    for work in made:
        work.window.close()


def test_ten_times_the_cells_cost_the_same_work(
    tmp_path: Path, make_window: Callable[[], Work], monkeypatch: pytest.MonkeyPatch
):
    # The review queue looks at every mask once, in the background; its own tests count that.
    monkeypatch.setattr(Reviewing, "_go_on", lambda _: None)
    small = make_window().all_actions(make_project(tmp_path, 40))
    large = make_window().all_actions(make_project(tmp_path, 400))
    assert large == small
    assert large["open"]["masks unpacked"] <= VISIBLE * (LIFE + 1)
    assert large["open"]["rows read"] <= 60
    assert large["step"]["masks unpacked"] == VISIBLE
    assert large["step"]["centroids"] == VISIBLE
    assert large["step"]["rows read"] == 0
    assert large["step"]["timelines"] == 0
    assert large["back"]["masks unpacked"] == 0
    assert large["accept"]["patches"] == 1
    assert large["select all"]["rows read"] <= 60


def test_a_loaded_project_has_no_mask_unpacked(tmp_path: Path):
    before = packing.kept.unpacked
    path = make_project(tmp_path, 40)
    with ProjectStore.open(path) as store:
        document = store.load()
        assert sum(len(document.track(i)) for i in document.cell_ids) == 40 * VISIBLE
        assert document.span(1) == (0, LIFE - 1)
    assert packing.kept.unpacked == before
