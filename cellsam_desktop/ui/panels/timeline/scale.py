"""Between frames and positions on a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class FrameAxis:
    """``frames`` equal cells between ``left`` and ``right``, in device-independent pixels."""

    frames: int
    left: float
    right: float

    def left_of(self, t: int) -> float:
        """Left edge of a frame's cell."""
        return self.left + (self.right - self.left) * t / max(1, self.frames)

    def middle(self, t: int) -> float:
        """Middle of a frame's cell."""
        return self.left_of(t) + (self.right - self.left) / max(1, self.frames) / 2

    def frame_at(self, x: float) -> int:
        """The frame whose cell holds ``x``; beyond the ends, the first or last frame."""
        share = (x - self.left) / max(1e-9, self.right - self.left)
        return min(max(int(share * self.frames), 0), max(self.frames - 1, 0))

    def columns(self, values: npt.NDArray[np.float64]) -> Iterator[tuple[float, float, float]]:
        """Left, right and value of the frames with a value above 0.

        With more frames than pixels, neighbours join in one column that has the largest of their values.
        """
        pixels = max(1, int(self.right - self.left))
        group = -(-self.frames // pixels)
        gap = 1.0 if (self.right - self.left) / max(1, self.frames) >= 4 else 0.0
        starts = np.arange(0, self.frames, group)
        for first, value in zip(starts, np.maximum.reduceat(values, starts), strict=True):
            if value > 0:
                last = min(int(first) + group, self.frames)
                yield self.left_of(int(first)), self.left_of(last) - gap, float(value)


def runs(frames: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of every run of consecutive numbers in an ascending sequence."""
    if not frames:
        return []
    numbers = np.asarray(frames)
    breaks = np.flatnonzero(np.diff(numbers) != 1)
    firsts = numbers[np.concatenate(([0], breaks + 1))]
    lasts = numbers[np.concatenate((breaks, [numbers.size - 1]))]
    return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]


def label_frames(frames: int, width: float, spacing: float = 64.0) -> list[int]:
    """The frames to write a number under: the first, and round numbers about ``spacing`` pixels apart."""
    if frames < 1:
        return []
    wanted = max(1.0, frames * spacing / max(width, 1.0))
    power = 10 ** int(np.floor(np.log10(wanted)))
    step = next(int(factor * power) for factor in (1, 2, 5, 10) if factor * power >= wanted)
    if step == 1:
        return list(range(frames))
    return [0, *range(step - 1, frames, step)]
