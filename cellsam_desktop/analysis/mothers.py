"""Mothers that divided since the frame before, and their daughters in the joint resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cellsam_desktop.analysis.asking import Question
from cellsam_desktop.analysis.carried import NextFrame, Split
from cellsam_desktop.analysis.joint import Claim, Resolved
from cellsam_desktop.analysis.splitting import LEAST_CONFIDENCE, Cut, cut, leak_of
from cellsam_desktop.analysis.step import Step
from cellsam_desktop.core.mask import Mask

_LEAST_AREA = 0.5
_LEAST_HALF = 0.4
"""Of what was expected: with less of her, or of a half, nobody can say that a mother divided."""


@dataclass(frozen=True, eq=False)
class _Mother:
    cut: Cut
    confidence: float


def with_daughters(
    step: Step, claims: Sequence[Claim], found: Sequence[Resolved], first_areas: Mapping[int, int]
) -> NextFrame:
    """The frame with two daughters in the place of each cell that seems to have divided.

    ``first_areas`` are those of the cells, by id, when they were first seen.
    """
    mothers = _mothers(step, claims, found, first_areas)
    while mothers:
        others = [claim for claim in claims if claim.cell_id not in mothers]
        daughters = step.claims((i, half) for i, mother in mothers.items() for half in mother.cut.halves)
        shared = step.resolve([*others, *daughters])
        masks = [each.mask for each in shared[len(others) :]]
        pairs = dict(zip(mothers, zip(masks[::2], masks[1::2], strict=True), strict=True))
        good = {i: mother for i, mother in mothers.items() if _plausible(pairs[i], mother.cut)}
        if len(good) == len(mothers):
            result = step.sorted(others, shared[: len(others)])
            whole = {claim.cell_id: each.mask for claim, each in zip(claims, found, strict=True)}
            result.splits.extend(_splits(mothers, daughters, masks, whole, result))
            return result
        mothers = good
    return step.sorted(claims, found)


def _mothers(
    step: Step, claims: Sequence[Claim], found: Sequence[Resolved], first_areas: Mapping[int, int]
) -> dict[int, _Mother]:
    """Only of cells that may have divided are the halves asked for."""
    cuts: dict[int, tuple[Cut, float]] = {}
    for claim, each in zip(claims, found, strict=True):
        if each.pixels is None or each.pixels.area < _LEAST_AREA * claim.expected.area:
            continue
        halved = cut(each.pixels, step.plane, step.evidence)
        growth = each.pixels.area / first_areas[claim.cell_id]
        if halved is not None and halved.confidence(0.0, growth) >= LEAST_CONFIDENCE:
            cuts[claim.cell_id] = halved, growth
    questions = [Question(half, hinted=False) for halved, _ in cuts.values() for half in halved.halves]
    masks = [reply.mask for reply in step.ask(questions)]
    mothers = {}
    answers = zip(masks[::2], masks[1::2], strict=True)
    for (cell_id, (halved, growth)), pair in zip(cuts.items(), answers, strict=True):
        confidence = halved.confidence(leak_of(halved.halves, pair), growth)
        if confidence >= LEAST_CONFIDENCE:
            mothers[cell_id] = _Mother(halved, confidence)
    return mothers


def _plausible(pair: tuple[Mask | None, Mask | None], halved: Cut) -> bool:
    return all(
        mask is not None and mask.area >= _LEAST_HALF * half.area
        for mask, half in zip(pair, halved.halves, strict=True)
    )


def _splits(
    mothers: Mapping[int, _Mother],
    daughters: Sequence[Claim],
    masks: Sequence[Mask | None],
    whole: Mapping[int, Mask | None],
    rest: NextFrame,
) -> list[Split]:
    splits = []
    for number, (i, mother) in enumerate(mothers.items()):
        first, second = masks[2 * number], masks[2 * number + 1]
        assert first is not None
        assert second is not None
        one, other = (claim.reply for claim in daughters[2 * number : 2 * number + 2])
        agreements = one.agreement(first), other.agreement(second)
        taken = [placed.mask for placed in rest.placed]
        taken += [mask for place, mask in enumerate(masks) if place // 2 != number and mask is not None]
        instead = _without(whole[i], taken)
        qualities = one.predicted_iou, other.predicted_iou
        splits.append(Split(i, (first, second), qualities, mother.confidence, instead, agreements))
    return splits


def _without(mask: Mask | None, taken: Sequence[Mask]) -> Mask | None:
    """The pixels that nobody has taken."""
    for other in taken:
        mask = None if mask is None else mask.subtract(other)
    return mask
