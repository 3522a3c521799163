"""Small signs that a mask is wrong, none of which says so by itself: their weights add up as log-odds.

The weights were fitted, see docs/decisions/0217-what-is-doubtful.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from cellsam_desktop.analysis.doubts import Oddity, disagree, unsure

_USUAL = -3.4
"""Log-odds of a mask without any sign: three of a hundred are wrong."""
_SURE, _AGREED = 0.95, 0.90
"""Predicted IoU and agreement of a usual mask."""
_UNSURE, _UNLIKE, _CARRIED, _RAGGED, _SMALLER = 1.5, 1.0, 0.4, 6.5, 3.0
_SAID = 2.5
"""A sign of that weight is as much of a reason as an oddity of one half."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Of the mask from which one was carried on, the last that a person made or saw: how many ``frames`` lie
    between, its ``fullness`` (see ``analysis.shape``), and how much ``smaller`` than is common on its plane
    it was, a logarithm.
    """

    frames: int
    fullness: float
    smaller: float

    def carried(self) -> Origin:
        """The same for the mask that was carried on from there."""
        return replace(self, frames=self.frames + 1)


@dataclass(frozen=True, slots=True)
class Sign:
    """How much it counts, log-odds above those of a usual mask, and what to say."""

    weight: float
    words: str

    @property
    def oddity(self) -> Oddity:
        """The sign as a reason."""
        return Oddity(_probability(self.weight - _SAID), self.words)


def likely(signs: Iterable[Sign]) -> float:
    """How likely a mask with these signs is wrong."""
    return _probability(_USUAL + sum(sign.weight for sign in signs))


def by_model(predicted_iou: float | None, agreement: float | None) -> list[Sign]:
    """What the decoder thinks of its mask, and how like it its candidates are; None: it was not asked."""
    signs = []
    if predicted_iou is not None:
        weight = _UNSURE * math.log((1.02 - min(max(predicted_iou, 0.0), 1.0)) / (1.02 - _SURE))
        signs.append(Sign(weight, unsure(predicted_iou)))
    if agreement is not None:
        weight = _UNLIKE * math.log((1.02 - agreement) / (1.02 - _AGREED))
        signs.append(Sign(weight, disagree(agreement)))
    return signs


def by_origin(fullness: float, smaller: float, origin: Origin) -> list[Sign]:
    """What became of a mask since a person made or saw it."""
    shrunk = max(max(smaller, 0.0) - max(origin.smaller, 0.0), 0.0)
    return [
        Sign(_CARRIED * math.log(max(origin.frames, 1)), f"carried on over {origin.frames} frames"),
        Sign(_RAGGED * max(origin.fullness - fullness, 0.0), "its outline became ragged"),
        Sign(_SMALLER * shrunk, f"smaller than most ({math.exp(-smaller):.0%} of what is common here)"),
    ]


def _probability(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(log_odds, -50.0), 50.0)))
