"""What most cells of a plane do is what one of them is compared with."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cellsam_desktop.analysis.crowd import Crowd
from cellsam_desktop.analysis.doubts import facts_of
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddCell, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source

FIRST, SECOND, THIRD = (PlaneKey(t) for t in range(3))


class Colony:
    """Cells that are squares, and how often one was measured."""

    def __init__(self, count: int) -> None:
        self.document = Document()
        self.history = History(self.document)
        self.history.commit("Add", [AddCell(Cell(i)) for i in range(1, count + 1)])
        self.crowd = Crowd(self.document, self._measure)

    def put(self, cell: int, key: PlaneKey, x: int, side: int = 10) -> None:
        mask = Mask(50, x, np.ones((side, side), bool))
        self.history.commit("Put", [SetMask(cell, key, MaskRecord(mask, Source.PROPAGATED))])

    def _measure(self, cell_id: int, key: PlaneKey):
        return facts_of(self.document.track(cell_id)[key].mask, 200, 2000)


@pytest.fixture
def colony() -> Colony:
    """Five cells on three frames; the stage jumps by 40 before the second."""
    colony = Colony(5)
    for cell in range(1, 6):
        for key, x in ((FIRST, 0), (SECOND, 40), (THIRD, 41)):
            colony.put(cell, key, 30 * cell + x)
    return colony


def test_how_cells_moved_is_the_median(colony):
    colony.put(2, SECOND, 500)
    assert colony.crowd.way(FIRST, SECOND) == (40.0, 0.0)
    assert colony.crowd.way(SECOND, THIRD) == (0.0, 0.0)  # a pixel is less than a step
    assert colony.crowd.way(FIRST, THIRD) == (40.0, 0.0)


def test_how_large_cells_are_is_the_median(colony):
    colony.put(2, SECOND, 100, side=5)
    common = colony.crowd.smaller(100, SECOND)
    assert abs(common) < math.log(2) / 16 + 1e-9
    assert colony.crowd.smaller(25, SECOND) == pytest.approx(common + math.log(4))


def test_three_cells_say_nothing():
    colony = Colony(3)
    for cell in range(1, 4):
        colony.put(cell, FIRST, 30 * cell)
        colony.put(cell, SECOND, 30 * cell + 40)
    assert colony.crowd.way(FIRST, SECOND) == (0.0, 0.0)
    assert colony.crowd.smaller(5, FIRST) == 0.0


def test_only_planes_that_are_compared_with_something_else_are_told(colony):
    for before, now in ((FIRST, SECOND), (SECOND, THIRD)):
        colony.crowd.way(before, now)
        colony.crowd.smaller(100, now)
    colony.put(1, SECOND, 300)
    assert colony.crowd.changed(SECOND) == set()
    for cell in range(2, 5):
        colony.put(cell, SECOND, 30 * cell + 60)
    assert colony.crowd.changed(SECOND) == {SECOND, THIRD}
    assert colony.crowd.way(FIRST, SECOND) == (60.0, 0.0)
    for cell in range(2, 5):
        colony.put(cell, SECOND, 30 * cell + 60, side=14)
    assert SECOND in colony.crowd.changed(SECOND)


def test_what_was_not_asked_for_is_not_worked_out(colony):
    assert colony.crowd.changed(SECOND) == set()
    colony.crowd.way(FIRST, SECOND)
    colony.crowd.forget([FIRST])
    assert colony.crowd.changed(FIRST) == set()
