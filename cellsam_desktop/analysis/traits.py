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
    of the deepest pixel (0 outside the mask, 1 in its middle); ``likeness`` the IoU with each of the answer's
    masks, in the order of the tokens, itself among them.
    """

    area: float
    share: float
    offset: float
    depth: float
    likeness: tuple[float, ...]


def traits_of(
    logits: Sequence[NDArray[np.float32]], geometry: InputGeometry, click: Point
) -> list[Traits | None]:
    """The traits of all candidates (256, 256) of one answer, in order; None for an empty one."""
    masks = [answer > 0 for answer in logits]
    click_row, click_column = logit_positions(geometry, np.array([click.x]), np.array([click.y]))
    place = int(click_row[0]), int(click_column[0])
    pixel = _pixel_area(geometry)
    return [
        _traits(bits, place, pixel, tuple(map(float, likeness)))
        for bits, likeness in zip(masks, _likeness(masks), strict=True)
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


def _traits(
    bits: BoolArray, place: tuple[int, int], pixel: float, likeness: tuple[float, ...]
) -> Traits | None:
    rows, columns = np.flatnonzero(bits.any(axis=1)), np.flatnonzero(bits.any(axis=0))
    if rows.size == 0:
        return None
    top, left = int(rows[0]), int(columns[0])
    tight = bits[top : rows[-1] + 1, left : columns[-1] + 1]
    row, column = place[0] - top, place[1] - left
    per_row, per_column = tight.sum(axis=1), tight.sum(axis=0)
    area = int(per_row.sum())
    y, x = per_row @ np.arange(per_row.size) / area, per_column @ np.arange(per_column.size) / area
    offset = math.hypot(float(x) - column, float(y) - row) / math.sqrt(area)
    return Traits(area * pixel, area / bits.size, offset, _depth(tight, row, column), likeness)


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


def _depth(bits: BoolArray, row: int, column: int) -> float:
    from scipy import ndimage  # not needed before the first click; the window's start must not wait for it

    step = max(1, math.ceil(max(bits.shape) / _FINE_ENOUGH))
    coarse = bits[::step, ::step]
    row, column = row // step, column // step
    if not (0 <= row < coarse.shape[0] and 0 <= column < coarse.shape[1]) or not coarse[row, column]:
        return 0.0
    padded = np.zeros((coarse.shape[0] + 2, coarse.shape[1] + 2), np.bool_)
    padded[1:-1, 1:-1] = coarse  # ``np.pad`` takes as long as the distances
    distance = ndimage.distance_transform_edt(padded)
    return float(distance[row + 1, column + 1] / distance.max())
