"""Shape corrections of one mask (grow, shrink, fill holes, keep the largest piece), drawn shapes, and what
several masks cover.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import BoolArray, Mask

_CROSS = np.array([[False, True, False], [True, True, True], [False, True, False]])

# SciPy is loaded by the first correction, not by the start of the window: it takes longer than Qt.


def grow(mask: Mask, height: int, width: int, pixels: int = 1) -> Mask:
    """The mask dilated by ``pixels`` (4-connected), kept within the plane (height, width)."""
    from scipy import ndimage

    around = mask.region.widened(pixels)
    bits = ndimage.binary_dilation(mask.crop(around), _CROSS, iterations=pixels)
    grown = Mask.from_array(bits, around.y0, around.x0)
    return (grown.clip(height, width) if grown else None) or mask


def shrink(mask: Mask, pixels: int = 1) -> Mask | None:
    """The mask eroded by ``pixels`` (4-connected); None when nothing is left."""
    from scipy import ndimage

    return Mask.from_array(ndimage.binary_erosion(mask.bits, _CROSS, iterations=pixels), mask.y0, mask.x0)


def fill_holes(mask: Mask) -> Mask:
    """The mask with its enclosed holes filled."""
    from scipy import ndimage

    return Mask(mask.y0, mask.x0, ndimage.binary_fill_holes(mask.bits))


def keep_largest(mask: Mask) -> Mask:
    """The largest 4-connected piece of the mask."""
    from scipy import ndimage

    labels, count = ndimage.label(mask.bits, _CROSS)
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return Mask.from_array(labels == int(sizes.argmax()), mask.y0, mask.x0) or mask


def covered(masks: Iterable[Mask], window: Region) -> BoolArray:
    """The pixels of ``window`` (height, width) that any of the masks has, in the time their boxes take."""
    found = np.zeros((window.height, window.width), np.bool_)
    for mask in masks:
        inside = mask.region.intersect(window)
        if inside is not None:
            found[inside.within(window)] |= mask.crop(inside)
    return found


def disc(x: float, y: float, radius: float) -> Mask:
    """The pixels whose centres lie within ``radius`` of (x, y); at least the nearest pixel."""
    reach = int(np.ceil(radius)) + 1
    x0, y0 = round(x) - reach, round(y) - reach
    rows, columns = np.ogrid[y0 : y0 + 2 * reach + 1, x0 : x0 + 2 * reach + 1]
    inside: BoolArray = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    inside[reach, reach] = True
    mask = Mask.from_array(inside, y0, x0)
    assert mask is not None  # the nearest pixel belongs to it
    return mask


def stroke(points: Sequence[tuple[float, float]], radius: float) -> Mask | None:
    """The area swept by a disc of ``radius`` along a path of (x, y) points; None for an empty path.

    The distance of every pixel to the nearest segment decides, so fast strokes leave no gaps.
    """
    if not points:
        return None
    begin = disc(*points[0], radius)
    path = np.asarray(points, float)
    x0, y0 = (np.floor(path.min(axis=0) - radius) - 1).astype(int).tolist()
    x1, y1 = (np.ceil(path.max(axis=0) + radius) + 2).astype(int).tolist()
    around = Region(y0, x0, y1 - y0, x1 - x0)
    swept = begin.crop(around)
    for start, end in pairwise((path - (x0, y0)).tolist()):
        _sweep(swept, start, end, radius)
    return Mask.from_array(swept, around.y0, around.x0)


def _sweep(swept: BoolArray, start: list[float], end: list[float], radius: float) -> None:
    """Add the pixels within ``radius`` of the segment between two points (x, y) of the array."""
    (xa, ya), (xb, yb) = start, end
    dx, dy = xb - xa, yb - ya
    top, left = int(min(ya, yb) - radius), int(min(xa, xb) - radius)
    bottom, right = int(max(ya, yb) + radius) + 2, int(max(xa, xb) + radius) + 2
    rows, columns = np.ogrid[top:bottom, left:right]
    x, y = columns - xa, rows - ya
    along = np.clip((x * dx + y * dy) / ((dx * dx + dy * dy) or 1.0), 0.0, 1.0)
    swept[top:bottom, left:right] |= (x - along * dx) ** 2 + (y - along * dy) ** 2 <= radius**2


def polygon(points: ArrayLike) -> Mask | None:
    """The pixels whose centres lie inside a closed polygon (n, 2) of x, y corners (even-odd rule).

    None if there are none, or fewer than three corners. The work grows with the area plus the rows that the
    edges cross, not with their product: lassos have hundreds of corners.
    """
    ring = np.asarray(points, float).reshape(-1, 2)
    if len(ring) < 3:
        return None
    x0, y0 = np.floor(ring.min(axis=0)).astype(int).tolist()
    width, height = (np.ceil(ring.max(axis=0)).astype(int) - (x0, y0) + 1).tolist()
    # Each edge flips the pixels right of it on the rows that it crosses.
    flips = np.zeros((height, width + 1), np.int32)
    start, end = ring - (x0, y0), np.roll(ring, -1, axis=0) - (x0, y0)
    # From top to bottom, so that both ways along a cut cross a row at the same place to the last bit.
    upwards = (start[:, 1] > end[:, 1])[:, None]
    top, bottom = np.where(upwards, end, start), np.where(upwards, start, end)
    first, after = (np.ceil(corner[:, 1]).astype(int) for corner in (top, bottom))
    edge = np.repeat(np.arange(len(ring)), after - first)
    row = first[edge] + _counted(after - first)
    part = (row - top[edge, 1]) / (bottom[edge, 1] - top[edge, 1])
    x = top[edge, 0] + part * (bottom[edge, 0] - top[edge, 0])
    np.add.at(flips, (row, np.ceil(x).astype(int)), 1)
    return Mask.from_array(np.cumsum(flips, axis=1)[:, :-1] % 2 == 1, y0, x0)


def _counted(counts: NDArray[np.int_]) -> NDArray[np.int_]:
    """0, 1, ... up to each count, one after the other."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
