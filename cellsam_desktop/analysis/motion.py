"""How cells move, turn and grow from one frame to the next, read off the images around them.

The surroundings of each cell are registered by themselves with an affine map (Lucas and Kanade 1981; Baker
and Matthews 2004), coarse to fine, letting go of pixels that go another way. It begins where the cell was
going, or where all cells together went, whichever looks more alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.alike import Level, fit, search
from cellsam_desktop.analysis.carried import Image
from cellsam_desktop.analysis.groups import around, groups
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import covered

Array = NDArray[np.float64]

_BLURS = (4.0, 2.0, 1.0)
_MARGIN = 0.25
_REACH = 1.5
_OUTSIDE = 0.7
_POINTS = 900
_MOST_PIXELS = 2048 * 2048
"""Two frames take some fifty bytes for each pixel of the box around their cells."""
_ALIKE = 0.5
"""Below this correlation of the surroundings a cell is looked for all around ..."""
_MORE_ALIKE = 0.25
"""... and believed to be elsewhere only if that is so much more alike."""


@dataclass(frozen=True, eq=False)
class Motion:
    """A point p = (y, x) of the frame before is now at ``matrix`` (p - ``centre``) + ``centre`` + ``shift``.

    ``likeness`` is the correlation of the cell's surroundings before and after, 1 where they agree.
    """

    centre: Array
    matrix: Array
    shift: Array
    likeness: float

    def moved(self, mask: Mask, plane: Region) -> Mask | None:
        """The mask after the motion, within ``plane``; None when nothing of it is left there."""
        from scipy import ndimage

        window = self._window(mask).intersect(plane)
        if window is None:
            return None
        rows, columns = np.mgrid[window.y0 : window.y1, window.x0 : window.x1]
        grid = np.stack([rows, columns], axis=-1)
        before = (grid - self.centre - self.shift) @ np.linalg.inv(self.matrix).T + self.centre
        padded = np.pad(mask.bits.astype(np.float32), 1)
        where = np.moveaxis(before - (mask.y0 - 1, mask.x0 - 1), -1, 0)
        return Mask.from_array(ndimage.map_coordinates(padded, where, order=1) > 0.5, window.y0, window.x0)

    def _window(self, mask: Mask) -> Region:
        """What the bounding box becomes."""
        region = mask.region
        corners = np.array([[y, x] for y in (region.y0, region.y1) for x in (region.x0, region.x1)])
        ends = (corners - self.centre) @ self.matrix.T + self.centre + self.shift
        (y0, x0), (y1, x1) = np.floor(ends.min(axis=0)).astype(int), np.ceil(ends.max(axis=0)).astype(int)
        return Region(int(y0), int(x0), int(y1 - y0) + 1, int(x1 - x0) + 1)


class Frames:
    """Two frames around some cells, and what moved between them."""

    def __init__(self, previous: Image, image: Image, cells: Sequence[Mask]) -> None:
        """``previous`` and ``image`` are (height, width, 3); ``cells`` at least one mask on ``previous``."""
        self._cells = cells
        self._reach = _reach(cells)
        self._window = window = _around(cells, self._reach, Region.whole(*image.shape[:2]))
        self._origin = np.array([window.y0, window.x0])
        before, after = (_grey(frame, window) for frame in (previous, image))
        self._levels = [Level.of(before, after, sigma) for sigma in _BLURS]

    @cached_property
    def common(self) -> Array:
        """How all cells moved together, (dy, dx)."""
        return search(self._levels[0], covered(self._cells, self._window), self._reach)

    def register(self, mask: Mask, velocity: tuple[float, float] | None = None) -> Motion:
        """The motion of what ``mask`` shows in the frame before, and went at ``velocity`` (dy, dx) so far."""
        points, weights = _surroundings(mask)
        points = points - self._origin
        centre = np.average(points, axis=0, weights=weights)
        starts = [self.common] + ([] if velocity is None else [np.array(velocity)])
        first, *finer = self._levels
        tries = [fit(first, points, weights, centre, _at(start)) for start in starts]
        state, likeness = max(tries, key=lambda found: found[1])
        if likeness < _ALIKE:
            elsewhere = fit(first, points, weights, centre, _at(self._found(mask)))
            if elsewhere[1] > likeness + _MORE_ALIKE:
                state = elsewhere[0]
        for level in finer:
            state, likeness = fit(level, points, weights, centre, state)
        return Motion(centre + self._origin, np.eye(2) + state[2:].reshape(2, 2), state[:2], likeness)

    def _found(self, mask: Mask) -> Array:
        """The shift of one cell, looked for all around it."""
        part = _around([mask], self._reach, self._window)
        rows, columns = part.within(self._window)
        level = self._levels[0]
        return search(level.part(rows, columns), mask.crop(part), self._reach)


def apart(cells: Sequence[Mask]) -> list[list[int]]:
    """The numbers of the cells to take two ``Frames`` around: all together, where that is not too large."""
    if not cells:
        return []
    reach = _reach(cells)
    regions = [mask.region.widened(reach) for mask in cells]
    box = around(regions)
    return [list(range(len(cells)))] if box.height * box.width <= _MOST_PIXELS else groups(regions)


def _reach(cells: Sequence[Mask]) -> int:
    """How far from where they were cells are looked for, in pixels."""
    return max(24, round(_REACH * float(np.sqrt(np.median([mask.area for mask in cells])))))


def _at(shift: Array) -> Array:
    return np.concatenate([shift, np.zeros(4)])


def _grey(image: Image, window: Region) -> NDArray[np.float32]:
    return np.asarray(image[window.slices].mean(axis=-1, dtype=np.float32))


def _around(cells: Sequence[Mask], reach: int, plane: Region) -> Region:
    wide = around([mask.region for mask in cells]).widened(reach)
    return wide.intersect(plane) or plane


def _surroundings(mask: Mask) -> tuple[Array, Array]:
    """Pixels (n, 2) of the mask and a margin around it, an even sample of a large one; and their weights."""
    from scipy import ndimage

    margin = max(4, round(_MARGIN * np.sqrt(mask.area)))
    bits = np.pad(mask.bits, margin)
    rows, columns = np.nonzero(ndimage.distance_transform_edt(~bits) <= margin)
    step = max(1, rows.size // _POINTS)
    rows, columns = rows[::step], columns[::step]
    points = np.stack([rows + mask.y0 - margin, columns + mask.x0 - margin], axis=1).astype(np.float64)
    return points, np.where(bits[rows, columns], 1.0, _OUTSIDE)
