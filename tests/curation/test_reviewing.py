"""Going through the review queue, and proposed divisions, without a window."""

from __future__ import annotations

import pytest

from cellsam_desktop.core.edits import AddCell, AddDivision, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from tests.curation.conftest import FRAMES, Desk, square


@pytest.fixture
def tracked(desk: Desk, movie_file) -> Desk:
    """Two propagated cells; the first jumps on frame 3, the second is too large on frame 5."""
    desk.open(movie_file)
    edits = [AddCell(Cell(1)), AddCell(Cell(2))]
    for t in range(FRAMES):
        edits += [put(1, t, 10 if t < 2 else 45), put(2, t, 20, 30, size=9 if t == 4 else 6)]
    assert desk.session.commit("Propagate", edits)
    settle(desk)
    return desk


def put(cell: int, t: int, x: int = 10, y: int = 12, *, size: int = 6) -> SetMask:
    return SetMask(cell, PlaneKey(t), MaskRecord(square(x, y, size), Source.PROPAGATED, 0.95))


def settle(desk: Desk) -> None:
    desk.wait(lambda: desk.session.reviewing.pending == 0)
    desk.post.pump()


def divide(desk: Desk) -> None:
    """Cell 2 divides into 3 and 4 on the last but one frame."""
    edits = [SetMask(2, PlaneKey(t), None) for t in (4, 5)]
    for cell, x in ((3, 17), (4, 24)):
        edits += [AddCell(Cell(cell)), put(cell, 4, x, 31, size=4), put(cell, 5, x, 31, size=4)]
    assert desk.session.commit("Propagate", [*edits, AddDivision(2, (3, 4))])
    settle(desk)


def test_the_queue_is_gone_through_from_the_worst_on_and_round(tracked):
    session = tracked.session
    reviewing = session.reviewing
    places = [(doubt.cell_id, doubt.key.t) for doubt in reviewing.ranked]
    assert places[0] in ((1, 2), (2, 4))
    assert reviewing.text == f"{len(places)} doubtful"
    heard = []
    reviewing.shown.connect(heard.append)
    for number, (cell, t) in enumerate(places, start=1):
        reviewing.next()
        assert (session.view.selection, session.view.t) == ((cell,), t)
        assert reviewing.text.startswith(f"{number} of {len(places)} doubtful: ")
    reviewing.next()
    assert session.view.t == places[0][1]
    reviewing.previous()
    assert session.view.t == places[-1][1]
    assert len(heard) == len(places) + 2


def test_marking_as_seen_takes_it_from_the_queue_and_goes_on(tracked):
    session = tracked.session
    reviewing = session.reviewing
    reviewing.next()
    first = reviewing.ranked[0]
    reviewing.mark_seen()
    assert session.movie.document.is_seen(first.cell_id, first.key)
    settle(tracked)
    assert first not in reviewing.ranked
    assert (session.view.selection, session.view.t) != ((first.cell_id,), first.key.t)
    session.undo()
    settle(tracked)
    assert first in reviewing.ranked


def test_everything_on_a_frame_can_be_marked(tracked):
    session = tracked.session
    session.navigation.go_to(4)
    session.reviewing.mark_seen(everything=True)
    document = session.movie.document
    assert document.is_seen(1, PlaneKey(4))
    assert document.is_seen(2, PlaneKey(4))
    assert not document.is_seen(2, PlaneKey(3))
    assert session.view.t == 4


def test_frames_and_cells_know_their_doubts(tracked):
    reviewing = tracked.session.reviewing
    assert {2, 4} <= reviewing.per_frame.keys()
    assert 0 not in reviewing.per_frame
    assert "area jumped" in reviewing.on(PlaneKey(4))[2].words
    assert reviewing.of(2).key.t == 4
    assert reviewing.of(99) is None


def test_without_doubts_it_is_said(desk, movie_file):
    desk.session.reviewing.next()
    desk.open(movie_file)
    desk.session.reviewing.next()
    assert desk.texts[-1] == "Nothing is doubtful."
    desk.session.reviewing.mark_seen()
    assert desk.texts[-1] == "Select the cells whose masks are right."


def test_a_proposed_division_is_shown_and_accepted(tracked):
    session = tracked.session
    reviewing = session.reviewing
    divide(tracked)
    doubt = next(doubt for doubt in reviewing.ranked if doubt.cell_id == 3 and doubt.key.t == 4)
    assert "a proposed division" in doubt.words
    while session.view.selection != (3, 4):
        reviewing.next()
    assert reviewing.proposals() == [(2, (3, 4))]
    assert reviewing.proposal == 2
    reviewing.accept_division()
    settle(tracked)
    assert reviewing.proposals() == []
    assert session.movie.document.lineage.daughters(2) == (3, 4)
    assert not any("proposed" in doubt.words for doubt in reviewing.ranked)
    session.undo()
    assert reviewing.proposals() == [(2, (3, 4))]


def test_a_refused_division_gives_the_mother_both_masks(tracked):
    session = tracked.session
    divide(tracked)
    document = session.movie.document
    session.navigation.go_to(4)
    session.reviewing.refuse_division()
    assert 3 not in document
    assert document.lineage.daughters(2) is None
    assert document.frames(2) == list(range(FRAMES))
    assert document.record(2, PlaneKey(4)).mask.area == 32
    assert session.view.selection == (2,)
    session.undo()
    assert document.lineage.daughters(2) == (3, 4)
    assert document.frames(2) == list(range(4))


def test_another_movie_has_another_queue(tracked, movie_writer, tmp_path):
    assert tracked.session.reviewing.ranked
    tracked.open(movie_writer(tmp_path / "other.tif", seed=5))
    settle(tracked)
    assert tracked.session.reviewing.ranked == []
    tracked.session.close_movie()
    assert tracked.session.reviewing.text == ""
