"""What a step of propagation reads and changes, without a model."""

from __future__ import annotations

import pytest

from cellsam_desktop.analysis.carried import Lost, NextFrame, Placed, Split, Young
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddCell, AddDivision, ChangeCell, MarkSeen, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.curation.propagation_edits import (
    going_on,
    newly_proposed,
    outcome,
    recent,
    stale_masks,
    survey,
)
from tests.curation.conftest import square


class Paper:
    """A document with short ways to write on it."""

    def __init__(self) -> None:
        self.document = Document()
        self.history = History(self.document)

    def put(self, cell: int, *frames: int, x: int = 10, source: Source = Source.PROPAGATED) -> None:
        edits = [] if cell in self.document else [AddCell(Cell(cell))]
        record = MaskRecord(square(x, 10), source)
        self.history.commit("Put", [*edits, *(SetMask(cell, PlaneKey(t), record) for t in frames)])

    def do(self, *edits) -> None:
        self.history.commit("Do", edits)

    def take(self, found: NextFrame, t: int, *ahead: int, never: frozenset[int] = frozenset()):
        result = outcome(self.document, found, PlaneKey(t), decoder="vit_t", ahead=ahead, never=never)
        self.history.commit("Propagate", result.edits)
        return result


@pytest.fixture
def paper() -> Paper:
    return Paper()


def placed(cell: int, x: int = 12) -> Placed:
    return Placed(cell, square(x, 10), 0.9, 0.54)


def split(mother: int, instead=None) -> Split:
    return Split(mother, (square(8, 10), square(16, 10)), (0.9, 0.8), 0.7, instead, (0.6, None))


def test_cells_are_carried_unless_something_stays_there(paper):
    paper.put(1, 0)
    paper.put(2, 0, 1)  # overwritten
    paper.put(3, 0, 1, source=Source.CLICK)
    paper.put(4, 0, 1)
    paper.do(MarkSeen(4, frozenset([PlaneKey(1)])))
    paper.put(5, 0)
    paper.do(ChangeCell(Cell(5, locked=True)))
    paper.put(6, 1)  # another cell, in the way
    found = survey(paper.document, range(1, 7), PlaneKey(0), PlaneKey(1))
    assert found.carry == (1, 2)
    assert found.there == (3, 4)
    assert len(found.fixed) == 3  # 3, 4 and 6
    assert [one.before is None for one in found.fixed] == [False, False, True]


def test_the_domain_is_neither_carried_nor_in_the_way(paper):
    paper.put(1, 0)
    paper.put(9, 0, 1, source=Source.CLICK)
    found = survey(paper.document, (1, 9), PlaneKey(0), PlaneKey(1), ignored=9)
    assert found.carry == (1,)
    assert found.there == found.fixed == ()


def test_daughters_go_on_for_their_mother_and_the_mother_for_them(paper):
    paper.put(1, 0)
    paper.put(2, 1, source=Source.CLICK)
    paper.put(3, 1)
    paper.do(AddDivision(1, (2, 3)))
    ahead = survey(paper.document, (1,), PlaneKey(0), PlaneKey(1))
    assert (ahead.carry, ahead.there) == ((), (2, 3))
    back = survey(paper.document, (2, 3), PlaneKey(1), PlaneKey(0))
    assert (back.carry, back.there) == ((), (1,))


@pytest.fixture
def proposed(paper) -> Paper:
    """Cell 1 (frame 0) may divide into 2 (on 1) and 3 (1, 2); 2 may divide into 4 and 5 (2)."""
    for cell, frames, x in ((1, (0,), 10), (2, (1,), 8), (3, (1, 2), 16), (4, (2,), 6), (5, (2,), 9)):
        paper.put(cell, *frames, x=x)
    paper.do(AddDivision(1, (2, 3)), AddDivision(2, (4, 5)))
    return paper


def test_a_mother_is_looked_for_again_while_her_division_is_provisional(proposed):
    found = survey(proposed.document, (1,), PlaneKey(0), PlaneKey(1))
    assert (found.carry, found.there, found.fixed) == ((1,), (), ())
    proposed.do(MarkSeen(5, frozenset([PlaneKey(2)])))
    found = survey(proposed.document, (1,), PlaneKey(0), PlaneKey(1))
    assert (found.carry, found.there) == ((), (2, 3))


def test_a_division_found_again_keeps_its_daughters(proposed):
    before = split(1)
    result = proposed.take(NextFrame([], [Split(1, before.masks[::-1], (0.8, 0.9), 0.7)], []), 1, 2)
    assert result.divided == {1: (2, 3)}
    document = proposed.document
    assert document.record(2, PlaneKey(1)).mask.region.x0 == 8
    assert document.record(3, PlaneKey(1)).mask.region.x0 == 16
    assert dict(document.lineage.divisions()) == {1: (2, 3), 2: (4, 5)}


@pytest.mark.parametrize(
    "found",
    [NextFrame([placed(1)], [], []), NextFrame([], [], [Lost(1, "Gone.")]), NextFrame([], [split(1)], [])],
)
def test_a_division_not_found_again_goes_with_all_that_came_of_it(proposed, found):
    never = frozenset([1]) if found.splits else frozenset()
    proposed.take(found, 1, 2, never=never)
    assert proposed.document.cell_ids == [1]
    assert proposed.document.frames(1) == ([0, 1] if found.placed else [0])
    proposed.history.undo()
    assert proposed.document.cell_ids == [1, 2, 3, 4, 5]


def test_a_division_ahead_waits_until_it_is_reached(proposed):
    proposed.put(6, 0)
    proposed.put(7, 2)
    proposed.put(8, 2, x=20)
    proposed.do(AddDivision(6, (7, 8)))
    proposed.take(NextFrame([placed(6)], [], []), 1, 2)
    assert proposed.document.lineage.daughters(6) == (7, 8)


@pytest.mark.parametrize(("source", "ahead"), [(Source.PROPAGATED, (2, 1)), (Source.CLICK, (4, 5, 6))])
def test_a_lost_cell_that_is_there_later_keeps_what_came_of_it(paper, source, ahead):
    """Lost on frame 3: backwards from frame 4, or forwards although she was clicked on frame 4."""
    paper.put(6, 4, source=source)
    paper.put(7, 5)
    paper.put(8, 5, x=20)
    paper.do(AddDivision(6, (7, 8)))
    paper.take(NextFrame([], [], [Lost(6, "Gone.")]), 3, *ahead)
    assert paper.document.lineage.daughters(6) == (7, 8)


def test_a_division_found_earlier_takes_the_place_of_the_later_one(proposed):
    proposed.put(6, 0, 1)
    proposed.put(7, 2)
    proposed.put(8, 2, x=20)
    proposed.do(AddDivision(6, (7, 8)))
    result = proposed.take(NextFrame([], [split(6)], []), 1, 2)
    assert result.divided == {6: (9, 10)}
    assert proposed.document.frames(6) == [0]
    assert 7 not in proposed.document


def test_motion_and_sizes_are_read_from_the_track(paper):
    for t in range(3):
        paper.put(1, t, x=10 + 3 * t)
    cell = recent(paper.document, 1, PlaneKey(2), 1).carried()
    assert cell.velocity == (0.0, 3.0)
    assert cell.areas == (25, 25, 25)
    backwards = recent(paper.document, 1, PlaneKey(0), -1).carried()
    assert backwards.velocity == (0.0, -3.0)
    assert recent(paper.document, 1, PlaneKey(5), 1) is None


def test_a_split_makes_two_daughters_and_ends_the_mother(paper):
    paper.put(1, 0, 1, 2)  # 1 and 2 from an earlier propagation
    result = paper.take(NextFrame([], [split(1)], []), 1, 2, 3)
    assert result.divided == {1: (2, 3)}
    assert paper.document.frames(1) == [0]
    assert paper.document.frames(2) == paper.document.frames(3) == [1]
    assert paper.document.lineage.daughters(1) == (2, 3)
    paper.history.undo()
    assert paper.document.frames(1) == [0, 1, 2]
    assert 2 not in paper.document


def test_no_split_where_the_mother_goes_on_or_the_curator_refused_it(paper):
    paper.put(1, 0)
    paper.put(1, 3, source=Source.CLICK)
    result = paper.take(NextFrame([], [split(1, square(11, 10))], []), 1, 2, 3)
    assert not result.divided
    assert paper.document.frames(1) == [0, 1, 3]
    paper.put(2, 0)
    refused = paper.take(NextFrame([], [split(2)], []), 1, never=frozenset([2]))
    assert 2 in refused.lost
    assert paper.document.frames(2) == [0]


def test_a_lost_cell_loses_what_was_propagated_before_up_to_what_is_curated(paper):
    paper.put(1, 0, 1, 2, 4)
    paper.put(1, 3, source=Source.BRUSH)
    assert stale_masks(paper.document, 1, PlaneKey(1), (2, 3, 4)) == [PlaneKey(1), PlaneKey(2)]
    result = paper.take(NextFrame([], [], [Lost(1, "Gone.")]), 1, 2, 3, 4)
    assert result.lost == {1: "Gone."}
    assert paper.document.frames(1) == [0, 3, 4]


def test_placed_masks_say_where_they_come_from(paper):
    paper.put(1, 0)
    paper.take(NextFrame([placed(1)], [], []), 1)
    record = paper.document.record(1, PlaneKey(1))
    assert (record.source, record.predicted_iou, record.decoder) == (Source.PROPAGATED, 0.9, "vit_t")
    assert record.agreement == 0.54
    divided = paper.take(NextFrame([], [split(1)], []), 2).divided[1]
    assert [paper.document.record(i, PlaneKey(2)).agreement for i in divided] == [0.6, None]


@pytest.fixture
def divided(paper) -> Paper:
    """Cell 1 (frames 0 and 1) was proposed to divide into 2 and 3 on frame 2."""
    paper.put(1, 0, 1)
    paper.put(2, 2, x=8)
    paper.put(3, 2, x=16)
    paper.do(AddDivision(1, (2, 3)))
    return paper


def young_of(paper: Paper) -> list[Young]:
    todo = survey(paper.document, (2, 3), PlaneKey(2), PlaneKey(3))
    return [one.young() for one in newly_proposed(paper.document, todo, PlaneKey(2), PlaneKey(3))]


def test_a_division_proposed_on_the_frame_before_may_be_taken_back(divided):
    [young] = young_of(divided)
    assert (young.mother.cell_id, young.daughters) == (1, (2, 3))
    assert young.mother.mask.area == square(8, 10).union(square(16, 10)).area
    assert len(young.mother.areas) == 3


def test_what_a_person_saw_or_one_daughter_alone_is_not_taken_back(divided):
    alone = survey(divided.document, (2,), PlaneKey(2), PlaneKey(3))
    assert newly_proposed(divided.document, alone, PlaneKey(2), PlaneKey(3)) == ()
    back = survey(divided.document, (2, 3), PlaneKey(2), PlaneKey(1))
    assert newly_proposed(divided.document, back, PlaneKey(2), PlaneKey(1)) == ()
    divided.do(ChangeCell(Cell(1, locked=True)))
    assert young_of(divided) == []
    divided.do(ChangeCell(Cell(1)))
    assert len(young_of(divided)) == 1
    divided.do(MarkSeen(2, frozenset([PlaneKey(2)])))
    assert young_of(divided) == []


@pytest.mark.parametrize("ending", ["placed", "split", "lost", "refused"])
def test_a_division_taken_back_leaves_one_mother(divided, ending):
    young, never = young_of(divided), frozenset([1]) if ending == "refused" else frozenset()
    found = NextFrame([], [], [], young)
    if ending == "placed":
        found.placed.append(placed(1))
    elif ending == "lost":
        found.lost.append(Lost(1, "Gone."))
    else:
        found.splits.append(split(1))
    todo = survey(divided.document, (2, 3), PlaneKey(2), PlaneKey(3))
    result = divided.take(found, 3, never=never)
    document = divided.document
    assert document.record(1, PlaneKey(2)).mask.same_pixels(young[0].mother.mask)
    assert 2 not in document
    assert 3 not in document
    assert document.frames(1) == ([0, 1, 2, 3] if ending == "placed" else [0, 1, 2])
    assert result.divided == ({1: (4, 5)} if ending == "split" else {})
    assert going_on(todo, result) == {"placed": (1,), "split": (4, 5)}.get(ending, ())
    divided.history.undo()
    assert dict(document.lineage.divisions()) == {1: (2, 3)}
    assert document.frames(1) == [0, 1]
