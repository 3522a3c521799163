"""Motion that cells have in common: a stage that jumps or drifts, a colony that grows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import KDTree

from cellsam_desktop.analysis.linking_detection import Detection, Point

_NEIGHBOURS = 6
_VOTERS = 150
"""So many cells are enough to see how far the stage jumped."""
_JUMP = 4.0
"""Farthest jump of the stage that is looked for, in cell sizes."""

Pair = tuple[int, int]
Chain = Sequence[Detection]


def jump(before: Sequence[Detection], now: Sequence[Detection], size: float) -> Point | None:
    """The displacement (z, y, x) that more cells agree on than on staying where they are; None if none.

    Each cell votes for the displacements to all cells of the next frame within reach (Hough transform).
    """
    if len(before) < 2 or len(now) < 2:
        return None
    voters = before[:: 1 + len(before) // _VOTERS]
    tree = KDTree([detection.place for detection in now])
    moves = np.array(
        [
            now[j].place - detection.place
            for detection in voters
            for j in tree.query_ball_point(detection.place, _JUMP * size)
        ]
    ).reshape(-1, 3)
    if not len(moves):
        return None
    votes, radius = KDTree(moves), size / 4
    counts = votes.query_ball_point(moves, radius, return_length=True)
    best = int(np.argmax(counts))
    still = votes.query_ball_point(np.zeros(3), radius, return_length=True)
    if counts[best] < 2 or counts[best] <= still:
        return None
    around: Point = moves[votes.query_ball_point(moves[best], radius)].mean(axis=0)
    return around


def shared(
    before: Sequence[Detection], now: Sequence[Detection], links: Sequence[Pair], base: Point
) -> list[Point]:
    """For each mask of ``before`` the motion of its linked neighbours where these agree, elsewhere ``base``.

    A growing colony moves neighbours alike; cells that crawl on their own do not.
    """
    if len(links) < 3:
        return [base] * len(before)
    moves = np.array([now[j].place - before[i].place for i, j in links])
    tree = KDTree([before[i].place for i, _ in links])
    shifts = []
    for detection in before:
        _, near = tree.query(detection.place, k=min(_NEIGHBOURS, len(links)))
        around = moves[near]
        move = np.median(around, axis=0)
        spread = float(np.median(np.linalg.norm(around - move, axis=1)))
        agreed = float(np.linalg.norm(move - base)) > max(2 * spread, 0.5)
        shifts.append(move if agreed else base)
    return shifts


def velocity(last: Chain, size: float) -> Point:
    """Pixels per frame over the last few masks of a track, at most half a cell size."""
    if len(last) < 2:
        return np.zeros(3)
    speed = (last[-1].place - last[0].place) / (last[-1].t - last[0].t)
    length = float(np.linalg.norm(speed))
    return speed * min(1.0, 0.5 * size / length) if length else speed
