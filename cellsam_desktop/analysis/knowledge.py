"""What is known about the cells of a movie when the model is asked for one more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.shape import fullness
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Prompts

_USUAL_SPREAD = 0.45
_USUAL_SPREAD_OF_FULLNESS = 0.1
_WORTH_CELLS = 2.0
"""Before any is accepted, cells are expected to vary in area by 57 % either way, and in fullness by a tenth;
it counts like two cells.
"""

_SPREAD_OVER_TIME = 0.2
"""From one frame to the next a cell's area varies by some 20 %."""

_PIXELS_OF_A_MASK = 400
"""Of a larger mask an even sample of about so many pixels stands for all."""


@dataclass(frozen=True, slots=True)
class CellFacts:
    """An accepted mask in numbers: ``area`` in pixels, ``extent`` the mean side of its bounding box, and its
    ``fullness`` (``analysis.shape``).
    """

    area: int
    extent: float
    fullness: float


def facts_of(mask: Mask) -> CellFacts:
    """The facts of an accepted mask; to be worked out once, when it is accepted."""
    return CellFacts(mask.area, (mask.height + mask.width) / 2, fullness(mask.bits))


@dataclass(frozen=True, slots=True)
class Expected:
    """What a positive number will be: the middle and the spread of its logarithm."""

    log: float
    spread: float

    @classmethod
    def from_cells(cls, values: Sequence[float], usual_spread: float) -> Expected:
        """What accepted cells say; few of them leave the spread near the usual one."""
        logs = np.log(values)
        middle = float(np.median(logs))
        prior = _WORTH_CELLS * usual_spread**2
        variance = (prior + float(np.sum((logs - middle) ** 2))) / (_WORTH_CELLS + len(logs))
        return cls(middle, math.sqrt(variance))

    def gap(self, value: float) -> float:
        """How far a value lies from what is expected, in spreads; positive if it is larger."""
        return (math.log(value) - self.log) / self.spread


@dataclass(frozen=True, slots=True)
class Size:
    """How large the next cell will be: its area in pixels, and its extent."""

    area: Expected
    extent: float


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """Pixels of masks, or an even sample of them: positions, and how many pixels each one stands for."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    count: NDArray[np.float64]

    @classmethod
    def of(cls, masks: Sequence[Mask]) -> Pixels:
        """The pixels of some masks, overlaps counted twice."""
        parts = [np.empty((3, 0)), *map(_sample, masks)]
        return cls(*np.concatenate(parts, axis=1))


@dataclass(frozen=True, eq=False)
class Knowledge:
    """A snapshot: ``cells`` are facts of accepted masks of the movie in any order, ``taken`` the masks of
    other cells on the plane asked about, ``previous`` the mask of the cell asked about in a frame beside it.
    """

    cells: Sequence[CellFacts] = ()
    taken: Sequence[Mask] = ()
    previous: Mask | None = None

    @property
    def diameter(self) -> float | None:
        """That of a disc with the median area of the cells, in pixels; None when nothing is known."""
        areas = [cell.area for cell in self.cells] or ([self.previous.area] if self.previous else [])
        return float(2 * math.sqrt(np.median(areas) / math.pi)) if areas else None

    @cached_property
    def size(self) -> Size | None:
        """What the next cell is expected to measure; None when nothing is known."""
        if self._before is not None:
            return Size(Expected(math.log(self._before.area), _SPREAD_OVER_TIME), self._before.extent)
        if not self.cells:
            return None
        area = Expected.from_cells([cell.area for cell in self.cells], _USUAL_SPREAD)
        return Size(area, float(np.median([cell.extent for cell in self.cells])))

    @cached_property
    def fullness(self) -> Expected | None:
        """How full the next cell is expected to be; None when nothing is known."""
        cells = [self._before] if self._before is not None else self.cells
        if not cells:
            return None
        return Expected.from_cells([cell.fullness for cell in cells], _USUAL_SPREAD_OF_FULLNESS)

    @cached_property
    def _before(self) -> CellFacts | None:
        """The facts of the cell in the frame beside."""
        return None if self.previous is None else facts_of(self.previous)

    @cached_property
    def taken_pixels(self) -> Pixels:
        """The pixels of other cells."""
        return Pixels.of(self.taken)

    @cached_property
    def previous_pixels(self) -> Pixels:
        """The pixels of the cell in the frame beside."""
        return Pixels.of([self.previous] if self.previous else [])


def previous_for(prompts: Prompts, mask: Mask | None) -> Mask | None:
    """A cell's ``mask`` in the frame beside, if ``prompts`` lie on it or within half its length of it.

    Of a mask farther away the model's answer should have nothing in common, and the one that has is wrong.
    """
    if mask is None:
        return None
    around = mask.region.widened(max(mask.height, mask.width) // 2)
    return mask if any(around.contains(x, y) for x, y in prompts.corners) else None


def _sample(mask: Mask) -> NDArray[np.float64]:
    y, x = np.nonzero(mask.bits)
    step = max(1, y.size // _PIXELS_OF_A_MASK)
    chosen = np.stack([x[::step] + mask.x0, y[::step] + mask.y0, np.zeros_like(x[::step])]).astype(np.float64)
    chosen[2] = y.size / chosen.shape[1]
    return chosen


NOTHING = Knowledge()
"""No cell was accepted yet."""
