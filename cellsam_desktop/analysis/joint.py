"""All cells of a frame together: each pixel belongs to the one cell that claims it most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.asking import Reply, outward
from cellsam_desktop.analysis.groups import around, groups
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import covered, fill_holes, keep_largest
from cellsam_desktop.sam.postprocess import region_logits

_SURE = 8.0
_AWAY = 0.5
"""Of a cell's size, the root of its area: so far from where it is expected, even a sure answer is not its."""

Evidence: TypeAlias = Callable[[Region], NDArray[np.float32]]
"""How much each pixel of a region looks like cells, from -1 to 1."""

Field: TypeAlias = tuple[Region, NDArray[np.float32]]
"""How strongly a claim holds, in a window around its cell."""


@dataclass(frozen=True, eq=False)
class Claim:
    """What one cell claims: the decoder's ``reply``, near its ``expected`` mask."""

    cell_id: int
    expected: Mask
    reply: Reply


@dataclass(frozen=True, eq=False)
class Obstacle:
    """A mask whose pixels no claim gets, but those of the cells ``spared``."""

    mask: Mask
    spared: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Resolved:
    """What a claim keeps: all its ``pixels``, and of them the ``mask``, one piece without holes unless others
    lie in them; both None when nothing is left.
    """

    pixels: Mask | None
    mask: Mask | None


def resolve(
    claims: Sequence[Claim],
    plane: Region,
    fixed: Sequence[Obstacle] = (),
    domain: Mask | None = None,
    evidence: Evidence | None = None,
) -> list[Resolved]:
    """The pixels of each claim; no two share one, none has one of ``fixed`` that does not spare it,
    all lie in ``domain``.

    ``evidence`` says of every pixel what it looks like.
    """
    fields = [_field(claim, plane, evidence) for claim in claims]
    resolved: dict[int, Resolved] = {}
    for group in groups([window for window, _ in fields]):
        own = _resolve([(claims[number], fields[number]) for number in group], fixed, domain)
        resolved.update(zip(group, own, strict=True))
    return [resolved[number] for number in range(len(fields))]


def _resolve(
    claims: Sequence[tuple[Claim, Field]], fixed: Sequence[Obstacle], domain: Mask | None
) -> list[Resolved]:
    """As ``resolve``, for claims that lie together."""
    area = around([window for _, (window, _) in claims])
    owner = np.full((area.height, area.width), -1, np.intp)
    best = np.zeros(owner.shape, np.float32)
    best[covered([one.mask for one in fixed if not one.spared], area)] = np.inf
    if domain is not None:
        best[~domain.crop(area)] = np.inf
    barred = [_barred(claim, window, fixed) for claim, (window, _) in claims]
    for number, (_, (window, strength)) in enumerate(claims):
        rows, columns = window.within(area)
        wins = (strength > best[rows, columns]) & ~barred[number]
        owner[rows, columns][wins] = number
        best[rows, columns][wins] = strength[wins]
    free = (owner < 0) & np.isfinite(best)
    resolved = []
    for number, (_, (window, _)) in enumerate(claims):
        place = window.within(area)
        resolved.append(_resolved(owner[place] == number, free[place] & ~barred[number], window))
    return resolved


def _barred(claim: Claim, window: Region, fixed: Sequence[Obstacle]) -> NDArray[np.bool_]:
    """The pixels of the window that a claim cannot have though others can."""
    return covered([one.mask for one in fixed if one.spared and claim.cell_id not in one.spared], window)


def _field(claim: Claim, plane: Region, evidence: Evidence | None) -> Field:
    """How strongly the claim holds around the expected mask: above 0 where the cell would be by itself."""
    away = _AWAY * float(np.sqrt(claim.expected.area))
    reach = int(np.ceil(away))
    box = claim.expected.region
    window = Region(box.y0 - reach, box.x0 - reach, box.height + 2 * reach, box.width + 2 * reach)
    window = window.intersect(plane) or box
    strength = outward(claim.expected.crop(window)) / away
    seen = window.intersect(claim.reply.geometry.region)
    if seen is not None:
        rows, columns = seen.within(window)
        logits = region_logits(claim.reply.logits, claim.reply.geometry, seen)
        strength[rows, columns] += np.clip(logits / _SURE, -1, 1)
    if evidence is not None:
        strength += evidence(window)
    return window, strength


def _resolved(own: NDArray[np.bool_], free: NDArray[np.bool_], window: Region) -> Resolved:
    """What a claim keeps whose ``own`` pixels of the window these are; nobody has those that are ``free``."""
    pixels = Mask.from_array(own, window.y0, window.x0)
    if pixels is None:
        return Resolved(None, None)
    whole = fill_holes(keep_largest(pixels))
    inside = whole.bits & (own | free)[whole.region.within(window)]
    return Resolved(pixels, Mask.from_array(inside, whole.y0, whole.x0))
