"""The cells of one plane as one image of colour indices, patched only where masks change. Knows no Qt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

import numpy as np
import numpy.typing as npt

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.ui.palette import COLOURS, RowOf, colour_index


class Raster:
    """``indices`` is (Y, X) uint8: 0 where there is no cell, else the cell's row of the colour table, which
    ``row_of`` gives.

    Where masks overlap the smaller one lies on top. ``rebuilds`` counts whole planes drawn, ``patches``
    partial redraws, ``patched_pixels`` the pixels of the last one.
    """

    def __init__(self) -> None:
        self.indices: npt.NDArray[np.uint8] = np.zeros((0, 0), np.uint8)
        self._masks: dict[int, Mask] = {}
        self._absent: frozenset[int] = frozenset()
        self.row_of: RowOf = colour_index
        self.rebuilds = 0
        self.patches = 0
        self.patched_pixels = 0

    @property
    def cells(self) -> Set[int]:
        """Ids of the cells of the plane, drawn or left out."""
        return self._masks.keys()

    @property
    def absent(self) -> Set[int]:
        """Ids of the cells left out."""
        return self._absent

    def rebuild(
        self,
        height: int,
        width: int,
        masks: Mapping[int, Mask],
        absent: Iterable[int] = (),
        row_of: RowOf = colour_index,
    ) -> None:
        """Draw a whole plane; the cells in ``absent`` are kept in mind but not drawn."""
        self._masks, self.row_of = dict(masks), row_of
        self._absent = frozenset(absent)
        self.indices = np.zeros((height, width), np.uint8)
        self._draw(Region.whole(height, width))
        self.rebuilds += 1

    def patch(self, changed: Mapping[int, Mask | None], absent: Iterable[int]) -> Region | None:
        """Set, replace or (None) remove masks; returns the redrawn rectangle, None if nothing had to be."""
        absent = frozenset(absent)
        dirty = self._dirty(changed, absent)
        for cell_id, mask in changed.items():
            self._masks.pop(cell_id, None)
            if mask is not None:
                self._masks[cell_id] = mask
        self._absent = absent
        dirty = dirty.intersect(Region.whole(*self.indices.shape)) if dirty else None
        if dirty is not None:
            self.indices[dirty.slices] = 0
            self._draw(dirty)
            self.patches += 1
            self.patched_pixels = dirty.height * dirty.width
        return dirty

    def _dirty(self, changed: Mapping[int, Mask | None], absent: frozenset[int]) -> Region | None:
        dirty: Region | None = None
        toggled = (self._absent ^ absent) & self._masks.keys()
        for cell_id in {*changed, *toggled}:
            for mask in (self._masks.get(cell_id), changed.get(cell_id)):
                if mask is not None:
                    dirty = mask.region if dirty is None else dirty.union(mask.region)
        return dirty

    def _draw(self, dirty: Region) -> None:
        """Draw the cells over a cleared rectangle, large ones first."""
        drawn = [(mask.area, cell_id) for cell_id, mask in self._masks.items() if cell_id not in self._absent]
        for _, cell_id in sorted(drawn, reverse=True):
            _paint(self.indices, self._masks[cell_id], dirty, self.row_of(cell_id))


def _paint(indices: npt.NDArray[np.uint8], mask: Mask, dirty: Region, colour: int) -> None:
    """Set a mask's pixels within a rectangle; plain numbers, because a frame may hold a thousand masks."""
    height, width = mask.bits.shape
    top, bottom = max(mask.y0, dirty.y0), min(mask.y0 + height, dirty.y1)
    left, right = max(mask.x0, dirty.x0), min(mask.x0 + width, dirty.x1)
    if top < bottom and left < right:
        bits = mask.bits[top - mask.y0 : bottom - mask.y0, left - mask.x0 : right - mask.x0]
        indices[top:bottom, left:right][bits] = colour


class OwnRows:
    """Gives each cell of a plane a row of its own, so that any of them can change its colour without being
    drawn again; ``full`` when there are no more rows, and cells begin to share them.
    """

    def __init__(self) -> None:
        self._rows: dict[int, int] = {}

    @property
    def full(self) -> bool:
        """Whether the next cell shares its row."""
        return len(self._rows) >= COLOURS

    def __call__(self, cell_id: int) -> int:
        """The row of a cell."""
        row = self._rows.get(cell_id)
        if row is None:
            row = self._rows[cell_id] = len(self._rows) % COLOURS + 1
        return row


def hidden_doubles(
    visible: Iterable[int], hidden: Iterable[int], row_of: RowOf = colour_index
) -> frozenset[int]:
    """The hidden cells that share their row with a visible one, which the colour table cannot hide."""
    shown = {row_of(cell_id) for cell_id in visible}
    return frozenset(cell_id for cell_id in hidden if row_of(cell_id) in shown)
