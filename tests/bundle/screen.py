"""A virtual screen: what is on it, and the hands in front of it."""

from __future__ import annotations

import os
import struct
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_PATIENCE_S = 240.0
_COLOURFUL = 25  # of 255: the difference of channels that no grey image shows

T = TypeVar("T")


@dataclass(frozen=True)
class Disc:
    """A bright disc on the screen: its centre and diameter in pixels."""

    x: int
    y: int
    diameter: int


class Screen:
    """One virtual screen; ``file`` is where its server keeps the picture, in the form of xwd."""

    def __init__(self, display: str, file: Path) -> None:
        self.display, self._file = display, file

    def picture(self) -> NDArray[np.uint8]:
        """What is on the screen, (height, width, 3)."""
        data = self._file.read_bytes()
        header = struct.unpack(">25I", data[:100])
        start, width, height, stride, colours = header[0], header[4], header[5], header[12], header[19]
        rows = np.frombuffer(data, np.uint8, height * stride, start + 12 * colours).reshape(height, stride)
        return rows[:, : 4 * width].reshape(height, width, 4)[..., 2::-1].copy()

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
        self._do("mousemove", str(x - 3), str(y - 2))
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
        reach = disc.diameter // 8
        part = self.picture()[disc.y - reach : disc.y + reach, disc.x - reach : disc.x + reach].astype(int)
        return bool(np.median(np.ptp(part, axis=2)) > _COLOURFUL)

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
