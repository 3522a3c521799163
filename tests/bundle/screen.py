"""A virtual screen: what is on it, and the hands in front of it."""

from __future__ import annotations

import mmap
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_PATIENCE_S = 240.0
_COLOURFUL = 25  # of 255: the difference of channels that no grey image shows

T = TypeVar("T")


def pixels(image: bytes | mmap.mmap) -> NDArray[np.uint8]:
    """A picture in the form of xwd, as servers keep it: (height, width, 4), blue, green, red and nothing."""
    header = np.frombuffer(image, ">u4", 25).astype(int)
    start, width, height, stride, colours = header[[0, 4, 5, 12, 19]]
    rows = np.frombuffer(image, np.uint8, height * stride, start + 12 * colours).reshape(height, stride)
    return rows[:, : 4 * width].reshape(height, width, 4)


def is_coloured(picture: NDArray[np.uint8], x: int, y: int, reach: int) -> bool:
    """Whether colour lies around a place: what is shown of an image without a mask is grey."""
    part = picture[y - reach : y + reach, x - reach : x + reach, :3].astype(int)
    return bool(np.median(np.ptp(part, axis=2)) > _COLOURFUL)


@dataclass(frozen=True)
class Disc:
    """A bright disc on the screen: its centre and diameter in pixels."""

    x: int
    y: int
    diameter: int


class Screen:
    """One virtual screen; ``file`` is where its server keeps the picture, in the form of xwd."""

    def __init__(self, display: str, file: Path) -> None:
        self.display, self.file = display, file

    def picture(self) -> NDArray[np.uint8]:
        """What is on the screen, (height, width, 3)."""
        return pixels(self.file.read_bytes())[..., 2::-1].copy()

    def wait(self, look: Callable[[], T | None], what: str) -> T:
        """What ``look`` gives as soon as it gives something."""
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            found = look()
            if found:
                return found
            time.sleep(0.2)
        raise AssertionError(f"waited {_PATIENCE_S:.0f} s for {what}")

    def windows(self) -> list[str]:
        """Ids of the windows that are shown."""
        words = ["search", "--onlyvisible", "--class", "cellsam"]
        return self._do(*words, check=False).split()

    def hover(self, x: int, y: int) -> None:
        """Move the mouse there, by way of a place beside it: the window must see it move."""
        self.move(x - 3, y - 2)
        self.move(x, y)

    def move(self, x: int, y: int) -> None:
        """Put the mouse there."""
        self._do("mousemove", str(x), str(y))

    def click(self) -> None:
        """Click where the mouse is."""
        self._do("click", "1")

    def key(self, name: str) -> None:
        """Press a key."""
        self._do("key", name)

    def discs(self, number: int) -> list[Disc] | None:
        """The bright or tinted discs on a dark ground, largest first; None unless there are so many."""
        picture = self.picture().astype(int)
        bright = picture.max(axis=2) > 140
        found = []
        labels, _ = ndimage.label(ndimage.binary_opening(bright, iterations=2))
        for box, label in zip(ndimage.find_objects(labels), range(1, labels.max() + 1), strict=True):
            height, width = (side.stop - side.start for side in box)
            filled = (labels[box] == label).mean()
            if width > 50 and 0.85 < height / width < 1.18 and 0.70 < filled < 0.87:
                y, x = ((side.start + side.stop) // 2 for side in box)
                found.append(Disc(x, y, width))
        found.sort(key=lambda disc: -disc.diameter)
        return found if len(found) == number else None

    def is_tinted(self, disc: Disc) -> bool:
        """Whether a mask's colour lies over the disc."""
        return is_coloured(self.picture(), disc.x, disc.y, disc.diameter // 8)

    def _do(self, *words: str, check: bool = True) -> str:
        answer = subprocess.run(
            ["xdotool", *words],
            env={**os.environ, "DISPLAY": self.display},
            capture_output=True,
            text=True,
            check=check,
            timeout=60,
        )
        return answer.stdout


@contextmanager
def virtual_screen(folder: Path) -> Iterator[Screen]:
    """A screen of 1500 x 950 pixels; its server keeps its picture in ``folder``."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1500x950x24"]
    command += ["-fbdir", str(folder), "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()
    try:
        yield Screen(f":{number}", folder / "Xvfb_screen0")
    finally:
        server.terminate()
        server.wait(20)
