"""Cutting one shape in two, and the shapes between two."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.mask import BoolArray, Mask

Spot = tuple[float, float]
"""(x, y) in pixels of a plane."""


def cut_by_line(mask: Mask, start: Spot, end: Spot) -> tuple[Mask, Mask] | None:
    """The parts of a mask on either side of the line through two points, the larger first.

    None when the line leaves all of it on one side. The line has no ends.
    """
    rows, columns = _grid(mask)
    dx, dy = end[0] - start[0], end[1] - start[1]
    parts = _parts(mask, (columns - start[0]) * dy - (rows - start[1]) * dx > 0)
    return parts and (max(parts, key=lambda part: part.area), min(parts, key=lambda part: part.area))


def cut_by_spots(mask: Mask, first: Spot, second: Spot) -> tuple[Mask, Mask] | None:
    """The pixels of a mask that are nearer to the first of two points, and those nearer to the second.

    None when all are nearer to the same.
    """
    rows, columns = _grid(mask)
    far = (columns - second[0]) ** 2 + (rows - second[1]) ** 2
    return _parts(mask, (columns - first[0]) ** 2 + (rows - first[1]) ** 2 <= far)


def crosses(mask: Mask, start: Spot, end: Spot) -> bool:
    """Whether the line from one point to another, ends included, runs over a pixel of the mask.

    It is looked at every half pixel.
    """
    count = 2 * math.ceil(math.dist(start, end)) + 1
    xs, ys = (np.linspace(*pair, count) for pair in zip(start, end, strict=True))
    return any(mask.contains(x, y) for x, y in zip(xs, ys, strict=True))


def between(before: Mask, after: Mask, fraction: float) -> Mask | None:
    """The shape ``fraction`` (0 to 1) of the way from one mask to another.

    Signed distances to the two outlines are averaged (Raya and Udupa 1990, IEEE TMI 9:32) after both shapes
    were moved, by whole pixels, to where the centroid is by then; else shapes that do not overlap would
    vanish. None if nothing is left, which only thin shapes can bring about.
    """
    (xa, ya), (xb, yb) = before.centroid, after.centroid
    x, y = xa + fraction * (xb - xa), ya + fraction * (yb - ya)
    one = before.moved(round(y - ya), round(x - xa))
    other = after.moved(round(y - yb), round(x - xb))
    frame = one.region.union(other.region)
    distance = (1 - fraction) * signed_distance(one.crop(frame))
    distance += fraction * signed_distance(other.crop(frame))
    return Mask.from_array(distance > 0, frame.y0, frame.x0)


def signed_distance(bits: BoolArray) -> NDArray[np.float32]:
    """The distance in pixels to the nearest pixel of the other kind: positive inside, negative outside.

    Beyond the array there is nothing of the shape. -inf everywhere when there is no shape.
    """
    from scipy import ndimage  # takes longer to load than Qt, and only few actions need it

    if not bits.any():
        return np.full(bits.shape, -np.inf, np.float32)
    inside = ndimage.distance_transform_edt(np.pad(bits, 1))[1:-1, 1:-1]
    return np.asarray(inside - ndimage.distance_transform_edt(~bits), dtype=np.float32)


def _grid(mask: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows, columns = np.ogrid[mask.y0 : mask.y0 + mask.height, mask.x0 : mask.x0 + mask.width]
    return rows, columns


def _parts(mask: Mask, first: BoolArray) -> tuple[Mask, Mask] | None:
    one = Mask.from_array(mask.bits & first, mask.y0, mask.x0)
    other = Mask.from_array(mask.bits & ~first, mask.y0, mask.x0)
    return None if one is None or other is None else (one, other)
