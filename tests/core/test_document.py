from __future__ import annotations

import numpy as np
import pytest

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import (
    AddCell,
    AddDivision,
    AddTrack,
    ChangeCell,
    Edit,
    RemoveCell,
    RemoveTrack,
    SetMask,
)
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source


def block(y0: int, x0: int, size: int) -> MaskRecord:
    return MaskRecord(Mask(y0, x0, np.ones((size, size), np.bool_)), Source.CLICK)


@pytest.fixture
def document() -> Document:
    """Cell 1 on frames 0 and 1 divides into 2 and 3, which begin on frame 2."""
    document = Document()
    edits: list[Edit] = [AddCell(Cell(i)) for i in (1, 2, 3)]
    edits += [SetMask(1, PlaneKey(t), block(0, 0, 6)) for t in (0, 1)]
    edits += [SetMask(2, PlaneKey(2), block(0, 0, 3)), SetMask(3, PlaneKey(2), block(2, 2, 8))]
    History(document).commit("make", [*edits, AddDivision(1, (2, 3))])
    return document


def refusal(document: Document, *edits: Edit) -> EditRefused:
    with pytest.raises(EditRefused) as caught:
        History(document).commit("try", edits)
    assert str(caught.value).endswith(".")
    return caught.value


def test_what_can_be_asked(document: Document):
    assert len(document) == 3
    assert document.cell_ids == [1, 2, 3]
    assert 2 in document
    assert 4 not in document
    assert document.planes() == [PlaneKey(0), PlaneKey(1), PlaneKey(2)]
    assert document.cells_on(PlaneKey(2)) == [2, 3]
    assert document.cells_on(PlaneKey(7)) == []
    assert [document.count_on(PlaneKey(t)) for t in (1, 2, 7)] == [1, 2, 0]
    assert document.frames(1) == [0, 1]
    assert document.span(1) == (0, 1)
    assert document.span(99) is None
    assert document.record(1, PlaneKey(5)) is None
    assert document.track(99) == {}
    assert document.calibration == Calibration()
    with pytest.raises(TypeError):
        document.track(1)[PlaneKey(9)] = block(0, 0, 1)  # type: ignore[index]


def test_the_smallest_cell_under_a_point_is_hit(document: Document):
    assert document.cell_at(PlaneKey(2), 2.4, 2.4) == 2
    assert document.cell_at(PlaneKey(2), 5, 5) == 3
    assert document.cell_at(PlaneKey(2), 30, 30) is None
    assert document.cell_at(PlaneKey(9), 2, 2) is None


def test_accepting_again_replaces_the_mask(document: Document):
    History(document).commit("again", [SetMask(2, PlaneKey(2), block(5, 5, 2))])
    record = document.record(2, PlaneKey(2))
    assert record is not None
    assert record.mask.area == 4
    assert document.cells_on(PlaneKey(2)) == [2, 3]


def test_locked_cells_refuse_masks(document: Document):
    history = History(document)
    history.commit("lock", [ChangeCell(Cell(2, "AB", locked=True))])
    assert not refusal(document, SetMask(2, PlaneKey(2), None)).forceable
    assert "AB is locked" in str(refusal(document, SetMask(2, PlaneKey(3), block(0, 0, 1))))
    history.commit("unlock", [ChangeCell(Cell(2))])
    history.commit("delete", [SetMask(2, PlaneKey(2), None)])
    assert document.frames(2) == []


def test_a_mother_ends_before_her_daughters_begin(document: Document):
    error = refusal(document, SetMask(1, PlaneKey(2), block(0, 0, 2)))
    assert error.forceable
    assert "Cell 2 begins (frame 3)" in str(error) or "Cell 3 begins (frame 3)" in str(error)
    refusal(document, SetMask(3, PlaneKey(1), block(0, 0, 2)))
    assert document.span(1) == (0, 1)
    History(document).commit(
        "later", [SetMask(1, PlaneKey(2), block(0, 0, 2)), *(SetMask(i, PlaneKey(2), None) for i in (2, 3))]
    )


def test_cells_that_cannot_be_removed(document: Document):
    assert "still has masks" in str(refusal(document, RemoveCell(2)))
    assert "division" in str(refusal(document, SetMask(2, PlaneKey(2), None), RemoveCell(2)))
    assert "no cell 8" in str(refusal(document, RemoveCell(8)))


def test_ids_that_cannot_be_added(document: Document):
    assert "exists already" in str(refusal(document, AddCell(Cell(2))))
    assert "positive" in str(refusal(document, AddCell(Cell(0))))
    assert "no cell 5" in str(refusal(document, SetMask(5, PlaneKey(), block(0, 0, 1))))
    assert "no cell 5" in str(refusal(document, ChangeCell(Cell(5))))
    assert "no cell 5" in str(refusal(document, AddDivision(2, (3, 5))))


def test_the_next_id_passes_over_imported_ones(document: Document):
    history = History(document)
    history.commit("import", [AddCell(Cell(40))])
    history.undo()
    assert document.next_id == 41
    document.reserve_ids(10)
    assert document.next_id == 41


def test_titles():
    assert Cell(7).title == "Cell 7"
    assert Cell(7, "ABal").title == "ABal"


def test_whole_tracks_that_cannot_be_added_or_removed(document: Document):
    track = {PlaneKey(4): block(0, 0, 2)}
    assert "exists already" in str(refusal(document, AddTrack(Cell(2), track)))
    assert "is locked" in str(refusal(document, AddTrack(Cell(9, locked=True), track)))
    assert "division" in str(refusal(document, RemoveTrack(2, frozenset({PlaneKey(2)}))))
    history = History(document)
    history.commit("import", [AddTrack(Cell(9), track)])
    assert "other frames" in str(refusal(document, RemoveTrack(9, frozenset())))
    history.commit("lock", [ChangeCell(Cell(9, locked=True))])
    assert "is locked" in str(refusal(document, RemoveTrack(9, frozenset(track))))
    assert document.track(9) == track


def test_a_snapshot_stays_as_it_is(document: Document):
    copy, track = document.snapshot(), dict(document.track(2))
    History(document).commit("more", [SetMask(2, PlaneKey(3), block(0, 0, 2)), AddTrack(Cell(4), track)])
    assert copy.cell_ids == [1, 2, 3]
    assert copy.next_id == 4
    assert copy.track(2) == track
    assert copy.cells_on(PlaneKey(2)) == [2, 3]
    assert list(copy.lineage.divisions()) == [(1, (2, 3))]
    assert document.cells_on(PlaneKey(2)) == [2, 3, 4]
