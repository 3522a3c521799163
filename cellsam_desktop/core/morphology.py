"""Shape corrections of one mask: grow, shrink, fill holes, keep the largest piece."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import BoolArray, Mask

_CROSS = np.array([[False, True, False], [True, True, True], [False, True, False]])

# SciPy is loaded by the first correction, not by the start of the window: it takes longer than Qt.


def grow(mask: Mask, height: int, width: int, pixels: int = 1) -> Mask:
    """The mask dilated by ``pixels`` (4-connected), kept within the plane (height, width)."""
    from scipy import ndimage

    around = Region(
        mask.y0 - pixels, mask.x0 - pixels, mask.bits.shape[0] + 2 * pixels, mask.bits.shape[1] + 2 * pixels
    )
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


def disc(x: float, y: float, radius: float) -> Mask | None:
    """The pixels whose centres lie within ``radius`` of (x, y); at least the nearest pixel."""
    y0, x0 = int(np.floor(y - radius)), int(np.floor(x - radius))
    size = int(np.ceil(2 * radius)) + 2
    rows, columns = np.ogrid[y0 : y0 + size, x0 : x0 + size]
    inside: BoolArray = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    if 0 <= round(y) - y0 < size and 0 <= round(x) - x0 < size:
        inside[round(y) - y0, round(x) - x0] = True
    return Mask.from_array(inside, y0, x0)


def stroke(points: list[tuple[float, float]], radius: float) -> Mask | None:
    """The area swept by a disc of ``radius`` along a path of (x, y) points; None for an empty path.

    The distance of every pixel to the nearest segment decides, so fast strokes leave no gaps.
    """
    if not points:
        return None
    swept = disc(*points[0], radius)
    for (xa, ya), (xb, yb) in pairwise(points):
        segment = _capsule(xa, ya, xb, yb, radius)
        if segment is not None:
            swept = segment if swept is None else swept.union(segment)
    return swept


def _capsule(xa: float, ya: float, xb: float, yb: float, radius: float) -> Mask | None:
    length_squared = (xb - xa) ** 2 + (yb - ya) ** 2
    if length_squared == 0:
        return disc(xa, ya, radius)
    y0, x0 = int(np.floor(min(ya, yb) - radius)), int(np.floor(min(xa, xb) - radius))
    y1, x1 = int(np.ceil(max(ya, yb) + radius)), int(np.ceil(max(xa, xb) + radius))
    rows, columns = np.ogrid[y0 : y1 + 1, x0 : x1 + 1]
    along = ((columns - xa) * (xb - xa) + (rows - ya) * (yb - ya)) / length_squared
    along = np.clip(along, 0.0, 1.0)
    distance = (columns - xa - along * (xb - xa)) ** 2 + (rows - ya - along * (yb - ya)) ** 2
    return Mask.from_array(distance <= radius**2, y0, x0)


def polygon(points: list[tuple[float, float]]) -> Mask | None:
    """The pixels whose centres lie inside a closed polygon of (x, y) corners (even-odd rule)."""
    if len(points) < 3:
        return None
    corners = np.asarray(points, dtype=float)
    x0, y0 = np.floor(corners.min(axis=0)).astype(int)
    x1, y1 = np.ceil(corners.max(axis=0)).astype(int)
    rows, columns = np.mgrid[y0 : y1 + 1, x0 : x1 + 1]
    inside = np.zeros(rows.shape, dtype=np.bool_)
    for (xa, ya), (xb, yb) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if ya == yb:
            continue
        crosses = (rows >= min(ya, yb)) & (rows < max(ya, yb))
        inside ^= crosses & (columns < xa + (rows - ya) * (xb - xa) / (yb - ya))
    return Mask.from_array(inside, int(y0), int(x0))
