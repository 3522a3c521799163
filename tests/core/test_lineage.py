from __future__ import annotations

import pytest

from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.lineage import Lineage


@pytest.fixture
def lineage() -> Lineage:
    """1 divides into 2 and 3, 3 into 4 and 5."""
    lineage = Lineage()
    lineage.add(1, (2, 3))
    lineage.add(3, (4, 5))
    return lineage


def test_relatives(lineage: Lineage):
    assert lineage.daughters(1) == (2, 3)
    assert lineage.daughters(2) is None
    assert lineage.mother(5) == 3
    assert lineage.mother(1) is None
    assert [lineage.generation(i) for i in (1, 2, 3, 4)] == [0, 1, 1, 2]
    assert {lineage.founder(i) for i in range(1, 6)} == {1}
    assert list(lineage.divisions()) == [(1, (2, 3)), (3, (4, 5))]


@pytest.mark.parametrize(
    ("mother", "daughters", "words", "forceable"),
    [
        (6, (7, 7), "two different daughters", False),
        (6, (6, 7), "two different daughters", False),
        (1, (6, 7), "has divided already", True),
        (6, (2, 7), "already a daughter of cell 1", True),
        (4, (1, 6), "ancestor", False),
        (5, (6, 1), "ancestor", False),
    ],
)
def test_impossible_divisions(lineage: Lineage, mother: int, daughters: tuple, words: str, forceable: bool):
    before = list(lineage.divisions())
    with pytest.raises(EditRefused, match=words) as caught:
        lineage.add(mother, daughters)
    assert caught.value.forceable == forceable
    assert list(lineage.divisions()) == before
    assert lineage.mother(6) is None


def test_a_division_can_be_forgotten(lineage: Lineage):
    assert lineage.remove(3) == (4, 5)
    assert lineage.mother(4) is None
    assert lineage.founder(4) == 4
    with pytest.raises(EditRefused, match="no division"):
        lineage.remove(3)
    lineage.add(3, (4, 6))
    assert lineage.mother(6) == 3
