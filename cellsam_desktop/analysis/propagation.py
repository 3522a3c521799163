"""Carry cells from one frame to the next: each is asked for where it is expected, all resolved together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from cellsam_desktop.analysis.appearance import Appearance
from cellsam_desktop.analysis.asking import hint_for, middle, prompts_for
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
from cellsam_desktop.analysis.motion import STILL, Frames, Motion
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Point, Prompts
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

_LEAST_AREA = 0.3
_LEAST_IOU = 0.3


def looks_needed(plane: Region, carried: Sequence[Carried]) -> tuple[Region, ...]:
    """The looks of the next frame that ``carry`` answers from: as few as hold all cells.

    They have the scale of the looks at clicks, so that most are encoded already.
    """
    boxes = [box for cell in carried if (box := _drifted(cell).region.intersect(plane)) is not None]
    if not boxes:
        return ()
    diameter = _diameter(carried)
    offered = list(dict.fromkeys(_look_at(plane, box, diameter) for box in boxes))
    needed: list[Region] = []
    while boxes:
        best = max(offered, key=lambda look: sum(look.intersect(box) == box for box in boxes))
        needed.append(best)
        boxes = [box for box in boxes if best.intersect(box) != box]
    return tuple(needed)


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
    lost: list[Lost] = []
    found = []
    for cell, motion in zip(carried, _motions(carried, image, previous_image), strict=True):
        expected = motion.moved(cell.mask, plane)
        if expected is None:
            lost.append(Lost(cell.cell_id, "It left the image."))
        else:
            found.append((cell.cell_id, expected))
    claims = _ask(decoder, looks, found)
    evidence = None
    if image is not None and previous_image is not None and carried:
        learned = Appearance(previous_image, [cell.mask for cell in carried])
        evidence = partial(learned.of, image)
    masks = resolve(claims, plane, fixed, domain, evidence)
    placed = []
    for claim, mask in zip(claims, masks, strict=True):
        if (
            mask is None
            or mask.area < _LEAST_AREA * claim.expected.area
            or mask.iou(claim.expected) < _LEAST_IOU
        ):
            lost.append(Lost(claim.cell_id, "Nothing like it was found where it was expected."))
        else:
            placed.append(Placed(claim.cell_id, mask, claim.predicted_iou, claim.logits, claim.geometry))
    return NextFrame(placed, [], lost)


def _motions(carried: Sequence[Carried], image: Image | None, previous: Image | None) -> list[Motion]:
    if not carried:
        return []
    if image is None or previous is None:
        return [
            Motion(STILL.centre, STILL.matrix, np.array(cell.velocity or (0.0, 0.0)), 0.0) for cell in carried
        ]
    frames = Frames(previous, image, [cell.mask for cell in carried])
    return [frames.register(cell.mask, cell.velocity) for cell in carried]


def _drifted(cell: Carried) -> Mask:
    """Where the cell is going, before the next frame is looked at."""
    dy, dx = cell.velocity or (0.0, 0.0)
    return Mask(cell.mask.y0 + round(dy), cell.mask.x0 + round(dx), cell.mask.bits)


def _diameter(carried: Sequence[Carried]) -> float:
    return float(2 * np.sqrt(np.median([cell.mask.area for cell in carried]) / np.pi))


def _look_at(plane: Region, box: Region, diameter: float) -> Region:
    corners = Point(box.x0, box.y0), Point(box.x1 - 1, box.y1 - 1)
    return looks_for(plane, Prompts(corners), diameter)[0]


def _ask(decoder: BatchDecoder, looks: Looks, found: Sequence[tuple[int, Mask]]) -> list[Claim]:
    """One answer for every cell that one of the looks shows."""
    groups: dict[Region, list[tuple[int, Mask]]] = {}
    for cell_id, expected in found:
        groups.setdefault(_best_look(looks, expected), []).append((cell_id, expected))
    claims = []
    for region, members in groups.items():
        embedded, geometry = looks[region]
        prompts = [prompts_for(expected) for _, expected in members]
        hints = [hint_for(expected, geometry) for _, expected in members]
        for (cell_id, expected), answer in zip(
            members, decoder.decode_many(embedded, geometry, prompts, hints), strict=True
        ):
            best = answer.candidates[0]
            claims.append(Claim(cell_id, expected, best.logits, geometry, best.predicted_iou))
    return claims


def _best_look(looks: Looks, expected: Mask) -> Region:
    """The look that shows most of the mask, in its middle if there is a choice."""
    box, centre = expected.region, middle(expected)

    def worth(look: Region) -> tuple[int, float]:
        common = look.intersect(box)
        shown = 0 if common is None else common.height * common.width
        x, y = look.x0 + look.width / 2, look.y0 + look.height / 2
        return shown, -max(abs(centre.x - x), abs(centre.y - y))

    return max(looks, key=worth)
