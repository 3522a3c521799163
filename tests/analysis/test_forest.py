"""The layout of the lineage: nobody stands on anybody, and mothers stand above their daughters."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cellsam_desktop.analysis.forest import Division, Forest, layout

SPANS = {1: (0, 3), 2: (4, 9), 3: (4, 6), 4: (7, 9), 5: (7, 8), 6: (2, 9)}
DIVISIONS: list[Division] = [(1, (2, 3)), (3, (4, 5))]


def columns_by_id(forest: Forest) -> dict[int, float]:
    return dict(zip(forest.ids.tolist(), forest.columns.tolist(), strict=True))


def test_mothers_stand_in_the_middle_of_their_daughters() -> None:
    forest = layout(SPANS, DIVISIONS)
    columns = columns_by_id(forest)
    assert (columns[2], columns[4], columns[5]) == (0.0, 1.0, 2.0)
    assert columns[3] == 1.5
    assert columns[1] == 0.75
    assert columns[6] > columns[5] + 1  # another lineage stands apart
    assert forest.generation.tolist() == [0, 1, 1, 2, 2, 0]
    assert forest.ids[forest.founder].tolist() == [1, 1, 1, 1, 1, 6]
    assert forest.leaves.tolist() == [3, 1, 2, 1, 1, 1]
    assert forest.frames == (0, 9)


def test_lineages_stand_in_the_order_in_which_they_begin() -> None:
    columns = columns_by_id(layout({7: (5, 6), 8: (0, 6), 9: (0, 2)}, ()))
    assert columns == {8: 0.0, 9: 1.0, 7: 2.0}


def test_cells_without_masks_are_left_out() -> None:
    spans = {cell_id: span for cell_id, span in SPANS.items() if cell_id not in (2, 3)}
    forest = layout(spans, DIVISIONS)
    assert forest.index(3) is None
    assert forest.mother.tolist() == [-1, -1, -1, -1]
    only_one = layout({1: (0, 3), 2: (4, 5)}, [(1, (2, 3))])
    assert columns_by_id(only_one) == {1: 0.0, 2: 0.0}


def test_an_empty_document_has_an_empty_forest() -> None:
    forest = layout({}, [(1, (2, 3))])
    assert (len(forest), forest.width, forest.frames) == (0, 0.0, (0, 0))
    assert forest.nearest(0, 0, 1e9) is None


def test_who_is_where() -> None:
    forest = layout(SPANS, DIVISIONS)
    assert forest.nearest(0.6, 2, 0.5) == forest.index(1)
    assert forest.nearest(0.6, 8, 0.5) == forest.index(4)
    assert forest.nearest(0.75, 2, 0.5) == forest.index(1)
    assert forest.nearest(9.0, 2, 0.5) is None
    assert forest.beside(forest.indices([2])[0], 8, 1) == forest.index(4)
    assert forest.beside(forest.indices([2])[0], 8, -1) is None
    assert set(forest.ids[forest.offspring(forest.indices([3])[0])]) == {3, 4, 5}
    assert set(forest.ids[forest.lineage(forest.indices([5])[0])]) == {1, 2, 3, 4, 5}


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(0, 5))
def test_no_two_cells_of_a_frame_share_a_column(choices: list[int], alone: int) -> None:
    """Any forest: each number divides one of the cells that have not divided yet."""
    spans: dict[int, tuple[int, int]] = {number + 1: (0, 0) for number in range(alone + 1)}
    divisions: list[Division] = []
    for choice in choices:
        open_cells = sorted(set(spans) - {mother for mother, _ in divisions})
        mother = open_cells[choice % len(open_cells)]
        a, b = max(spans) + 1, max(spans) + 2
        spans[a] = spans[b] = (spans[mother][1] + 1, spans[mother][1] + 1)
        divisions.append((mother, (a, b)))
    forest = layout(spans, divisions)
    for t in range(forest.frames[1] + 1):
        alive = np.sort(forest.columns[(forest.first <= t) & (t <= forest.last)])
        assert (np.diff(alive) >= 1 - 1e-9).all()
    mothers = np.flatnonzero(forest.daughters[:, 0] >= 0)
    middles = forest.columns[forest.daughters[mothers]].mean(axis=1)
    np.testing.assert_allclose(forest.columns[mothers], middles)
