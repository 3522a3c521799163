"""Where the encoder looks: regions of a plane at a scale at which a cell fills a sensible part of the field.

A *look* is one region that is encoded by itself. Crops are squares whose sides are powers of two and whose
corners lie on a grid of half their side, so that neighbouring clicks share them and every look can be cached.
"""

from __future__ import annotations

import math

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Prompts

SMALLEST = 64
_SIDE_PER_DIAMETER = 6.0
_COLD_SIDES = (512, 256)
_WHOLE_ENOUGH = 1.5


def looks_for(
    plane: Region, prompts: Prompts, diameter: float | None, view: Region | None = None
) -> tuple[Region, ...]:
    """The regions to look at for ``prompts``; the answer of the first one is shown first.

    ``plane`` is the whole plane, ``diameter`` that of the cells accepted so far in plane pixels (None:
    nothing is known), ``view`` the part of the plane that is on screen (None: all of it).
    """
    if len(prompts.points) != 1 or prompts.box is not None:
        return (plane,)
    point = prompts.points[0]
    sides = _COLD_SIDES if diameter is None else (_side(diameter),)
    crops = [crop_at(plane, point.x, point.y, side) for side in sides]
    looks = [plane, *crops] if diameter is None else crops
    return tuple(dict.fromkeys(looks))


def looks_covering(plane: Region, part: Region, diameter: float | None) -> tuple[Region, ...]:
    """The first look of every click within ``part``, from the middle of the part outwards."""
    if diameter is None:
        return (plane,)
    side = _side(diameter)
    if _whole(plane, side):
        return (plane,)
    rows = _starts(plane.y0, plane.height, side, part.y0, part.y1 - 1)
    columns = _starts(plane.x0, plane.width, side, part.x0, part.x1 - 1)
    crops = [_square(plane, y0, x0, side) for y0 in rows for x0 in columns]
    y, x = part.y0 + part.height / 2, part.x0 + part.width / 2
    return tuple(sorted(crops, key=lambda crop: math.hypot(*_centre(crop, x, y))))


def crop_at(plane: Region, x: float, y: float, side: int) -> Region:
    """The square of ``side`` pixels on the grid around (x, y), or the plane where a crop is not worth it.

    The point lies at least a quarter of the side from the crop's borders, except near those of the plane.
    """
    if _whole(plane, side):
        return plane
    y0 = _start(plane.y0, plane.height, side, y)
    return _square(plane, y0, _start(plane.x0, plane.width, side, x), side)


def _side(diameter: float) -> int:
    """The side of the look for cells of ``diameter``: a power of two."""
    return max(SMALLEST, 1 << round(math.log2(max(1.0, diameter) * _SIDE_PER_DIAMETER)))


def _whole(plane: Region, side: int) -> bool:
    return max(plane.height, plane.width) < _WHOLE_ENOUGH * side


def _square(plane: Region, y0: int, x0: int, side: int) -> Region:
    return Region(y0, x0, min(side, plane.height), min(side, plane.width))


def _start(origin: int, length: int, side: int, position: float) -> int:
    """Where along one axis the crop around ``position`` begins."""
    step = side // 2
    snapped = round((position - origin - side / 2) / step) * step
    return origin + max(0, min(snapped, length - side))


def _starts(origin: int, length: int, side: int, first: float, last: float) -> list[int]:
    """The beginnings of the crops around all positions from ``first`` to ``last``."""
    ends = (_start(origin, length, side, position) for position in (first, last))
    low, high = sorted(ends)
    return sorted({*range(low, high, side // 2), high})


def _centre(crop: Region, x: float, y: float) -> tuple[float, float]:
    return crop.y0 + crop.height / 2 - y, crop.x0 + crop.width / 2 - x
