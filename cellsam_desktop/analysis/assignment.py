"""The cheapest links and divisions in which each mask has one predecessor and one successor at most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Pair = tuple[int, int]
Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Assignment:
    """Links (i, j) and divisions (i, j, k) that were chosen, and what they cost less than none (negative)."""

    links: list[Pair]
    splits: list[Triple]
    cost: float


def assign(links: Mapping[Pair, float], splits: Mapping[Triple, float], alone: float) -> Assignment:
    """Choose links (i, j) and divisions (i, j, k) so that the sum of costs is least.

    Every i and every j that is not chosen costs ``alone``. Solved exactly, as an integer program
    (HiGHS, Huangfu and Hall 2018, as in SciPy); without divisions it is the linear assignment problem.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    chosen: list[tuple[int, ...]] = [*links, *splits]
    # What an event costs less than leaving all of its masks alone.
    gains = np.array([*links.values(), *splits.values()]) - alone * np.array([len(e) for e in chosen])
    if not chosen:
        return Assignment([], [], 0.0)
    before = {i: row for row, i in enumerate(sorted({event[0] for event in chosen}))}
    after = sorted({j for event in chosen for j in event[1:]})
    rows_after = {j: len(before) + row for row, j in enumerate(after)}
    rows = [before[e[0]] for e in chosen] + [rows_after[j] for e in chosen for j in e[1:]]
    columns = [*range(len(chosen)), *(n for n, e in enumerate(chosen) for _ in e[1:])]
    shape = (len(before) + len(after), len(chosen))
    used = csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
    answer = milp(
        gains, constraints=LinearConstraint(used, ub=1), bounds=Bounds(0, 1), integrality=np.ones(len(chosen))
    )
    assert answer.x is not None, answer.message  # nothing chosen is always feasible
    taken = [event for event, value in zip(chosen, answer.x, strict=True) if value > 0.5]
    return Assignment(
        [(e[0], e[1]) for e in taken if len(e) == 2],
        [(e[0], e[1], e[2]) for e in taken if len(e) == 3],
        float(answer.fun),
    )
