from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellsam_desktop.core.edits import AddCell, AddDivision, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source
from tests.curation.conftest import FIRST, Desk, square


@pytest.fixture
def editor(desk: Desk, movie_file: Path) -> Desk:
    """Cell 1 on frames 0-2 divides into 2 and 3, which live on frames 3-5; cell 4 on frame 0."""
    desk.open(movie_file)
    edits = [AddCell(Cell(i)) for i in (1, 2, 3, 4)]
    for cell_id, frames, x in [(1, range(3), 10), (2, range(3, 6), 4), (3, range(3, 6), 20), (4, [0], 40)]:
        record = MaskRecord(square(x, 10), Source.BRUSH)
        edits += [SetMask(cell_id, PlaneKey(t), record) for t in frames]
    assert desk.session.commit("Begin", [*edits, AddDivision(1, (2, 3))])
    return desk


def test_select_at_extends_and_takes_out(editor: Desk) -> None:
    editing, view = editor.session.editing, editor.session.view
    editing.select_at(12, 12)
    assert view.selection == (1,)
    editing.select_at(42, 12, extend=True)
    assert view.selection == (1, 4)
    editing.select_at(12, 12, extend=True)
    assert view.selection == (4,)
    editing.select_at(60, 40, extend=True)
    assert view.selection == (4,)
    editing.select_at(60, 40)
    assert view.selection == ()


def test_hidden_cells_cannot_be_hit(editor: Desk) -> None:
    editing = editor.session.editing
    editing.toggle_visible([1])
    assert editing.cell_at(12, 12) is None
    editing.toggle_visible([1])
    assert editing.cell_at(12, 12) == 1
    editing.toggle_solo([4])
    assert editing.cell_at(12, 12) is None
    editing.toggle_solo([4])
    assert editing.cell_at(12, 12) == 1


def test_stepping_goes_round_the_cells_of_this_plane(editor: Desk) -> None:
    editing, view = editor.session.editing, editor.session.view
    chosen = []
    for _ in range(3):
        editing.step_selection(1)
        chosen.append(view.selection)
    assert chosen == [(1,), (4,), (1,)]
    editing.step_selection(-1)
    assert view.selection == (4,)


def test_delete_here_takes_the_cell_with_its_last_mask(editor: Desk) -> None:
    document = editor.session.movie.document
    editor.session.editing.select((1, 4))
    editor.session.editing.delete_here()
    assert document.frames(1) == [1, 2]
    assert 4 not in document
    assert editor.session.view.selection == (1,)
    editor.session.undo()
    assert document.frames(1) == [0, 1, 2]
    assert document.frames(4) == [0]


def test_delete_from_here_ends_the_cell_and_its_division(editor: Desk) -> None:
    session = editor.session
    session.navigation.go_to(1)
    session.editing.select((1,))
    session.editing.delete_from_here()
    document = session.movie.document
    assert document.frames(1) == [0]
    assert document.lineage.daughters(1) is None
    assert document.frames(2) == [3, 4, 5]
    session.undo()
    assert document.lineage.daughters(1) == (2, 3)


def test_deleting_mother_and_daughters_together_is_one_step(editor: Desk) -> None:
    session = editor.session
    session.editing.select((1, 2, 3))
    session.editing.delete_from_here()
    assert session.movie.document.cell_ids == [4]
    session.undo()
    assert session.movie.document.cell_ids == [1, 2, 3, 4]
    assert session.movie.document.lineage.daughters(1) == (2, 3)


def test_deleting_a_whole_daughter_frees_her_sister(editor: Desk) -> None:
    session = editor.session
    session.navigation.go_to(3)
    session.editing.select((2,))
    session.editing.delete_from_here()
    assert 2 not in session.movie.document
    assert session.movie.document.lineage.mother(3) is None


def test_rename_find_and_lock(editor: Desk) -> None:
    editing, document = editor.session.editing, editor.session.movie.document
    editing.rename(2, " ABa ")
    assert document.cell(2).title == "ABa"
    assert editing.find("aba") == [2]
    assert editing.find("3") == [3]
    assert editing.find("  ") == []
    editing.set_locked([2, 3], True)
    editor.session.navigation.go_to(3)
    editing.select((2,))
    editing.delete_here()
    assert 3 in document.frames(2)
    assert "locked" in editor.texts[-1]


def test_shape_corrections_change_only_what_they_must(editor: Desk) -> None:
    session = editor.session
    editing, document = session.editing, session.movie.document
    editing.select((1,))
    editing.grow()
    assert document.record(1, PlaneKey()).mask.area == 25 + 4 * 5
    editing.shrink()
    assert document.record(1, PlaneKey()).mask.area == 25
    steps = session.movie.history.undo_name
    editing.fill_holes()
    editing.keep_largest()
    assert session.movie.history.undo_name == steps
    bits = np.ones((7, 12), dtype=np.bool_)
    bits[3, 3], bits[:, 8] = False, False
    session.commit("Paint", [SetMask(1, PlaneKey(), MaskRecord(Mask(2, 2, bits), Source.BRUSH))])
    editing.fill_holes()
    editing.keep_largest()
    assert document.record(1, PlaneKey()).mask.same_pixels(Mask(2, 2, np.ones((7, 8), dtype=np.bool_)))


def test_a_mask_never_shrinks_to_nothing(editor: Desk) -> None:
    editing, document = editor.session.editing, editor.session.movie.document
    editing.select((4,))
    for _ in range(5):
        editing.shrink()
    assert document.record(4, PlaneKey()).mask.area == 1


def test_scale_is_undoable(editor: Desk) -> None:
    session = editor.session
    before = session.movie.document.calibration
    session.editing.set_calibration(Calibration(0.5, None, 60.0))
    assert session.movie.document.calibration.pixel_size_um == 0.5
    session.undo()
    assert session.movie.document.calibration == before


def test_actions_without_a_movie_do_nothing(desk: Desk) -> None:
    editing = desk.session.editing
    for action in (editing.delete_here, editing.delete_from_here, editing.grow, editing.shrink):
        action()
    editing.select_at(3, 3)
    editing.step_selection(1)
    editing.set_calibration(Calibration(1.0))
    assert editing.find("1") == []
    assert desk.texts == []


def test_a_plane_is_marked_as_complete_and_stays_so_while_masks_change(desk: Desk, movie_file: Path):
    desk.open(movie_file)
    session = desk.session
    desk.add_cell(1)
    session.editing.toggle_complete()
    assert session.movie.document.complete == {FIRST}
    session.view.set(selection=(1,))
    session.editing.delete_here()
    assert session.movie.document.complete == {FIRST}
    session.navigation.go_to(3)
    session.editing.toggle_complete()
    session.navigation.go_to(0)
    session.undo()
    assert session.view.t == 3
    assert session.movie.document.complete == {FIRST}
    session.redo()
    project = session.movie.project_path
    session.close_movie()
    desk.open(project)
    assert session.movie.document.complete == {FIRST, PlaneKey(3)}


def test_axes_are_not_read_anew_under_marks_of_planes(desk: Desk, tmp_path: Path, movie_writer):
    desk.open(movie_writer(tmp_path / "deep.tif", depth=2))
    session = desk.session
    session.navigation.go_to(3)
    session.editing.toggle_complete()
    session.open_with_axes("ZTYX")
    desk.settle()
    assert "would lie on other images" in desk.texts[-1]
