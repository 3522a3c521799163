"""All cells of a frame together: each pixel belongs to the one cell that claims it most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import keep_largest
from cellsam_desktop.sam.postprocess import logits_to_mask, region_logits
from cellsam_desktop.sam.transforms import InputGeometry


@dataclass(frozen=True, eq=False)
class Claim:
    """What one cell claims: where ``logits`` (256, 256) on ``geometry`` are positive.

    ``expected`` is the mask that motion and growth let expect.
    """

    cell_id: int
    expected: Mask
    logits: NDArray[np.float32]
    geometry: InputGeometry
    predicted_iou: float


def resolve(claims: Sequence[Claim], fixed: Sequence[Mask], domain: Mask | None) -> list[Mask | None]:
    """The mask of each claim, in order; no two share a pixel or have one of ``fixed``; all lie in ``domain``.

    A mask is the largest piece of what its claim keeps; None when that is nothing.
    """
    masks = [logits_to_mask(claim.logits, claim.geometry) for claim in claims]
    regions = [mask.region for mask in masks if mask is not None]
    if not regions:
        return [None] * len(claims)
    area = regions[0]
    for region in regions[1:]:
        area = area.union(region)
    owner = _owners(claims, masks, area)
    for mask in fixed:
        owner[mask.crop(area)] = -1
    if domain is not None:
        owner[~domain.crop(area)] = -1
    kept = [_part(owner, number, mask, area) for number, mask in enumerate(masks)]
    return [None if mask is None else keep_largest(mask) for mask in kept]


def _owners(claims: Sequence[Claim], masks: Sequence[Mask | None], area: Region) -> NDArray[np.intp]:
    """The number of the claim that each pixel of ``area`` belongs to, -1 for none."""
    best = np.zeros((area.height, area.width), np.float32)
    owner = np.full(best.shape, -1, np.intp)
    for number, (claim, mask) in enumerate(zip(claims, masks, strict=True)):
        if mask is None:
            continue
        rows, columns = _within(area, mask.region)
        logits = region_logits(claim.logits, claim.geometry, mask.region)
        wins = mask.bits & (logits > best[rows, columns])
        owner[rows, columns][wins] = number
        best[rows, columns][wins] = logits[wins]
    return owner


def _part(owner: NDArray[np.intp], number: int, mask: Mask | None, area: Region) -> Mask | None:
    if mask is None:
        return None
    rows, columns = _within(area, mask.region)
    return Mask.from_array(owner[rows, columns] == number, mask.y0, mask.x0)


def _within(area: Region, part: Region) -> tuple[slice, slice]:
    return Region(part.y0 - area.y0, part.x0 - area.x0, part.height, part.width).slices
