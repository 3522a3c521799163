"""Where every cell stands in a drawing of the lineage: side by side, each mother above her daughters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Division = tuple[int, tuple[int, int]]

_APART = 0.8
"""Room beside a lineage with divisions, in columns; cells without relatives stand close together."""


@dataclass(frozen=True, eq=False)
class Forest:
    """The lineage laid out: arrays of N cells, by ascending id. Cells are named by their index in them.

    ``columns`` (N,) are the places across time: cells that did not divide stand 1 apart, a mother in the
    middle of her daughters. A cell with all its descendants takes the columns from ``left`` on, as many as
    ``leaves``. ``first`` and ``last`` are the frames of a cell. ``mother`` (N,), ``daughters`` (N, 2) and
    ``founder`` (N,) are indices, -1 for none; ``generation`` counts the divisions since the founder.
    """

    ids: Indices
    first: Indices
    last: Indices
    mother: Indices
    daughters: Indices
    founder: Indices
    generation: Indices
    left: Numbers
    leaves: Indices
    columns: Numbers

    def __len__(self) -> int:
        return self.ids.size

    @property
    def width(self) -> float:
        """Number of columns."""
        return float((self.left + self.leaves).max()) if len(self) else 0.0

    @property
    def frames(self) -> tuple[int, int]:
        """First and last frame with a cell; (0, 0) without cells."""
        return (int(self.first.min()), int(self.last.max())) if len(self) else (0, 0)

    def index(self, cell_id: int) -> int | None:
        """The index of a cell, None if it is not drawn."""
        at = int(np.searchsorted(self.ids, cell_id))
        return at if at < len(self) and self.ids[at] == cell_id else None

    def indices(self, cell_ids: Iterable[int]) -> Indices:
        """The indices of those of the cells that are drawn, in their order."""
        found = (self.index(cell_id) for cell_id in cell_ids)
        return np.array([at for at in found if at is not None], np.intp)

    def lineage(self, index: int) -> Indices:
        """All cells of the lineage that a cell belongs to."""
        return np.flatnonzero(self.founder == self.founder[index])

    def offspring(self, index: int) -> Indices:
        """A cell and all its descendants."""
        level = np.array([index], np.intp)
        levels = [level]
        while (level := _present(self.daughters[level])).size:
            levels.append(level)
        return np.concatenate(levels)

    def nearest(self, column: float, t: float, reach: float) -> int | None:
        """The cell that lives at frame ``t`` nearest to a column, None beyond ``reach`` columns."""
        alive = np.flatnonzero((self.first - 0.5 <= t) & (t <= self.last + 0.5))
        if not alive.size:
            return None
        away = np.abs(self.columns[alive] - column)
        best = int(away.argmin())
        return int(alive[best]) if away[best] <= reach else None

    def beside(self, index: int, t: int, step: int) -> int | None:
        """The next cell at the right (``step`` 1) or left (-1) that lives at frame ``t``, if any."""
        alive = np.flatnonzero((self.first <= t) & (t <= self.last))
        ahead = alive[(self.columns[alive] - self.columns[index]) * step > 0]
        return int(ahead[(self.columns[ahead] * step).argmin()]) if ahead.size else None


def layout(spans: Mapping[int, tuple[int, int]], divisions: Iterable[Division]) -> Forest:
    """Lay out the cells with these first and last frames, by cell id.

    Lineages stand in the order in which they begin, then by id; daughters in the order of their division.
    Relatives without a span are left out. All steps are array operations over one generation at a time
    (a tidy tree with leaves at equal distances, after Wetherell and Shannon 1979).
    """
    ids = np.array(sorted(spans), np.intp)
    frames = np.array([spans[int(i)] for i in ids], np.intp).reshape(-1, 2)
    mother, daughters = _relatives(ids, divisions)
    levels = _levels(mother, daughters)
    founder = np.arange(ids.size)
    generation = np.zeros(ids.size, np.intp)
    leaves = np.zeros(ids.size, np.intp)
    leaves[(daughters < 0).all(axis=1)] = 1
    for number, level in enumerate(levels[1:], start=1):
        generation[level] = number
        founder[level] = founder[mother[level]]
    for level in reversed(levels[1:]):
        np.add.at(leaves, mother[level], leaves[level])
    left = _lefts(ids, frames[:, 0], mother, daughters, leaves, levels)
    columns = _columns(left, mother, daughters, levels)
    return Forest(
        ids, frames[:, 0], frames[:, 1], mother, daughters, founder, generation, left, leaves, columns
    )


def _relatives(ids: Indices, divisions: Iterable[Division]) -> tuple[Indices, Indices]:
    """Mothers (N,) and daughters (N, 2) as indices, -1 for none."""
    mother = np.full(ids.size, -1, np.intp)
    daughters = np.full((ids.size, 2), -1, np.intp)
    table = np.array([(m, a, b) for m, (a, b) in divisions], np.intp).reshape(-1, 3)
    if not ids.size or not table.size:
        return mother, daughters
    at = np.minimum(np.searchsorted(ids, table), ids.size - 1)
    known = ids[at] == table
    for side in (0, 1):
        both = known[:, 0] & known[:, side + 1]
        mother[at[both, side + 1]] = at[both, 0]
        daughters[at[both, 0], side] = at[both, side + 1]
    return mother, daughters


def _levels(mother: Indices, daughters: Indices) -> list[Indices]:
    """The cells by generation, founders first."""
    levels = [np.flatnonzero(mother < 0)]
    while (level := _present(daughters[levels[-1]])).size:
        levels.append(level)
    return levels


def _lefts(
    ids: Indices, first: Indices, mother: Indices, daughters: Indices, leaves: Indices, levels: list[Indices]
) -> Numbers:
    """Where the columns of each cell and its descendants begin."""
    left = np.zeros(ids.size)
    founders = levels[0][np.lexsort((ids[levels[0]], first[levels[0]]))]
    widths = leaves[founders] + np.where(leaves[founders] > 1, _APART, 0.0)
    left[founders] = np.cumsum(widths) - widths
    for level in levels[1:]:
        parents = mother[level]
        second = daughters[parents, 1] == level
        left[level] = left[parents] + np.where(second, leaves[parents] - leaves[level], 0)
    return left


def _columns(left: Numbers, mother: Indices, daughters: Indices, levels: list[Indices]) -> Numbers:
    """Leaves where their columns begin, mothers in the middle of their daughters."""
    columns, present = left.copy(), (daughters >= 0).sum(axis=1)
    columns[present > 0] = 0.0
    for level in reversed(levels[1:]):
        np.add.at(columns, mother[level], columns[level] / present[mother[level]])
    return columns


def _present(daughters: npt.NDArray[Any]) -> Indices:
    """The cells in a table with -1 for none, in order."""
    return np.asarray(daughters[daughters >= 0], np.intp)


NO_FOREST = layout({}, ())
