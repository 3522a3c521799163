"""Have two daughters parted? The frame after a division shows whether they were two already.

A septum is hard to see on the frame of a division and easy on the next. So a division that was proposed
on the frame that is carried from is looked at again: where the pair is not apart on the next, it was one cell
before (``docs/decisions/0224-the-date-of-a-division.md``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cellsam_desktop.analysis.carried import Young
from cellsam_desktop.analysis.joint import Claim, Evidence, Resolved
from cellsam_desktop.analysis.lengthwise import Array, Lengthwise, pixels_of
from cellsam_desktop.analysis.step import Step
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask

_APART = 0.19
"""Of waist times faintness: a pair that has less of either is one cell still."""

_NEAR = 0.06
_IN_LINE = float(np.cos(np.pi / 4))
_PIXEL = np.eye(2) / 12
"""The scatter of one pixel in itself."""


def parting(first: Mask, second: Mask, plane: Region, evidence: Evidence) -> float:
    """How far a pair is apart, 0 to 1: waist times faintness, as in ``splitting.Cut``, near their border.

    Seen along the long axis of both together. No line across that axis runs between daughters that turned
    against each other and lie side by side: those are seen from one to the other.
    """
    shape = _seen(first, second)
    near = np.flatnonzero(np.abs(shape.places - _border(shape, first, second)) <= _NEAR)
    waist = np.clip(shape.waists[near], 0, 1)
    faint = np.clip(shape.faintness(shape.places[near], plane, evidence), 0, 1)
    return float((waist * faint).max())


def one_still(
    step: Step,
    claims: Sequence[Claim],
    found: Sequence[Resolved],
    young: Sequence[Young],
    before: Evidence | None,
) -> list[Young]:
    """Those that had not divided yet: apart neither on the frame before nor now.

    ``before`` is the evidence on the frame before.
    """
    if step.evidence is None or before is None:
        return []
    masks = {claim.cell_id: each.mask for claim, each in zip(claims, found, strict=True)}
    undone = []
    for each in young:
        first, second = (masks.get(daughter) for daughter in each.daughters)
        left_the_image = not masks.keys() >= set(each.daughters)
        if left_the_image or parting(*each.masks, step.plane, before) >= _APART:
            continue
        if first is None or second is None or parting(first, second, step.plane, step.evidence) < _APART:
            undone.append(each)
    return undone


def with_mothers(
    step: Step, claims: Sequence[Claim], undone: Sequence[Young], expected: Mapping[int, Mask | None]
) -> list[Claim]:
    """The claims with mothers that had not divided yet, where they are ``expected``, instead of daughters."""
    daughters = {daughter for each in undone for daughter in each.daughters}
    mothers = [each.mother.cell_id for each in undone]
    asked = step.claims((i, mask) for i in mothers if (mask := expected[i]))
    return [*(claim for claim in claims if claim.cell_id not in daughters), *asked]


def _seen(first: Mask, second: Mask) -> Lengthwise:
    both, apart = first.union(second), _apart(first, second)
    shape = Lengthwise(both)
    return shape if abs(float(apart @ shape.axis)) >= _IN_LINE else Lengthwise(both, apart)


def _apart(first: Mask, second: Mask) -> Array:
    """The direction (dy, dx) in which two masks overlap least: Fisher's linear discriminant (1936)."""
    one, other = pixels_of(first), pixels_of(second)
    scatter = np.cov(one.T, bias=True) + np.cov(other.T, bias=True) + 2 * _PIXEL
    between = other.mean(axis=0) - one.mean(axis=0) + 1e-9  # any, where both have the same middle
    direction = np.linalg.solve(scatter, between)
    return np.asarray(direction / np.linalg.norm(direction))


def _border(shape: Lengthwise, first: Mask, second: Mask) -> float:
    """The place between two masks."""
    ends = sorted((shape.place_of(first), shape.place_of(second)), key=lambda places: float(places.mean()))
    return float(np.percentile(ends[0], 95) + np.percentile(ends[1], 5)) / 2
