"""What the decoder is asked for a cell that is expected somewhere: box, middle, and the mask as a hint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.carried import BatchDecoder, Looks
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.core.shapes import signed_distance
from cellsam_desktop.sam.postprocess import logits_to_mask
from cellsam_desktop.sam.transforms import IMAGE_SIZE, InputGeometry

if TYPE_CHECKING:  # the window imports this long before it needs ONNX Runtime
    from cellsam_desktop.sam.decoder import Answer

_LOGITS = 256
_STEEPNESS = 3.0
_SURE = 10.0
"""Logits of a hint rise by 3 per logit pixel from the outline to 10, as those of the decoder do."""


_ROOM = 0.15
"""Of a cell's size, the root of its area: so much room has the box on each side, since cells grow."""

_PLAUSIBLE = 0.1
"""A candidate is plausible if its predicted IoU is at most so much below that of the first one."""


@dataclass(frozen=True, eq=False)
class Question:
    """One cell that is ``expected`` somewhere; ``hinted`` gives its mask as a hint, too."""

    expected: Mask
    hinted: bool = True


@dataclass(frozen=True, eq=False)
class Reply:
    """The decoder's first candidate: ``logits`` (256, 256) on the look ``geometry``.

    ``plausible`` are the logits of all candidates that are nearly as good as this one, itself among them.
    """

    logits: NDArray[np.float32]
    geometry: InputGeometry
    predicted_iou: float
    plausible: tuple[NDArray[np.float32], ...] = ()

    @property
    def mask(self) -> Mask | None:
        """The mask in plane pixels, None when it is empty."""
        return logits_to_mask(self.logits, self.geometry)

    def agreement(self, mask: Mask) -> float | None:
        """The mean IoU of a mask with the plausible candidates, 0 to 1; None without any."""
        if not self.plausible:
            return None
        own = _on_logits(mask, self.geometry)
        others = [logits > 0 for logits in self.plausible]
        return float(np.mean([(own & bits).sum() / max(1, (own | bits).sum()) for bits in others]))


def ask(decoder: BatchDecoder, looks: Looks, questions: Sequence[Question]) -> list[Reply]:
    """The replies in order, each from the look that shows its cell best; one batch per look."""
    groups: dict[Region, list[int]] = {}
    for number, question in enumerate(questions):
        groups.setdefault(_best_look(looks, question.expected), []).append(number)
    replies: dict[int, Reply] = {}
    for region, members in groups.items():
        embedded, geometry = looks[region]
        asked = [questions[number] for number in members]
        prompts = [prompts_for(question.expected) for question in asked]
        hints = [hint_for(question.expected, geometry) if question.hinted else None for question in asked]
        for number, answer in zip(
            members, decoder.decode_many(embedded, geometry, prompts, hints), strict=True
        ):
            best = answer.candidates[0]
            replies[number] = Reply(best.logits, geometry, best.predicted_iou, _plausible(answer))
    return [replies[number] for number in range(len(questions))]


def _plausible(answer: Answer) -> tuple[NDArray[np.float32], ...]:
    least = answer.candidates[0].predicted_iou - _PLAUSIBLE
    return tuple(candidate.logits for candidate in answer.candidates if candidate.predicted_iou >= least)


def _on_logits(mask: Mask, geometry: InputGeometry) -> NDArray[np.bool_]:
    """The mask as the logits (256, 256) of the look show it."""
    rows = _places(geometry.input_height, geometry.region.height)
    columns = _places(geometry.input_width, geometry.region.width)
    bits = np.zeros((_LOGITS, _LOGITS), np.bool_)
    bits[: rows.size, : columns.size] = mask.crop(geometry.region)[rows][:, columns]
    return bits


def _best_look(looks: Looks, expected: Mask) -> Region:
    """The look that shows most of the mask, in its middle if there is a choice."""
    box, centre = expected.region, middle(expected)

    def worth(look: Region) -> tuple[int, float]:
        common = look.intersect(box)
        shown = 0 if common is None else common.height * common.width
        x, y = look.x0 + look.width / 2, look.y0 + look.height / 2
        return shown, -max(abs(centre.x - x), abs(centre.y - y))

    return max(looks, key=worth)


def prompts_for(expected: Mask) -> Prompts:
    """The box of the mask and its most central pixel near the centroid."""
    region, wide = expected.region, _ROOM * float(np.sqrt(expected.area))
    box = Box(region.x0 - wide, region.y0 - wide, region.x1 - 1 + wide, region.y1 - 1 + wide)
    return Prompts((middle(expected),), box)


def middle(mask: Mask) -> Point:
    """The pixel of the mask nearest to its centroid."""
    x, y = mask.centroid
    if mask.contains(x, y):
        return Point(x, y)
    rows, columns = np.nonzero(mask.bits)
    nearest = int(np.argmin((rows + mask.y0 - y) ** 2 + (columns + mask.x0 - x) ** 2))
    return Point(float(columns[nearest] + mask.x0), float(rows[nearest] + mask.y0))


def hint_for(expected: Mask, geometry: InputGeometry) -> NDArray[np.float32]:
    """Logits (256, 256) that say where the mask is expected on the look."""
    rows = _places(geometry.input_height, geometry.region.height)
    columns = _places(geometry.input_width, geometry.region.width)
    hint = np.full((_LOGITS, _LOGITS), -_SURE, np.float32)
    window = _window(expected, geometry.region, rows, columns)
    if window is not None:
        bits = expected.crop(geometry.region)[rows[window[0]]][:, columns[window[1]]]
        hint[window] = np.clip(_STEEPNESS * outward(bits), -_SURE, _SURE)
    return hint


def outward(bits: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The distance of each pixel from the outline in pixels, positive inside the mask."""
    distance = signed_distance(bits)
    return np.asarray(distance - 0.5 * np.sign(distance), dtype=np.float32)


def _places(used: int, pixels: int) -> NDArray[np.intp]:
    """The pixel of the region under each logit that shows it."""
    count = min(_LOGITS, -(-used * _LOGITS // IMAGE_SIZE))
    per_logit = pixels / used * IMAGE_SIZE / _LOGITS
    return np.asarray(np.minimum((np.arange(count) + 0.5) * per_logit, pixels - 1), dtype=np.intp)


def _window(
    mask: Mask, region: Region, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[slice, slice] | None:
    """The logits that show the mask, and a margin; None when it lies outside the region."""
    margin = int(_SURE / _STEEPNESS) + 2
    y = np.searchsorted(rows, [mask.y0 - region.y0, mask.y0 + mask.height - region.y0])
    x = np.searchsorted(columns, [mask.x0 - region.x0, mask.x0 + mask.width - region.x0])
    top, left = max(0, int(y[0]) - margin), max(0, int(x[0]) - margin)
    bottom, right = min(rows.size, int(y[1]) + margin), min(columns.size, int(x[1]) + margin)
    return (slice(top, bottom), slice(left, right)) if bottom > top and right > left else None
