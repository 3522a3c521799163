"""How unlikely it is that masks of two frames are one cell, or a mother and her daughters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from scipy.spatial import KDTree

from cellsam_desktop.analysis.linking_detection import Detection, Point

ALONE = 0.9
"""Cost of a mask without predecessor, and of one without successor."""
_DIVISION = 0.4
"""Divisions are rarer than cells that go on."""
_OVERLAP, _DISTANCE, _SIZE, _BRIGHTNESS, _BALANCE = 1.0, 0.5, 0.5, 0.2, 0.3
_REACH = 2.0
"""How far a cell may go between two frames, in cell sizes beyond its own half length."""
_MOST = 6
"""Only so many nearest masks are considered as daughters."""

Pair = tuple[int, int]
Triple = tuple[int, int, int]


def candidates(
    here: Sequence[Detection], there: Sequence[Detection], shifts: Sequence[Point], size: float
) -> dict[int, list[int]]:
    """By position in ``here``: the positions in ``there`` within reach, nearest first."""
    if not here or not there:
        return {}
    tree = KDTree([detection.place for detection in there])
    found = {}
    for i, detection in enumerate(here):
        reach = _REACH * size + _half_length(detection)
        near = tree.query_ball_point(detection.place + shifts[i], reach)
        place = detection.place + shifts[i]
        found[i] = sorted(near, key=lambda j: float(np.linalg.norm(there[j].place - place)))
    return found


def costs(
    here: Sequence[Detection],
    there: Sequence[Detection],
    near: Mapping[int, Sequence[int]],
    shifts: Sequence[Point],
    size: float,
    *,
    divisions: bool,
) -> tuple[dict[Pair, float], dict[Triple, float]]:
    """Costs of links (i, j) and divisions (i, j, k) that can be part of a best choice.

    What costs more than leaving the masks alone is left out; so is a division that costs more than one of its
    daughters going on and the other beginning anew.
    """
    links: dict[Pair, float] = {}
    splits: dict[Triple, float] = {}
    for i, following in near.items():
        common = {j: here[i].overlap(there[j], shifts[i]) for j in following}
        single = {j: _cost(here[i], [there[j]], common[j], shifts[i], size) for j in following}
        links |= {(i, j): cost for j, cost in single.items() if cost < 2 * ALONE}
        if not divisions:
            continue
        for j, k in combinations(following[:_MOST], 2):
            both = [there[j], there[k]]
            cost = _cost(here[i], both, common[j] + common[k], shifts[i], size) + _DIVISION
            cost += _BALANCE * abs(float(np.log(both[0].area / both[1].area)))
            if cost < min(single[j], single[k], 2 * ALONE) + ALONE:
                splits[i, j, k] = cost
    return links, splits


def _cost(one: Detection, others: Sequence[Detection], common: int, shift: Point, size: float) -> float:
    area = sum(other.area for other in others)
    place = sum((other.place * other.area for other in others), np.zeros(3)) / area
    cost = _OVERLAP * (1 - common / (one.area + area - common))
    cost += _DISTANCE * float(np.linalg.norm(place - one.place - shift)) / size
    cost += _SIZE * abs(float(np.log(area / one.area)))
    seen = [other.brightness * other.area for other in others if other.brightness is not None]
    if one.brightness is not None and len(seen) == len(others):
        bright = sum(seen) / area
        cost += _BRIGHTNESS * min(abs(bright - one.brightness), 2.0)
    return float(cost)


def _half_length(detection: Detection) -> float:
    return float(max(max(mask.height, mask.width) for mask in detection.masks.values())) / 2
