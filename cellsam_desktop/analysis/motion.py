"""How cells move, turn and grow from one frame to the next, read off the images around them.

The surroundings of each cell are registered by themselves with an affine map (Lucas and Kanade 1981; Baker
and Matthews 2004), coarse to fine, letting go of pixels that go another way. It begins where the cell was
going, or where all cells together went, whichever looks more alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.alike import Level, fit, search
from cellsam_desktop.analysis.carried import Image
from cellsam_desktop.analysis.groups import around, groups
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import covered

Array = NDArray[np.float64]
Velocity: TypeAlias = tuple[float, float] | None
"""(dy, dx) in pixels per step, None before it is known."""

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
_BESIDE, _FEWEST = 6, 3
"""A cell is held against so many beside it at most, and at least."""
_APART = 1.0
"""A cell that went another way than those beside it, by so much of its size, is tried with theirs ..."""
_LESS_ALIKE = 0.05
"""... and believed to have gone with them unless that is so much less alike."""
_LARGEST = 3.0
"""No cell grows or shrinks by more along any axis: where the images say so there is nothing to be seen."""


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


@dataclass(frozen=True, eq=False)
class _Surroundings:
    """The surroundings of a cell: ``points`` (n, 2) in the window, their ``weights`` and the ``centre``."""

    points: Array
    weights: Array
    centre: Array

    def fit(self, levels: Sequence[Level], state: Array) -> tuple[Array, float]:
        """From ``state`` on, level by level; the likeness is that of the last."""
        likeness = -1.0
        for level in levels:
            state, likeness = fit(level, self.points, self.weights, self.centre, state)
        return state, likeness


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

    def register_all(self, cells: Sequence[Mask], velocities: Sequence[Velocity]) -> list[Motion]:
        """The motion of each cell; one that left those beside it is tried with theirs as well."""
        motions = [self.register(*cell) for cell in zip(cells, velocities, strict=True)]
        centres, shifts = (np.array([getattr(m, name) for m in motions]) for name in ("centre", "shift"))
        return [
            motion
            if theirs is None or _size(mask) * _APART > np.hypot(*(motion.shift - theirs))
            else self._with_others(mask, motion, theirs)
            for mask, motion, theirs in zip(cells, motions, _of_others(centres, shifts), strict=True)
        ]

    def register(self, mask: Mask, velocity: Velocity = None) -> Motion:
        """The motion of what ``mask`` shows in the frame before, and went at ``velocity`` (dy, dx) so far."""
        near = self._around_cell(mask)
        starts = [self.common] + ([] if velocity is None else [np.array(velocity)])
        tries = [(*near.fit(self._levels[:1], _at(start)), start) for start in starts]
        state, likeness, start = max(tries, key=lambda found: found[1])
        if likeness < _ALIKE:
            there = self._found(mask)
            elsewhere = near.fit(self._levels[:1], _at(there))
            if elsewhere[1] > likeness + _MORE_ALIKE:
                state, start = elsewhere[0], there
        return self._motion(near, *near.fit(self._levels[1:], state), start)

    def _with_others(self, mask: Mask, own: Motion, theirs: Array) -> Motion:
        """A cell's motion if it went with others: its own one where that is clearly more alike."""
        near = self._around_cell(mask)
        motion = self._motion(near, *near.fit(self._levels, _at(theirs)), theirs)
        return own if motion.likeness < own.likeness - _LESS_ALIKE else motion

    def _around_cell(self, mask: Mask) -> _Surroundings:
        points, weights = _surroundings(mask)
        points = points - self._origin
        return _Surroundings(points, weights, np.average(points, axis=0, weights=weights))

    def _motion(self, near: _Surroundings, state: Array, likeness: float, start: Array) -> Motion:
        """What was fitted; only the shift from which it began where that is no way a cell changes."""
        matrix = np.eye(2) + state[2:].reshape(2, 2)
        scales = np.linalg.svd(matrix, compute_uv=False)
        if not 1 / _LARGEST < scales[1] <= scales[0] < _LARGEST:
            matrix, state, likeness = np.eye(2), _at(start), 0.0
        return Motion(near.centre + self._origin, matrix, state[:2], likeness)

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


def _of_others(centres: Array, shifts: Array) -> list[Array | None]:
    """How those beside each cell moved, the median; None for all where there are too few."""
    if len(centres) <= _FEWEST:
        return [None] * len(centres)
    distances = np.hypot(*(centres[:, None] - centres).T)
    beside = np.argsort(distances, axis=1)[:, 1 : _BESIDE + 1]
    return [np.median(shifts[others], axis=0) for others in beside]


def _size(mask: Mask) -> float:
    return float(np.sqrt(mask.area))


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
