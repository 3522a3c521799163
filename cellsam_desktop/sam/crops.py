"""Where the encoder looks: regions of a plane at a scale at which a cell fills a sensible part of the field.

A *look* is one region that is encoded by itself. Crops are squares whose sides are powers of two and whose
corners lie on a grid of half their side, so that neighbouring clicks share them and every look can be cached.
The sizes were measured: docs/decisions/0180-looks.md.
"""

from __future__ import annotations

import math

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Prompts

SMALLEST = 64
LARGEST = 2048
"""A plane somewhat larger than this is never looked at as a whole: its cells would be specks."""

_CLOSER = 512
_SIDE_PER_DIAMETER = 16.0
_SIDE_PER_BOX = 8.0
_WHOLE_ENOUGH = 4 / 3


def looks_for(
    plane: Region, prompts: Prompts, diameter: float | None, view: Region | None = None
) -> tuple[Region, ...]:
    """The regions to look at for ``prompts``; the answer of the first one is shown first.

    ``plane`` is the whole plane, ``diameter`` that of the cells accepted so far in plane pixels (None:
    nothing is known), ``view`` the part of the plane that is on screen (None: all of it). A box says how
    large the cell is; otherwise the accepted cells do, and where nothing does the view. One click, which may
    mean a part or the whole, is looked at twice: like this, and closer.
    """
    around = _around(prompts)
    if prompts.box is not None:
        return (_holding(plane, around, _side(_SIDE_PER_BOX * max(around.height, around.width))),)
    side = _overview(view or plane) if diameter is None else _side(_SIDE_PER_DIAMETER * diameter)
    first = _holding(plane, around, side)
    if len(prompts.points) != 1:
        return (first,)
    closer = _CLOSER if diameter is None else max(SMALLEST, side // 2)
    return tuple(dict.fromkeys((first, _holding(plane, around, closer))))


def looks_covering(plane: Region, part: Region, diameter: float | None) -> tuple[Region, ...]:
    """The first look of every click within ``part``, from the middle of the part outwards.

    ``part`` is taken for the view where nothing is known.
    """
    side = _overview(part) if diameter is None else _side(_SIDE_PER_DIAMETER * diameter)
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


def _holding(plane: Region, around: Region, side: int) -> Region:
    """The crop of ``side`` pixels around the middle of ``around``, or a larger one that holds all of it."""
    inside = around.intersect(plane) or around
    x, y = inside.x0 + (inside.width - 1) / 2, inside.y0 + (inside.height - 1) / 2
    crop = crop_at(plane, x, y, side)
    while crop != plane and crop.intersect(inside) != inside:
        side *= 2
        crop = crop_at(plane, x, y, side)
    return crop


def _around(prompts: Prompts) -> Region:
    """The pixels from the first to the last prompt along either axis."""
    xs, ys = zip(*prompts.corners, strict=True)
    x0, y0 = round(min(xs)), round(min(ys))
    return Region(y0, x0, round(max(ys)) - y0 + 1, round(max(xs)) - x0 + 1)


def _overview(part: Region) -> int:
    """The side of the square that shows what ``part`` shows."""
    shown = max(part.height, part.width)
    return max(_CLOSER // 2, min(LARGEST, 1 << math.ceil(math.log2(shown / _WHOLE_ENOUGH))))


def _side(wanted: float) -> int:
    """The power of two nearest to the side that is wanted."""
    return max(SMALLEST, 1 << round(math.log2(max(1.0, wanted))))


def _whole(plane: Region, side: int) -> bool:
    return max(plane.height, plane.width) <= _WHOLE_ENOUGH * side


def _square(plane: Region, y0: int, x0: int, side: int) -> Region:
    return Region(y0, x0, min(side, plane.height), min(side, plane.width))


def _start(origin: int, length: int, side: int, position: float) -> int:
    """Where along one axis the crop around ``position`` begins."""
    step = side // 2
    snapped = round((position - origin - side / 2) / step) * step
    return origin + max(0, min(snapped, length - side))


def _starts(origin: int, length: int, side: int, first: float, last: float) -> list[int]:
    """The beginnings of the crops around all positions from ``first`` to ``last``."""
    low, high = (_start(origin, length, side, position) for position in (first, last))
    return sorted({*range(low, high, side // 2), high})


def _centre(crop: Region, x: float, y: float) -> tuple[float, float]:
    return crop.y0 + crop.height / 2 - y, crop.x0 + crop.width / 2 - x
