"""Carry cells from one frame to the next: each is asked for where it is expected, all resolved together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.appearance import Appearance
from cellsam_desktop.analysis.carried import (
    BatchDecoder,
    Carried,
    Fixed,
    Image,
    Looks,
    Lost,
    NextFrame,
    Placed,
    Split,
    Young,
)
from cellsam_desktop.analysis.joint import Evidence, Obstacle
from cellsam_desktop.analysis.mothers import with_daughters
from cellsam_desktop.analysis.motion import Frames, apart
from cellsam_desktop.analysis.parting import one_still, with_mothers
from cellsam_desktop.analysis.step import Step
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Point, Prompts
from cellsam_desktop.sam.crops import looks_for

__all__ = [
    "BatchDecoder",
    "Carried",
    "Fixed",
    "Lost",
    "NextFrame",
    "Placed",
    "Split",
    "Young",
    "carry",
    "looks_needed",
]

_LEFT = "It left the image."


def looks_needed(plane: Region, carried: Sequence[Carried]) -> tuple[Region, ...]:
    """The looks of the next frame that ``carry`` answers from: as few as hold all cells.

    They have the scale of the looks at clicks, so that most are encoded already. None where all cells are
    leaving the plane.
    """
    boxes = [box for cell in carried if (box := _drifted(cell).region.intersect(plane)) is not None]
    if not boxes:
        return ()
    diameter = float(2 * np.sqrt(np.median([cell.mask.area for cell in carried]) / np.pi))
    offered = list(dict.fromkeys(_look_at(plane, box, diameter) for box in boxes))
    held, needed = _held(offered, boxes), []
    while held.size:
        best = int(held.sum(axis=1).argmax())
        needed.append(offered[best])
        held = held[:, ~held[best]]
    return tuple(needed)


def _held(looks: Sequence[Region], boxes: Sequence[Region]) -> NDArray[np.bool_]:
    """Which box each look holds as a whole (looks, boxes)."""
    outer, inner = (np.array([(r.y0, r.x0, r.y1, r.x1) for r in regions]) for regions in (looks, boxes))
    begins = (outer[:, None, :2] <= inner[:, :2]).all(axis=2)
    return np.asarray(begins & (outer[:, None, 2:] >= inner[:, 2:]).all(axis=2))


def carry(
    decoder: BatchDecoder,
    looks: Looks,
    carried: Sequence[Carried],
    *,
    plane: Region,
    fixed: Sequence[Fixed] = (),
    domain: Mask | None = None,
    image: Image | None = None,
    previous_image: Image | None = None,
    divisions: bool = True,
    young: Sequence[Young] = (),
) -> NextFrame:
    """Where the cells are in the next frame, given its ``looks``: those of ``looks_needed`` at least.

    No two masks share a pixel, none has one of ``fixed`` unless it lay with it before, and all lie within
    ``domain`` and ``plane`` (the whole plane of the movie). ``image`` and ``previous_image`` are the
    planes as the encoder sees them, (height, width, 3); without them cells are expected to go on as before.
    Without ``divisions`` no cell is split, as when going backwards in time. ``young`` are the divisions that
    were proposed on the frame before, their daughters among ``carried``: one that came too early is undone.
    Without any ``looks`` all cells have left the plane and are lost.
    """
    if not carried or not looks:
        return NextFrame([], [], [Lost(cell.cell_id, _LEFT) for cell in carried])
    evidence: Evidence | None = None
    before: Evidence | None = None
    if image is not None and previous_image is not None:
        appearance = Appearance(previous_image, [cell.mask for cell in carried])
        evidence, before = (partial(appearance.of, one) for one in (image, previous_image))
    known = [*carried, *(each.mother for each in young)]
    expected = _expected(known, plane, image, previous_image)
    step = Step(decoder, looks, plane, _obstacles(fixed, known), domain, evidence)
    claims = step.claims((cell.cell_id, mask) for cell in carried if (mask := expected[cell.cell_id]))
    found = step.resolve(claims)
    undone = one_still(step, claims, found, young, before)
    if undone:
        claims = with_mothers(step, claims, undone, expected)
        found = step.resolve(claims)
    first_areas = {cell.cell_id: (cell.areas or (cell.mask.area,))[0] for cell in known}
    result = with_daughters(step, claims, found, first_areas) if divisions else step.sorted(claims, found)
    result.undone.extend(undone)
    result.lost.extend(Lost(cell.cell_id, _LEFT) for cell in carried if expected[cell.cell_id] is None)
    return result


def _obstacles(fixed: Sequence[Fixed], carried: Sequence[Carried]) -> list[Obstacle]:
    """No mask is in the way of the cells that lay with it before."""
    return [
        Obstacle(one.mask, frozenset(cell.cell_id for cell in carried if one.lay_with(cell.mask)))
        for one in fixed
    ]


def _expected(
    carried: Sequence[Carried], plane: Region, image: Image | None, previous: Image | None
) -> dict[int, Mask | None]:
    """Where each cell is expected; None where that is outside the plane."""
    if image is None or previous is None:
        return {cell.cell_id: _drifted(cell).clip(plane.height, plane.width) for cell in carried}
    expected: dict[int, Mask | None] = {}
    for group in apart([cell.mask for cell in carried]):
        near = [carried[number] for number in group]
        masks = [cell.mask for cell in near]
        motions = Frames(previous, image, masks).register_all(masks, [cell.velocity for cell in near])
        for cell, motion in zip(near, motions, strict=True):
            expected[cell.cell_id] = motion.moved(cell.mask, plane)
    return expected


def _drifted(cell: Carried) -> Mask:
    """Where the cell is going, before the next frame is looked at."""
    dy, dx = cell.velocity or (0.0, 0.0)
    return cell.mask.moved(round(dy), round(dx))


def _look_at(plane: Region, box: Region, diameter: float) -> Region:
    corners = Point(box.x0, box.y0), Point(box.x1 - 1, box.y1 - 1)
    return looks_for(plane, Prompts(corners), diameter)[0]
