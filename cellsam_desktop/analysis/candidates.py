"""Which of the decoder's candidates comes first: a weighted sum of what can be measured of each."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.knowledge import Knowledge, Pixels
from cellsam_desktop.analysis.traits import Traits, logit_positions
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.sam.postprocess import logits_to_mask
from cellsam_desktop.sam.transforms import InputGeometry

_WEIGHTS = "candidates.json"
_LARGEST_GAP = 4.0
_LARGEST_OFFSET = 1.5
_MIDDLE = 0.9
_OUTLINE = 0.3
_SPECK = 0.001
_ROUGHEST = 20.0


@dataclass(frozen=True, eq=False)
class Option:
    """One mask that may be offered: the logits (256, 256) of a mask token on the look ``geometry``.

    ``token`` is the decoder's, 0 to 3; ``traits`` are None where candidates are not compared, or when the
    mask is empty; ``boxed`` says that the click was given the expected size as a box, ``trained`` that a
    trained decoder gave it, whose tokens have no roles. The option with the highest ``score`` is the first.
    """

    logits: NDArray[np.float32] = field(repr=False)
    geometry: InputGeometry
    predicted_iou: float
    token: int = -1
    traits: Traits | None = None
    boxed: bool = False
    trained: bool = False
    score: float = 0.0

    @cached_property
    def mask(self) -> Mask | None:
        """The mask in plane pixels, worked out when asked for; None when it is empty."""
        return logits_to_mask(self.logits, self.geometry)


def rank(options: Sequence[Option], knowledge: Knowledge) -> list[Option]:
    """The options for one click with their scores, best first; empty ones come last.

    An option's score does not depend on those of other looks.
    """
    weights = weights_of("cold" if knowledge.size is None else "warm")
    scored = [replace(option, score=_score(option, knowledge, weights)) for option in options]
    return sorted(scored, key=lambda option: -option.score)


@cache
def weights_of(situation: str) -> Mapping[str, float]:
    """The weights where nothing is known (``cold``), or where cells were accepted (``warm``).

    They were fitted by ``resources/fit_candidates.py``.
    """
    text = (files(__package__) / _WEIGHTS).read_text(encoding="utf-8")
    return {name: float(weight) for name, weight in json.loads(text)[situation].items()}


def measures(option: Option, knowledge: Knowledge) -> dict[str, float]:
    """What a score may be made of; the option must have traits.

    ``like_token_k`` are IoUs with the four masks of the same answer: a mask that is nearly that of token 1 is
    judged nearly as that one; those of a trained decoder have no such roles. ``depth`` and ``shallow`` prefer
    masks with the click in their middle, ``missed`` counts against those hardly clicked on, ``speck`` against
    those below a thousandth of the look, ``rough`` against ragged ones. ``gap_squared`` and
    ``fullness_gap_squared`` are the distances from the expected area and fullness in spreads; ``taken`` is
    the share of pixels that belong to other cells; ``previous`` the IoU with the cell's mask in the frame
    beside.
    """
    traits = option.traits
    assert traits is not None
    found = {
        "predicted_iou": option.predicted_iou,
        "depth": traits.depth,
        "shallow": max(_MIDDLE - traits.depth, 0.0),
        "missed": max(_OUTLINE - traits.depth, 0.0),
        "offset": min(traits.offset, _LARGEST_OFFSET),
        "speck": max(math.log(_SPECK / traits.share), 0.0),
        "rough": min(traits.roughness, _ROUGHEST),
    }
    if not option.trained:
        found |= {f"like_token_{token}": value for token, value in enumerate(traits.likeness)}
    if option.boxed:
        found[f"boxed_token_{option.token}"] = 1.0
    if knowledge.size is not None:
        found["gap_squared"] = _squared(knowledge.size.area.gap(traits.area))
    if knowledge.fullness is not None:
        found["fullness_gap_squared"] = _squared(knowledge.fullness.gap(traits.fullness))
    if knowledge.taken:
        found["taken"] = min(1.0, _common(option, knowledge.taken_pixels) / traits.area)
    if knowledge.previous is not None:
        common = _common(option, knowledge.previous_pixels)
        found["previous"] = common / max(traits.area + knowledge.previous.area - common, 1.0)
    return found


def _squared(gap: float) -> float:
    return min(abs(gap), _LARGEST_GAP) ** 2


def _score(option: Option, knowledge: Knowledge, weights: Mapping[str, float]) -> float:
    if option.traits is None:
        return -math.inf
    return sum(weights.get(name, 0.0) * value for name, value in measures(option, knowledge).items())


def _common(option: Option, pixels: Pixels) -> float:
    """About how many of the pixels belong to the option."""
    region = option.geometry.region
    inside = (
        (pixels.x >= region.x0) & (pixels.x < region.x1) & (pixels.y >= region.y0) & (pixels.y < region.y1)
    )
    rows, columns = logit_positions(option.geometry, pixels.x[inside], pixels.y[inside])
    return float(np.sum(pixels.count[inside] * (option.logits[rows, columns] > 0)))
