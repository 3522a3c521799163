"""How likely a mask is wrong, from what is odd about it, in words. Pure functions.

Each oddity gives a probability of its own. Of those that come together (area, place, shape) all but the
largest count by half; together they are 1 - (1 - a)(1 - b)..., as if independent. The scales were set so that
few of the true masks of real movies are doubtful: docs/decisions/0217-what-is-doubtful.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cellsam_desktop.analysis.shape import Moments
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import covered
from cellsam_desktop.core.wording import counted

WORTH_SAYING = 0.15
"""An oddity with a smaller probability is not given as a reason."""

_AREA = 0.6  # logarithm of the ratio of areas
_WAY = 1.8  # radii of the cell, beside where its motion would have it
_SHAPE = 0.8  # 1 - IoU with the mask before, both centred
_CUT = 0.3  # at the border of the image cells come and go, and change as they do
_CONTACT = 0.5  # share of the outline that newly touches others
_SURE, _UNSURE = 0.75, 0.04  # predicted IoU at which half of the masks are wrong, and how fast that changes
_LIKE, _UNLIKE = 0.5, 0.06  # the same for how like the candidates are
_DIVISION_AREA = 0.45
_UNEQUAL, _UNEQUAL_SCALE = 0.6, 0.25  # smaller daughter by larger one


@dataclass(frozen=True, slots=True)
class Oddity:
    """One odd thing: how likely the mask is wrong for it, and what to say."""

    probability: float
    words: str


NOTHING = Oddity(0.0, "")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is measured once per mask: area in pixels, centroid (x, y), whether it touches the border, and
    ``fullness`` (see ``analysis.shape``).
    """

    area: int
    x: float
    y: float
    cut: bool
    fullness: float

    @property
    def radius(self) -> float:
        """That of a disc with the same area."""
        return math.sqrt(self.area / math.pi)


def facts_of(mask: Mask, height: int, width: int) -> Facts:
    """Measure a mask on a plane of (height, width)."""
    region, moments = mask.region, Moments.of(mask.bits)
    cut = region.y0 <= 1 or region.x0 <= 1 or region.y1 >= height - 1 or region.x1 >= width - 1
    x, y = region.x0 + moments.column, region.y0 + moments.row
    return Facts(moments.area, x, y, cut, moments.fullness)


def together(probabilities: Iterable[float]) -> float:
    """The probability that at least one of several independent things is true."""
    return 1.0 - math.prod(1.0 - p for p in probabilities)


def jump_of(oddities: Iterable[Oddity]) -> float:
    """How likely a mask is wrong for what changed at once: such things come together, so that the largest
    counts in full, the others by half.
    """
    largest, *others = sorted((oddity.probability for oddity in oddities), reverse=True) or (0.0,)
    return together((largest, *(0.5 * p for p in others)))


def by_estimate(predicted_iou: float | None) -> Oddity:
    """What the decoder thinks of its own mask."""
    if predicted_iou is None:
        return NOTHING
    p = 1.0 / (1.0 + math.exp(min((predicted_iou - _SURE) / _UNSURE, 50.0)))
    return Oddity(p, unsure(predicted_iou))


def by_agreement(agreement: float | None) -> Oddity:
    """How like a mask the decoder's candidates for it are, see ``MaskRecord``."""
    if agreement is None:
        return NOTHING
    p = 1.0 / (1.0 + math.exp((agreement - _LIKE) / _UNLIKE))
    return Oddity(p, disagree(agreement))


def unsure(predicted_iou: float) -> str:
    """What to say of the decoder's estimate."""
    return f"the model is unsure ({min(max(predicted_iou, 0.0), 1.0):.0%})"


def disagree(agreement: float) -> str:
    """What to say of candidates that are unlike the mask."""
    return f"the model's candidates disagree ({agreement:.0%})"


def by_area(now: Facts, past: Sequence[Facts]) -> Oddity:
    """Cells grow slowly. ``past`` are one or two masks before, the last first: whatever agrees with the one
    but last is not odd, the last one is.
    """
    change = min((math.log(now.area / before.area) for before in past), key=abs)
    p = _grown(change, _AREA) * _damped(now, *past)
    return Oddity(p, f"area {'jumped' if change > 0 else 'fell'} by {abs(math.exp(change) - 1):.0%}")


def by_way(now: Facts, past: Sequence[Facts], others: tuple[float, float]) -> Oddity:
    """Cells stay where they were, go on moving as they did, or move as the ``others``, (x, y) in pixels: the
    smallest distance counts.
    """
    before = past[0]
    here = math.hypot(now.x - before.x, now.y - before.y)
    ways = [here, math.hypot(now.x - before.x - others[0], now.y - before.y - others[1])]
    for earlier in past[1:]:
        ways.append(math.hypot(now.x - earlier.x, now.y - earlier.y))
        ways.append(math.hypot(now.x - 2 * before.x + earlier.x, now.y - 2 * before.y + earlier.y))
    p = _grown(min(ways) / before.radius, _WAY) * _damped(now, *past)
    return Oddity(p, f"moved {here:.0f} pixels at once")


def by_shape(now: Mask, past: Sequence[Mask], facts: Sequence[Facts]) -> Oddity:
    """Cells keep their shape for a while; compared with all centroids in one place. ``facts`` are of all."""
    change = min(1.0 - now.iou(_centred_on(now, before)) for before in past)
    return Oddity(_grown(change, _SHAPE) * _damped(*facts), "changed its shape")


def by_contact(now: float, before: float) -> Oddity:
    """A mask that suddenly runs along its neighbours may have leaked, or be a piece of one."""
    return Oddity(
        0.5 * _grown(max(now - before, 0.0), _CONTACT), f"touches others along {now:.0%} of its edge"
    )


def by_division(mother: Facts, one: Facts, other: Facts, lived: int | None) -> list[Oddity]:
    """Two daughters have about the mother's size together, and about the same each.

    ``lived`` is how many frames the mother was there since her own birth, None if that was not seen.
    """
    ratio = (one.area + other.area) / mother.area
    cut = _damped(mother, one, other)
    share = min(one.area, other.area) / max(one.area, other.area)
    sizes = _grown(math.log(ratio), _DIVISION_AREA) * cut
    unequal = _grown(max(_UNEQUAL - share, 0.0), _UNEQUAL_SCALE) * cut
    x, y = (one.x + other.x) / 2 - mother.x, (one.y + other.y) / 2 - mother.y
    away = _grown(math.hypot(x, y) / mother.radius, 1.5)
    found = [
        Oddity(sizes, f"the daughters together have {ratio:.0%} of the mother's area"),
        Oddity(unequal, f"one daughter has {share:.0%} of the other's area"),
        Oddity(away, "the daughters lie far from their mother"),
    ]
    if lived is not None and lived < 4:
        found.append(Oddity(0.6, f"the mother divides {counted(lived, 'frame')} after her birth"))
    return found


def contact_of(mask: Mask, others: Iterable[Mask]) -> float:
    """Share of a mask's outermost pixels that touch, or lie on, another mask: 0 to 1."""
    padded = mask.region.widened(1)
    near = [other for other in others if other.region.intersect(padded) is not None]
    if not near:
        return 0.0
    taken = covered(near, padded)
    inside = mask.crop(padded)
    rim = inside.copy()
    rim[1:-1, 1:-1] &= ~(inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:])
    beside = taken.copy()
    beside[1:] |= taken[:-1]
    beside[:-1] |= taken[1:]
    beside[:, 1:] |= taken[:, :-1]
    beside[:, :-1] |= taken[:, 1:]
    return float((rim & beside).sum() / max(1, rim.sum()))


def _damped(*facts: Facts) -> float:
    """At the border of the image cells change as they come and go."""
    return _CUT if any(one.cut for one in facts) else 1.0


def _centred_on(mask: Mask, other: Mask) -> Mask:
    (x0, y0), (x1, y1) = other.centroid, mask.centroid
    return other.moved(round(y1 - y0), round(x1 - x0))


def _grown(value: float, scale: float) -> float:
    """From 0 at 0 towards 1, 0.63 at ``scale``, quadratic where it is small."""
    return 1.0 - math.exp(-((value / scale) ** 2))
