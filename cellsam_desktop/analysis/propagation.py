"""Carry cells from one frame to the next: each is asked for where it is expected, all resolved together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cellsam_desktop.analysis.carried import (
    BatchDecoder,
    Carried,
    Image,
    Looks,
    Lost,
    NextFrame,
    Placed,
    Split,
)
from cellsam_desktop.analysis.joint import Claim, resolve
from cellsam_desktop.analysis.looking import Look
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.sam.crops import looks_for

__all__ = [
    "BatchDecoder",
    "Carried",
    "Lost",
    "NextFrame",
    "Placed",
    "Split",
    "carry",
    "looks_needed",
]

_LEAST_IOU = 0.2


def looks_needed(plane: Region, carried: Sequence[Carried]) -> tuple[Region, ...]:
    """The looks of the next frame that ``carry`` answers from; none where no cell lies on the plane."""
    return tuple(dict.fromkeys(look for cell in carried if (look := _look_of(plane, cell)) is not None))


def carry(
    decoder: BatchDecoder,
    looks: Looks,
    carried: Sequence[Carried],
    *,
    plane: Region,
    fixed: Sequence[Mask] = (),
    domain: Mask | None = None,
    image: Image | None = None,
    previous_image: Image | None = None,
    divisions: bool = True,
) -> NextFrame:
    """Where the cells are in the next frame, given its ``looks``: those of ``looks_needed`` at least.

    No two masks share a pixel, none has one of ``fixed`` (masks there that stay as they are), and all lie
    within ``domain`` and ``plane`` (the whole plane of the movie). ``image`` and ``previous_image`` are the
    planes as the encoder sees them, (height, width, 3). Without ``divisions`` no cell is split, as when
    going backwards in time.
    """
    expected = {cell.cell_id: predicted(cell, plane) for cell in carried}
    lost = [Lost(i, "It left the image.") for i, mask in expected.items() if mask is None]
    claims = [
        claim
        for look, cells in _by_look(looks, carried, plane)
        for claim in _ask(decoder, look, cells, expected)
    ]
    masks = resolve(claims, fixed, domain)
    placed = []
    for claim, mask in zip(claims, masks, strict=True):
        if mask is None or mask.iou(claim.expected) < _LEAST_IOU:
            lost.append(Lost(claim.cell_id, "Nothing like it was found where it was expected."))
        else:
            placed.append(Placed(claim.cell_id, mask, claim.predicted_iou, claim.logits, claim.geometry))
    return NextFrame(placed, [], lost)


def predicted(cell: Carried, plane: Region) -> Mask | None:
    """The mask that the cell is expected to have in the next frame; None when it will have left."""
    dy, dx = cell.velocity or (0.0, 0.0)
    moved = Mask(cell.mask.y0 + round(dy), cell.mask.x0 + round(dx), cell.mask.bits)
    return moved.clip(plane.height, plane.width)


def _look_of(plane: Region, cell: Carried) -> Region | None:
    expected = predicted(cell, plane)
    return None if expected is None else looks_for(plane, Prompts((), _box(expected)), None)[0]


def _by_look(looks: Looks, carried: Sequence[Carried], plane: Region) -> list[tuple[Look, list[Carried]]]:
    groups: dict[Region, list[Carried]] = {}
    for cell in carried:
        region = _look_of(plane, cell)
        if region is not None:
            groups.setdefault(region, []).append(cell)
    return [(looks[region], cells) for region, cells in groups.items()]


def _ask(
    decoder: BatchDecoder, look: Look, cells: Sequence[Carried], expected: Mapping[int, Mask | None]
) -> list[Claim]:
    image, geometry = look
    masks = [mask for cell in cells if (mask := expected[cell.cell_id]) is not None]
    answers = decoder.decode_many(image, geometry, [_prompts(mask) for mask in masks])
    best = [answer.candidates[0] for answer in answers]
    return [
        Claim(cell.cell_id, mask, answer.logits, geometry, answer.predicted_iou)
        for cell, mask, answer in zip(cells, masks, best, strict=True)
    ]


def _prompts(mask: Mask) -> Prompts:
    x, y = mask.centroid
    return Prompts((Point(x, y),), _box(mask))


def _box(mask: Mask) -> Box:
    region = mask.region
    return Box(region.x0, region.y0, region.x1 - 1, region.y1 - 1)
