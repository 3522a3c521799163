"""Is a mother explained better by two daughters? She is cut at her waist, and each half asked for.

What tells a division was measured on movies with known lineages (``docs/decisions/0202-divisions.md``): a
waist, in the middle, whose pixels do not look like cells, halves that the decoder keeps apart, and growth
since the cell was first seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cellsam_desktop.analysis.joint import Evidence
from cellsam_desktop.analysis.lengthwise import Lengthwise
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import keep_largest

_WEIGHTS = {"waist": 5.87, "faint": 5.79, "leak": -4.16, "off": -12.7, "growth": 4.17}
_BASE = -4.18
LEAST_CONFIDENCE = 0.4
"""A division is proposed from here on."""

_FEW = 30
_MIDDLE = 0.2
_PULL = 2.0
"""Waist or faintness that makes up for a whole length from the middle: about as the weights have it."""


@dataclass(frozen=True, eq=False)
class Cut:
    """A mask cut in two across its long axis, where it is thin and faint near the middle.

    ``waist`` is how much thinner it is there than on either side, 0 to 1; ``faint`` how much less its pixels
    look like cells than those of the halves, negative where they do more; ``off`` how far from the middle it
    is, in lengths of the mask.
    """

    halves: tuple[Mask, Mask]
    waist: float
    faint: float
    off: float

    def measures(self, leak: float, growth: float) -> dict[str, float]:
        """What the confidence is made of; for the arguments see there."""
        return {
            "waist": min(self.waist, 0.5),
            "faint": min(max(self.faint, -0.3), 0.6),
            "leak": leak,
            "off": self.off,
            "growth": min(max(math.log(growth), -0.3), 0.7),
        }

    def confidence(self, leak: float, growth: float) -> float:
        """How sure a division is, 0 to 1.

        For ``leak`` see ``leak_of``; ``growth`` is the area over that when the cell was first seen.
        """
        found = self.measures(leak, growth)
        return 1 / (1 + math.exp(-_BASE - sum(_WEIGHTS[name] * value for name, value in found.items())))


def cut(mask: Mask, plane: Region, evidence: Evidence | None) -> Cut | None:
    """Cut a mask, which may be in pieces; None where it is too small or a half is empty."""
    if mask.area < _FEW:
        return None
    shape = Lengthwise(mask)
    off = np.abs(shape.places - 0.5)
    middle = np.flatnonzero(off < _MIDDLE)
    off, waist = off[middle], shape.waists[middle]
    faint = np.zeros(middle.size)
    if evidence is not None:
        faint = shape.faintness(shape.places[middle], plane, evidence)
    best = int(np.argmax(np.clip(waist, 0, 0.5) + np.clip(faint, -0.3, 0.6) - _PULL * off))
    beyond = shape.place_of(mask) >= shape.places[middle[best]]
    first, second = _part(mask, ~beyond), _part(mask, beyond)
    if first is None or second is None:
        return None
    return Cut((first, second), float(waist[best]), float(faint[best]), float(off[best]))


def leak_of(halves: Sequence[Mask], answers: Sequence[Mask | None]) -> float:
    """The largest share of one half that the answer for the other takes."""
    shares = [
        1.0 if answer is None else answer.overlap(other) / other.area
        for answer, other in zip(answers, halves[::-1], strict=True)
    ]
    return max(shares)


def _part(mask: Mask, chosen: np.ndarray) -> Mask | None:
    """The largest piece of the chosen ones of the pixels, in the order of ``np.nonzero``."""
    bits = np.zeros(mask.bits.shape, np.bool_)
    bits[mask.bits] = chosen
    half = Mask.from_array(bits, mask.y0, mask.x0)
    return None if half is None else keep_largest(half)
