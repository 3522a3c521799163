"""Which of the decoder's candidates comes first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.knowledge import Knowledge
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.postprocess import logits_to_mask
from cellsam_desktop.sam.transforms import InputGeometry


@dataclass(frozen=True, eq=False)
class Option:
    """One mask that may be offered: the logits (256, 256) of a mask token on the look ``geometry``.

    ``token`` is the decoder's (0 to 3, -1 where it is not known); the option with the highest ``score`` is the
    first.
    """

    logits: NDArray[np.float32] = field(repr=False)
    geometry: InputGeometry
    predicted_iou: float
    token: int = -1
    score: float = 0.0

    @cached_property
    def mask(self) -> Mask | None:
        """The mask in plane pixels, worked out when asked for; None when it is empty."""
        return logits_to_mask(self.logits, self.geometry)


def rank(
    options: Sequence[Option], prompts: Prompts, knowledge: Knowledge, image: NDArray[np.uint8] | None
) -> list[Option]:
    """The options with their scores, best first; empty masks come last.

    ``image`` is the plane (height, width, 3) as the encoder sees it, None where it is not at hand.
    """
    scored = [replace(option, score=_score(option, knowledge)) for option in options]
    return sorted(scored, key=lambda option: -option.score)


def _score(option: Option, knowledge: Knowledge) -> float:
    pixels = float(np.count_nonzero(option.logits > 0)) * _pixel_area(option.geometry)
    if pixels == 0:
        return -math.inf
    if knowledge.diameter is None:
        return option.predicted_iou
    typical = math.pi * (knowledge.diameter / 2) ** 2
    return option.predicted_iou - 0.5 * abs(math.log(pixels / typical))


def _pixel_area(geometry: InputGeometry) -> float:
    """Plane pixels per logit."""
    return (4 / geometry.scale) ** 2
