"""Divisions by hand and cuts through a mask: by keys on selected cells, and with the mouse."""

from __future__ import annotations

import pytest

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddCell, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.curation.tools import LinkPreview
from cellsam_desktop.curation.view_state import Tool
from tests.curation.conftest import Desk, square


@pytest.fixture
def born(desk: Desk, movie_file) -> Desk:
    """Cell 1 ends on frame 2; cells 2 (left) and 3 (right) begin on frame 3, where the view is."""
    desk.open(movie_file)
    edits = [AddCell(Cell(i)) for i in (1, 2, 3)]
    for cell, x, frames in ((1, 14, (0, 1)), (2, 8, (2, 3)), (3, 22, (2, 3))):
        record = MaskRecord(square(x, 12, 10), Source.CLICK)
        edits += [SetMask(cell, PlaneKey(t), record) for t in frames]
    assert desk.session.commit("Begin", edits)
    desk.session.navigation.go_to(2)
    desk.session.view.set(tool=Tool.SELECT)
    return desk


def document(desk: Desk) -> Document:
    return desk.session.movie.document


def drag(desk: Desk, start: tuple[float, float], end: tuple[float, float], button="left") -> None:
    tools = desk.session.tools
    tools.press(*start, button)
    tools.move(*end)
    tools.release(*end)


def test_three_selected_cells_divide_whatever_their_order(born):
    born.session.view.set(selection=(3, 1, 2))
    born.session.dividing.divide_selected()
    assert document(born).lineage.daughters(1) == (3, 2)
    born.session.undo()
    assert document(born).lineage.daughters(1) is None


def test_a_mother_that_runs_on_becomes_one_of_the_daughters(born):
    session = born.session
    session.view.set(selection=(1, 2))
    session.tracks.link()  # cell 1 is tracked into the left daughter
    assert document(born).frames(1) == [0, 1, 2, 3]
    session.view.set(selection=(3, 1))
    session.dividing.divide_selected()
    daughters = document(born).lineage.daughters(1)
    assert daughters is not None
    assert 3 in daughters
    assert document(born).frames(1) == [0, 1]


def test_what_cannot_divide_is_said(born):
    session = born.session
    session.view.set(selection=(1,))
    session.dividing.divide_selected()
    assert "Select a mother and her two daughters" in born.texts[-1]
    assert session.commit("Cut", [SetMask(1, PlaneKey(t), None) for t in (0, 1)])
    assert born.add_cell(9, PlaneKey(3), x=40)
    session.view.set(selection=(2, 3, 9))
    session.dividing.divide_selected()
    assert "No cell ends before the other two" in born.texts[-1]
    session.view.set(t=2, selection=(9,))
    session.editing.delete_from_here()
    assert born.add_cell(8, PlaneKey(5), x=40)
    session.view.set(selection=(2, 3, 8))
    session.dividing.divide_selected()
    assert "No cell ends before the other two" in born.texts[-1]
    assert list(document(born).lineage.divisions()) == []


def test_dragging_from_the_mother_to_each_daughter(born):
    session = born.session
    session.view.set(onion=True)
    drag(born, (20, 16), (9, 16))
    assert session.view.selection == (1, 2)
    assert "drag from the mother to the other daughter" in born.texts[-1]
    drag(born, (20, 16), (30, 16))
    assert document(born).lineage.daughters(1) == (2, 3)
    session.undo()
    assert document(born).lineage.daughters(1) is None


def test_a_first_daughter_that_is_gone_is_forgotten(born):
    session = born.session
    session.view.set(onion=True)
    drag(born, (20, 16), (9, 16))
    session.view.set(selection=(2,))
    session.editing.delete_from_here()
    assert 2 not in document(born)
    assert born.add_cell(2, PlaneKey(2), x=50, y=30)  # another cell with her id
    drag(born, (20, 16), (30, 16))
    assert list(document(born).lineage.divisions()) == []
    assert session.view.selection == (1, 3)


def test_undo_forgets_the_first_daughter(born):
    session = born.session
    session.view.set(onion=True)
    assert born.add_cell(9, PlaneKey(2), x=40, y=30)
    drag(born, (20, 16), (9, 16))
    session.undo()
    drag(born, (20, 16), (30, 16))
    assert list(document(born).lineage.divisions()) == []
    drag(born, (20, 16), (9, 16))
    assert document(born).lineage.daughters(1) == (3, 2)


def test_the_first_daughter_can_be_taken_back(born):
    session = born.session
    session.view.set(onion=True)
    for _ in range(2):
        drag(born, (20, 16), (9, 16))
    assert "given up" in born.texts[-1]
    assert not session.dividing.begun
    drag(born, (20, 16), (30, 16))
    assert session.dividing.begun
    assert session.dividing.cancel()
    assert not session.dividing.cancel()
    drag(born, (20, 16), (9, 16))
    assert list(document(born).lineage.divisions()) == []


def test_without_onion_skin_a_selected_mother_can_be_dragged_from(born):
    session = born.session
    session.view.set(selection=(1,))
    drag(born, (20, 16), (9, 16))
    session.view.set(selection=(1,))
    drag(born, (20, 16), (30, 16))
    assert document(born).lineage.daughters(1) == (2, 3)


def test_a_drag_from_a_living_cell_makes_it_the_mother(born):
    session = born.session
    session.view.set(selection=(1, 2))
    session.tracks.link()
    session.view.set(selection=())
    drag(born, (9, 16), (30, 16))
    assert 3 in document(born).lineage.daughters(1)


def test_a_click_still_selects(born):
    session = born.session
    session.view.set(onion=True)
    drag(born, (9, 13), (9, 13))
    assert session.view.selection == (2,)
    drag(born, (19.6, 16), (19.8, 16))  # the mother of before lies there as well, nobody now
    assert session.view.selection == ()
    drag(born, (60, 40), (50, 40))
    assert list(document(born).lineage.divisions()) == []


def test_the_line_is_shown_and_escape_drops_it(born):
    tools = born.session.tools
    tools.press(9, 16, "left")
    tools.move(30, 16)
    assert tools.preview == LinkPreview((9, 16), (30, 16))
    assert tools.cancel()
    assert tools.preview is None
    tools.release(30, 16)
    assert list(document(born).lineage.divisions()) == []


def test_a_right_drag_through_a_mask_cuts_it(born):
    drag(born, (12.5, 5), (12.5, 30), "right")
    assert document(born).record(2, PlaneKey(2)).mask.area == 50
    assert document(born).cells_on(PlaneKey(2)) == [2, 3, 4]
    born.session.undo()
    assert document(born).record(2, PlaneKey(2)).mask.area == 100


def test_two_right_clicks_cut_between_them(born):
    for x in (9, 16):
        drag(born, (x, 16), (x, 16), "right")
    assert document(born).cells_on(PlaneKey(2)) == [2, 3, 4]
    drag(born, (50, 40), (50, 40), "right")  # nothing there, and nothing happens
    assert born.texts[-1].startswith("Right-click the other half")
