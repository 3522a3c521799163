"""The pixels of one cell on one plane, cropped to their bounding box."""

from __future__ import annotations

import numpy as np

from cellsam_desktop.core import packing
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.packing import BoolArray

__all__ = ["BoolArray", "Mask"]


class Mask:
    """A non-empty binary mask; it never changes, and two masks are equal only if they are the same object.

    ``bits`` is a read-only boolean array of shape (height, width), tight around its True pixels;
    its first element is the plane's pixel (``y0``, ``x0``). Build masks with ``from_array``, which
    crops; the constructor expects a tight array. A mask that knows its ``packed`` form may let go of its
    pixels and unpack them when they are asked for again.
    """

    __slots__ = ("_area", "_bits", "_packed", "height", "width", "x0", "y0")

    def __init__(self, y0: int, x0: int, bits: BoolArray) -> None:
        bits.setflags(write=False)
        self.y0, self.x0 = y0, x0
        self.height, self.width = bits.shape
        self._bits: BoolArray | None = bits
        self._packed: bytes | None = None
        self._area: int | None = None

    @classmethod
    def from_packed(cls, y0: int, x0: int, height: int, width: int, packed: bytes) -> Mask:
        """A mask in its compact form, which must be sound (see ``packing.check``)."""
        mask = cls.__new__(cls)
        mask.y0, mask.x0, mask.height, mask.width = y0, x0, height, width
        mask._bits, mask._packed, mask._area = None, packed, None
        return mask

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
    def bits(self) -> BoolArray:
        """The pixels within the bounding box, (height, width), read-only."""
        bits = self._bits
        if bits is None:
            assert self._packed is not None, "a mask has its pixels in one form at least"
            bits = self._bits = packing.unpack(self._packed, self.height, self.width)
            packing.kept.unpacked += 1
            packing.kept.add(self, bits.size)
        return bits

    @property
    def packed(self) -> bytes:
        """The pixels in their compact form, see ``packing.pack``."""
        if self._packed is None:
            bits = self.bits
            self._packed = packing.pack(bits)
            packing.kept.add(self, bits.size)
        return self._packed

    def let_go(self) -> None:
        """Keep only the compact form."""
        if self._packed is not None:
            self._bits = None

    @property
    def region(self) -> Region:
        """The bounding box."""
        return Region(self.y0, self.x0, self.height, self.width)

    @property
    def area(self) -> int:
        """Number of pixels."""
        if self._area is None:
            self._area = int(np.count_nonzero(self.bits))
        return self._area

    @property
    def centroid(self) -> tuple[float, float]:
        """Mean pixel position as (x, y), pixel centres at integers."""
        bits = self.bits
        x = int(bits.sum(axis=0) @ np.arange(self.width))
        y = int(bits.sum(axis=1) @ np.arange(self.height))
        return x / self.area + self.x0, y / self.area + self.y0

    def contains(self, x: float, y: float) -> bool:
        """Whether the pixel nearest to (x, y) belongs to the mask."""
        row, column = round(y) - self.y0, round(x) - self.x0
        inside = 0 <= row < self.height and 0 <= column < self.width
        return inside and bool(self.bits[row, column])

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

    def moved(self, dy: int, dx: int) -> Mask:
        """The same pixels, ``dy`` rows further down and ``dx`` columns further right; they are not copied."""
        mask = Mask.__new__(Mask)
        mask.y0, mask.x0, mask.height, mask.width = self.y0 + dy, self.x0 + dx, self.height, self.width
        # Pixels before their compact form: another thread may let go of the former, never of the latter.
        mask._bits, mask._packed, mask._area = self._bits, self._packed, self._area
        return mask

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
        if self.region.intersect(other.region) is None:
            return self
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
