"""What the order of the decoder's candidates is made from: each mask in a few plain numbers.

Everything is measured on the 256 x 256 logits, so that no mask of full size is made for a candidate that
nobody will see.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.shape import Moments
from cellsam_desktop.core.mask import BoolArray
from cellsam_desktop.core.prompts import Point
from cellsam_desktop.sam.transforms import IMAGE_SIZE, InputGeometry

_LOGITS = 256
_INPUT_PER_LOGIT = IMAGE_SIZE / _LOGITS
_FINE_ENOUGH = 96
"""Of a larger mask only every second, third ... pixel is looked at for the distance to its outline."""


@dataclass(frozen=True, slots=True)
class Traits:
    """One candidate of an answer to one click.

    ``area`` is in plane pixels, ``share`` that of the look; ``offset`` the distance of the click from the
    centroid over the square root of the area; ``depth`` the distance of the click from the outline over that
    of the deepest pixel (0 outside the mask, 1 in its middle); ``fullness`` is explained in
    ``analysis.shape``; ``roughness`` is the length of the outline, along the edges of pixels, over the square
    root of the area; ``likeness`` the IoU with each of the answer's masks, in the order of the tokens, itself
    among them.
    """

    area: float
    share: float
    offset: float
    depth: float
    fullness: float
    roughness: float
    likeness: tuple[float, ...]


def traits_of(
    logits: Sequence[NDArray[np.float32]], geometry: InputGeometry, click: Point
) -> list[Traits | None]:
    """The traits of all candidates (256, 256) of one answer, in order; None for an empty one."""
    masks = [answer > 0 for answer in logits]
    click_row, click_column = logit_positions(geometry, np.array([click.x]), np.array([click.y]))
    place = int(click_row[0]), int(click_column[0])
    boxes = [_Tight.around(bits, place) for bits in masks]
    depths = iter(_depths([box for box in boxes if box is not None]))
    pixel = _pixel_area(geometry)
    return [
        None if box is None else _traits(box, next(depths), pixel, tuple(map(float, likeness)))
        for box, likeness in zip(boxes, _likeness(masks), strict=True)
    ]


def logit_positions(
    geometry: InputGeometry, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the logits that show the plane positions (x, y) of the look."""
    region = geometry.region
    per_x = geometry.input_width / region.width / _INPUT_PER_LOGIT
    per_y = geometry.input_height / region.height / _INPUT_PER_LOGIT
    rows, columns = (y + 0.5 - region.y0) * per_y, (x + 0.5 - region.x0) * per_x
    last = _LOGITS - 1
    return np.clip(rows, 0, last).astype(np.intp), np.clip(columns, 0, last).astype(np.intp)


@dataclass(frozen=True, slots=True)
class _Tight:
    """A mask cut to its bounding box; the click lies at (row, column) of it, perhaps outside."""

    bits: BoolArray
    row: int
    column: int

    @classmethod
    def around(cls, bits: BoolArray, place: tuple[int, int]) -> _Tight | None:
        rows, columns = np.flatnonzero(bits.any(axis=1)), np.flatnonzero(bits.any(axis=0))
        if rows.size == 0:
            return None
        top, left = int(rows[0]), int(columns[0])
        tight = bits[top : rows[-1] + 1, left : columns[-1] + 1]
        return cls(tight, place[0] - top, place[1] - left)

    def coarse(self) -> _Tight:
        """Every second, third ... pixel of a large mask."""
        step = max(1, math.ceil(max(self.bits.shape) / _FINE_ENOUGH))
        return _Tight(self.bits[::step, ::step], self.row // step, self.column // step)

    def clicked(self) -> bool:
        """Whether the click lies on the mask."""
        height, width = self.bits.shape
        inside = 0 <= self.row < height and 0 <= self.column < width
        return inside and bool(self.bits[self.row, self.column])


def _traits(box: _Tight, depth: float, pixel: float, likeness: tuple[float, ...]) -> Traits:
    found = Moments.of(box.bits)
    side = math.sqrt(found.area)
    offset = math.hypot(found.column - box.column, found.row - box.row) / side
    area, share, roughness = found.area * pixel, found.area / _LOGITS**2, _outline(box.bits) / side
    return Traits(area, share, offset, depth, found.fullness, roughness, likeness)


def _outline(bits: BoolArray) -> int:
    """The number of edges between a pixel of the mask and one outside, the box's own sides among them."""
    sides = bits[0].sum() + bits[-1].sum() + bits[:, 0].sum() + bits[:, -1].sum()
    across, along = bits[1:] != bits[:-1], bits[:, 1:] != bits[:, :-1]
    return int(sides) + int(np.count_nonzero(across)) + int(np.count_nonzero(along))


def _likeness(masks: Sequence[BoolArray]) -> NDArray[np.float32]:
    """The IoU of every mask with every other; 0 where both are empty."""
    if not masks:
        return np.zeros((0, 0), np.float32)
    flat = np.packbits(np.stack(masks).reshape(len(masks), -1), axis=1).view(np.uint64)
    common = np.bitwise_count(flat[:, None] & flat).sum(axis=2, dtype=np.float32)
    areas = np.diag(common)
    return np.asarray(common / np.maximum(areas[:, None] + areas[None, :] - common, 1), dtype=np.float32)


def _pixel_area(geometry: InputGeometry) -> float:
    """Plane pixels per logit."""
    region = geometry.region
    per_row = region.height / geometry.input_height * _INPUT_PER_LOGIT
    return per_row * region.width / geometry.input_width * _INPUT_PER_LOGIT


def _depths(boxes: Sequence[_Tight]) -> list[float]:
    """The depth of the click in each mask."""
    coarse = [box.coarse() for box in boxes]
    distances = iter(_distances([box.bits for box in coarse if box.clicked()]))
    return [_depth(box, next(distances)) if box.clicked() else 0.0 for box in coarse]


def _depth(box: _Tight, distance: NDArray[np.float64]) -> float:
    return float(distance[box.row, box.column] / distance.max())


def _distances(shapes: Sequence[BoolArray]) -> list[NDArray[np.float64]]:
    """The distance to the outline of every pixel of each shape.

    They are found together, side by side with gaps: of a single one most of the time is what any call takes.
    """
    from scipy import ndimage  # not needed before the first click; the window's start must not wait for it

    if not shapes:
        return []
    starts = np.cumsum([1, *(1 + bits.shape[1] for bits in shapes)]).tolist()
    together = np.zeros((2 + max(bits.shape[0] for bits in shapes), starts[-1]), np.bool_)
    places = [
        (slice(1, 1 + bits.shape[0]), slice(start, start + bits.shape[1]))
        for bits, start in zip(shapes, starts, strict=False)
    ]
    for bits, place in zip(shapes, places, strict=True):
        together[place] = bits
    distance = ndimage.distance_transform_edt(together)
    return [distance[place] for place in places]
