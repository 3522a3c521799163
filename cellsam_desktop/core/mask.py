"""The pixels of one cell on one plane, cropped to their bounding box."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.geometry import Region

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Mask:
    """A non-empty binary mask.

    ``bits`` is a read-only boolean array of shape (height, width), tight around its True pixels;
    its first element is the plane's pixel (``y0``, ``x0``). Build masks with ``from_array`` or
    ``from_plane``, which crop; the constructor expects a tight array.
    """

    y0: int
    x0: int
    bits: BoolArray

    def __post_init__(self) -> None:
        self.bits.setflags(write=False)

    @classmethod
    def from_array(cls, bits: BoolArray, y0: int = 0, x0: int = 0) -> Mask | None:
        """A mask from a boolean array (height, width) that lies at (``y0``, ``x0``); None if it is empty."""
        rows, columns = np.flatnonzero(bits.any(axis=1)), np.flatnonzero(bits.any(axis=0))
        if rows.size == 0:
            return None
        top, left = int(rows[0]), int(columns[0])
        tight = bits[top : rows[-1] + 1, left : columns[-1] + 1]
        return cls(y0 + top, x0 + left, np.array(tight, dtype=np.bool_, order="C"))

    @property
    def region(self) -> Region:
        """The bounding box."""
        return Region(self.y0, self.x0, *self.bits.shape)

    @cached_property
    def area(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.bits))

    @cached_property
    def centroid(self) -> tuple[float, float]:
        """Mean pixel position as (x, y), pixel centres at integers."""
        y, x = np.nonzero(self.bits)
        return float(x.mean()) + self.x0, float(y.mean()) + self.y0

    def contains(self, x: float, y: float) -> bool:
        """Whether the pixel nearest to (x, y) belongs to the mask."""
        row, column = round(y) - self.y0, round(x) - self.x0
        height, width = self.bits.shape
        return 0 <= row < height and 0 <= column < width and bool(self.bits[row, column])

    def to_plane(self, height: int, width: int) -> BoolArray:
        """A full boolean plane (height, width); pixels outside it are dropped."""
        plane = np.zeros((height, width), dtype=np.bool_)
        inside = self.region.intersect(Region.whole(height, width))
        if inside is not None:
            plane[inside.slices] = self.crop(inside)
        return plane

    def crop(self, region: Region) -> BoolArray:
        """The mask's pixels within ``region`` as a boolean array of the region's shape."""
        out = np.zeros((region.height, region.width), dtype=np.bool_)
        common = self.region.intersect(region)
        if common is not None:
            rows, columns = common.y0 - region.y0, common.x0 - region.x0
            out[rows : rows + common.height, columns : columns + common.width] = self.bits[
                common.y0 - self.y0 : common.y1 - self.y0, common.x0 - self.x0 : common.x1 - self.x0
            ]
        return out

    def clip(self, height: int, width: int) -> Mask | None:
        """The part within a plane of (height, width); None if nothing is left."""
        inside = self.region.intersect(Region.whole(height, width))
        if inside == self.region:
            return self
        return None if inside is None else Mask.from_array(self.crop(inside), inside.y0, inside.x0)

    def union(self, other: Mask) -> Mask:
        """Pixels of either."""
        region = self.region.union(other.region)
        mask = Mask.from_array(self.crop(region) | other.crop(region), region.y0, region.x0)
        assert mask is not None  # the union of two non-empty masks
        return mask

    def subtract(self, other: Mask) -> Mask | None:
        """Pixels of this mask that the other does not have; None if nothing is left."""
        return Mask.from_array(self.bits & ~other.crop(self.region), self.y0, self.x0)

    def overlap(self, other: Mask) -> int:
        """Number of common pixels."""
        common = self.region.intersect(other.region)
        if common is None:
            return 0
        return int(np.count_nonzero(self.crop(common) & other.crop(common)))

    def iou(self, other: Mask) -> float:
        """Intersection over union, 0 to 1."""
        common = self.overlap(other)
        return common / (self.area + other.area - common)

    def same_pixels(self, other: Mask) -> bool:
        """Whether both masks have exactly the same pixels."""
        return (self.y0, self.x0) == (other.y0, other.x0) and np.array_equal(self.bits, other.bits)
