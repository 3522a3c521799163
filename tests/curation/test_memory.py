"""What is known for the next question, and what it costs to know it."""

from __future__ import annotations

import math

import pytest

from cellsam_desktop.core.edits import AddCell, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.prompts import Point, Prompts
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from tests.curation.conftest import Desk, square

CLICK = Prompts((Point(12, 12),))


@pytest.fixture
def open_desk(desk: Desk, movie_file) -> Desk:
    desk.open(movie_file)
    return desk


def put(
    desk: Desk, cell_id: int, t: int = 0, *, x: int = 10, y: int = 10, size: int = 5, source=Source.CLICK
):
    document = desk.session.movie.document
    edits = [] if cell_id in document else [AddCell(Cell(cell_id))]
    record = MaskRecord(square(x, y, size), source)
    assert desk.session.commit("Put", [*edits, SetMask(cell_id, PlaneKey(t), record)])


def diameter(side: int) -> float:
    return 2 * side / math.sqrt(math.pi)


def test_nothing_is_known_at_first(open_desk: Desk) -> None:
    memory = open_desk.session.memory
    assert memory.diameter is None
    assert list(memory.knowledge(CLICK, None).cells) == []


def test_cells_are_learned_as_they_are_accepted_and_forgotten_when_taken_back(open_desk: Desk) -> None:
    memory = open_desk.session.memory
    put(open_desk, 1, size=4)
    assert memory.diameter == pytest.approx(diameter(4))
    put(open_desk, 2, x=30, size=8)
    put(open_desk, 3, x=50, size=8)
    assert memory.diameter == pytest.approx(diameter(8))
    open_desk.session.undo()
    open_desk.session.undo()
    assert memory.diameter == pytest.approx(diameter(4))


def test_propagated_masks_teach_nothing(open_desk: Desk) -> None:
    put(open_desk, 1, size=8, source=Source.PROPAGATED)
    assert open_desk.session.memory.diameter is None
    put(open_desk, 2, size=4, source=Source.IMPORTED)
    assert open_desk.session.memory.diameter == pytest.approx(diameter(4))


def test_a_mask_is_measured_once_and_hovers_measure_nothing(open_desk: Desk) -> None:
    memory = open_desk.session.memory
    for cell_id in range(1, 31):
        put(open_desk, cell_id, x=cell_id, y=cell_id)
    for _ in range(5):
        memory.knowledge(CLICK, None)
    assert memory.measured == 30
    put(open_desk, 31)
    memory.knowledge(CLICK, None)
    open_desk.session.navigation.step(1)
    memory.knowledge(CLICK, None)
    assert memory.measured == 31


def test_however_many_cells_there_are_only_the_nearest_are_asked(open_desk: Desk) -> None:
    masks = [(cell_id, PlaneKey(t)) for t in range(6) for cell_id in range(1, 101)]
    record = MaskRecord(square(1, 1), Source.CLICK)
    edits = [AddCell(Cell(cell_id)) for cell_id in range(1, 101)]
    assert open_desk.session.commit("Many", [*edits, *(SetMask(i, key, record) for i, key in masks)])
    assert (
        len(open_desk.session.memory.knowledge(CLICK, None).cells) == open_desk.session.memory.measured == 64
    )


def test_neighbours_are_those_near_the_prompts_but_not_the_cell_asked_about(open_desk: Desk) -> None:
    put(open_desk, 1, x=10)
    put(open_desk, 2, x=14)
    put(open_desk, 3, x=55, y=40)
    put(open_desk, 4, 1, x=10)
    memory, document = open_desk.session.memory, open_desk.session.movie.document
    masks = {cell_id: document.record(cell_id, PlaneKey()).mask for cell_id in (1, 2, 3)}
    assert memory.knowledge(CLICK, None).taken == (masks[1], masks[2])
    assert memory.knowledge(CLICK, 1).taken == (masks[2],)
    assert memory.knowledge(Prompts((Point(57, 42),)), None).taken == (masks[3],)
    open_desk.session.undo()  # which shows the frame of what is taken back
    open_desk.session.navigation.go_to(0)
    put(open_desk, 5, x=11)
    assert len(memory.knowledge(CLICK, None).taken) == 3


def test_the_mask_of_the_frame_one_comes_from_is_remembered(open_desk: Desk) -> None:
    session = open_desk.session
    put(open_desk, 1, 0)
    put(open_desk, 1, 2, x=12)
    session.navigation.step(1)
    before = session.movie.document.record(1, PlaneKey(0)).mask
    assert session.memory.knowledge(CLICK, 1).previous is before
    session.navigation.step(2)
    session.navigation.step(-2)
    assert session.memory.knowledge(CLICK, 1).previous is session.movie.document.record(1, PlaneKey(2)).mask
    assert session.memory.knowledge(CLICK, None).previous is None
    elsewhere = Prompts((Point(40, 12),))
    assert session.memory.knowledge(elsewhere, 1).previous is None
