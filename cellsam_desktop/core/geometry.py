"""Rectangles of a plane. x runs right, y runs down, pixel centres lie at integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class PlaneIndex(NamedTuple):
    """One 2D image of a movie: time point, channel and z position, all 0-based."""

    t: int = 0
    c: int = 0
    z: int = 0


class PlaneKey(NamedTuple):
    """Where a mask lies: time point and z position (masks belong to every channel)."""

    t: int = 0
    z: int = 0


Place = tuple[int, PlaneKey]
"""Which mask: that of a cell on a plane."""

MovieSizes = tuple[int, int, int, int]
"""Lengths of a movie's axes as far as masks have them: frames, z positions, rows and columns (T, Z, Y, X)."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of pixels of a plane: rows ``y0 .. y0+height-1``, columns ``x0 .. x0+width-1``.

    The image encoder sees one region at a time; the whole plane is ``Region.whole(height, width)``.
    """

    y0: int
    x0: int
    height: int
    width: int

    @classmethod
    def whole(cls, height: int, width: int) -> Region:
        """The region that covers a plane of ``height`` x ``width`` pixels."""
        return cls(0, 0, height, width)

    @property
    def y1(self) -> int:
        """Row just below the region."""
        return self.y0 + self.height

    @property
    def x1(self) -> int:
        """Column just right of the region."""
        return self.x0 + self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the region in an array of shape (Y, X) or (Y, X, channels)."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def within(self, shown: Region) -> tuple[slice, slice]:
        """Index of the region in an array of which the first element is the first pixel of ``shown``."""
        return Region(self.y0 - shown.y0, self.x0 - shown.x0, self.height, self.width).slices

    def intersect(self, other: Region) -> Region | None:
        """The common rectangle, or None when the two do not meet."""
        y0, x0 = max(self.y0, other.y0), max(self.x0, other.x0)
        y1, x1 = min(self.y1, other.y1), min(self.x1, other.x1)
        if y1 <= y0 or x1 <= x0:
            return None
        return Region(y0, x0, y1 - y0, x1 - x0)

    def union(self, other: Region) -> Region:
        """The smallest rectangle that holds both."""
        y0, x0 = min(self.y0, other.y0), min(self.x0, other.x0)
        y1, x1 = max(self.y1, other.y1), max(self.x1, other.x1)
        return Region(y0, x0, y1 - y0, x1 - x0)

    def widened(self, by: int) -> Region:
        """The region and a margin of so many pixels on each side; it may reach beyond the plane."""
        return Region(self.y0 - by, self.x0 - by, self.height + 2 * by, self.width + 2 * by)

    def contains(self, x: float, y: float) -> bool:
        """Whether the point lies on one of the region's pixels."""
        return self.x0 - 0.5 <= x < self.x1 - 0.5 and self.y0 - 0.5 <= y < self.y1 - 0.5
