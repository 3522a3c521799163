"""Actions on the tracks of selected cells: one transaction each, refusals with a way on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellsam_desktop.core.edits import AddDivision, AddTrack, ChangeCell
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from tests.curation.conftest import Desk, square


@pytest.fixture
def tracked(desk: Desk, movie_file: Path) -> Desk:
    """Cell 1 on frames 0-2 divides into 2 and 3, on 3-5; 4 on 0-5 but not on 2; 5 on 0-1."""
    desk.open(movie_file)
    edits = [
        AddTrack(Cell(i), {PlaneKey(t): MaskRecord(square(10 * i, 10), Source.PROPAGATED) for t in frames})
        for i, frames in [(1, (0, 1, 2)), (2, (3, 4, 5)), (3, (3, 4, 5)), (4, (0, 1, 3, 4, 5)), (5, (0, 1))]
    ]
    assert desk.session.commit("Begin", [*edits, AddDivision(1, (2, 3))])
    return desk


def at(desk: Desk, t: int, *cells: int):
    desk.session.navigation.go_to(t)
    desk.session.editing.select(cells)
    return desk.session.tracks


def test_two_cells_are_linked_in_order_of_time(tracked: Desk) -> None:
    document, view = tracked.session.movie.document, tracked.session.view
    at(tracked, 3, 4).unlink_here()
    assert view.selection == (6,)
    at(tracked, 3, 6, 5).link()
    assert document.frames(5) == [0, 1, 3, 4, 5]
    assert view.selection == (5,)
    assert tracked.session.movie.history.undo_name == "Link cells"
    tracked.session.undo()
    tracked.session.undo()
    assert document.frames(4) == [0, 1, 3, 4, 5]


def test_what_was_refused_can_be_done_anyway(tracked: Desk) -> None:
    document = tracked.session.movie.document
    at(tracked, 1, 4, 5).link()
    assert "merge them" in tracked.texts[-1]
    offer = tracked.notices[-1].offer
    assert offer.label == "Do it anyway"
    before = document.record(5, PlaneKey())
    offer.accept()
    assert document.record(4, PlaneKey()) is before
    assert 5 not in document
    offer.accept()
    assert "no cell 5" in tracked.texts[-1]


def test_an_offer_that_would_be_refused_is_not_made(tracked: Desk) -> None:
    session = tracked.session
    session.commit("Lock", [ChangeCell(Cell(5, locked=True))])
    at(tracked, 1, 4, 5).link()
    assert "Cell 5 is locked" in tracked.texts[-1]
    assert tracked.notices[-1].offer is None
    session.movie.history.undo()
    at(tracked, 1, 4, 5).link()
    offer = tracked.notices[-1].offer
    session.close_movie()
    offer.accept()
    assert session.movie is None


def test_merge_keeps_who_begins_first(tracked: Desk) -> None:
    at(tracked, 3, 2, 4).merge()
    document = tracked.session.movie.document
    assert tracked.notices[-1].offer is not None
    tracked.notices[-1].offer.accept()
    assert document.cell_ids == [1, 3, 4, 5]
    assert document.record(4, PlaneKey(3)).mask.area == 50


def test_swap_and_back(tracked: Desk) -> None:
    document = tracked.session.movie.document
    at(tracked, 4, 2, 3).swap_from_here()
    assert document.record(2, PlaneKey(4)).mask.x0 == 30
    assert tracked.session.view.selection == (2, 3)
    tracked.session.tracks.swap_from_here()
    assert document.record(2, PlaneKey(4)).mask.x0 == 20


def test_a_division_is_removed_from_either_side(tracked: Desk) -> None:
    lineage = tracked.session.movie.document.lineage
    for t, cell_id in ((0, 1), (3, 3)):
        at(tracked, t, cell_id).undivide()
        assert lineage.daughters(1) is None
        tracked.session.undo()
    at(tracked, 0, 4).undivide()
    assert "Cell 4 did not divide" in tracked.texts[-1]


def test_gaps(tracked: Desk) -> None:
    document = tracked.session.movie.document
    at(tracked, 2, 4).extend_into_gap()
    assert document.frames(4) == [0, 1, 2, 3, 4, 5]
    assert document.record(4, PlaneKey(2)).source == Source.PROPAGATED
    tracked.session.tracks.extend_into_gap()
    assert "no gap" in tracked.texts[-1]


def test_splitting_by_a_line_or_by_two_clicks(tracked: Desk) -> None:
    document, view = tracked.session.movie.document, tracked.session.view
    at(tracked, 0).split_by_line((12, 0), (12, 24))
    assert view.selection == (1, 6)
    assert document.record(6, PlaneKey()).mask.area == 10
    at(tracked, 0, 4).split_by_spots((44, 12), (40, 12))
    assert view.selection == (4, 7)
    assert document.record(7, PlaneKey()).mask.same_pixels(Mask(10, 40, np.ones((5, 2), np.bool_)))
    at(tracked, 0).split_by_line((1, 30), (5, 40))
    assert "no mask to split" in tracked.texts[-1]
    at(tracked, 0, 4).split_by_line((44, 0), (44, 24))
    assert "one side" in tracked.texts[-1]


def test_only_a_mask_under_the_drawn_line_or_both_clicks_is_split(tracked: Desk) -> None:
    document, view = tracked.session.movie.document, tracked.session.view
    at(tracked, 0, 4).split_by_line((6, 12), (18, 12))  # cell 4 lies beyond the end of the line
    assert view.selection == (1, 6)
    at(tracked, 0, 4).split_by_spots((50, 12), (54, 12))
    assert view.selection == (5, 7)
    assert document.record(4, PlaneKey()).mask.area == 25
    for action in (tracked.session.tracks.split_by_line, tracked.session.tracks.split_by_spots):
        at(tracked, 0, 4)
        action((20, 30), (60, 30))
        assert "no mask to split" in tracked.texts[-1]
    tracked.session.tracks.split_by_spots((42, 12), (52, 12))
    assert "no mask to split" in tracked.texts[-1]
    assert document.record(4, PlaneKey()).mask.area == 25


def test_each_asks_for_the_cells_it_needs(tracked: Desk) -> None:
    tracks, before = at(tracked, 0), tracked.session.movie.history.undo_name
    actions = (tracks.link, tracks.merge, tracks.unlink_here, tracks.swap_from_here, tracks.undivide)
    for number, action in enumerate((*actions, tracks.extend_into_gap), start=1):
        action()
        assert len(tracked.notices) == number
        assert tracked.texts[-1].startswith("Select")
    assert tracks.count == 0
    assert tracked.session.movie.history.undo_name == before


def test_without_a_movie_nothing_happens(desk: Desk) -> None:
    tracks = desk.session.tracks
    tracks.link()
    tracks.split_by_line((0, 0), (1, 1))
    assert tracks.count == 0
    assert desk.texts == []
