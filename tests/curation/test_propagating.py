"""Carrying cells through a small movie with the real model, without a window."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellsam_desktop.core.edits import AddCell, ChangeCell, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.curation.propagation_run import PropagationRun
from cellsam_desktop.sam.providers import CPU, CUDA
from tests.curation.conftest import Desk
from tests.sam.card import insert_card

FRAMES, HEIGHT, WIDTH, RADIUS = 6, 128, 192, 13
STARTS = ((30, 40), (100, 40), (60, 95))
LONG = 60.0


def centre(cell: int, t: int) -> tuple[int, int]:
    """Every disc moves by two pixels per frame to the right."""
    x, y = STARTS[cell - 1]
    return x + 2 * t, y


def disc(cell: int, t: int) -> Mask:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    x, y = centre(cell, t)
    mask = Mask.from_array((columns - x) ** 2 + (rows - y) ** 2 <= RADIUS**2)
    assert mask is not None
    return mask


def write_discs(file: Path) -> None:
    """Three bright discs that move, uint16, axes TYX."""
    rng = np.random.default_rng(3)
    planes = []
    for t in range(FRAMES):
        plane = rng.normal(300, 20, (HEIGHT, WIDTH))
        for cell in (1, 2, 3):
            plane[disc(cell, t).to_plane(HEIGHT, WIDTH)] += 900
        planes.append(plane.astype(np.uint16))
    tifffile.imwrite(file, np.stack(planes), imagej=True, metadata={"axes": "TYX"})


@pytest.fixture(scope="module")
def open_desk(tmp_path_factory, shared_home):
    """The movie open with its three cells accepted on the first frame, and the encoder at work."""
    file = tmp_path_factory.mktemp("discs") / "discs.tif"
    write_discs(file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CELLSAM_HOME", str(shared_home))
        desk = Desk()
        desk.open(file)
        desk.session.jobs.encoder.start()
        desk.wait(lambda: desk.session.encoding.decoder_path is not None, LONG)
        edits = []
        for cell in (1, 2, 3):
            record = MaskRecord(disc(cell, 0), Source.CLICK)
            edits += [AddCell(Cell(cell)), SetMask(cell, PlaneKey(0), record)]
        assert desk.session.commit("Begin", edits)
        yield desk
        desk.close()


@pytest.fixture
def desk(open_desk):
    """The same movie for all tests, as it was when it was begun."""
    yield open_desk
    session = open_desk.session
    while session.movie.history.undo_name != "Begin":
        session.undo()
    session.view.set(t=0, selection=(), hidden=frozenset())
    session.jobs.decoder.run_later(lambda *_: None).result(LONG)  # until looks are ready, files closed
    open_desk.notices.clear()


def propagate(desk, start) -> None:
    start()
    assert desk.session.propagating.running
    desk.wait(lambda: not desk.session.propagating.running, LONG)
    assert not desk.errors


def test_to_the_next_frame_and_there(desk):
    session = desk.session
    propagate(desk, session.propagating.to_next)
    document = session.movie.document
    assert session.view.t == 1
    for cell in (1, 2, 3):
        record = document.record(cell, PlaneKey(1))
        assert record.mask.iou(disc(cell, 1)) > 0.8
        assert record.source is Source.PROPAGATED
        assert record.decoder == "vit_t"
        assert 0 < record.predicted_iou <= 1.1
    assert "3 cells carried over 1 frame, to frame 2." in desk.texts


def test_to_the_end_is_one_step_of_undo_saved_as_it_goes(desk):
    session = desk.session
    seen = []
    session.jobs.runner.started.connect(lambda job: job.changed.connect(lambda: seen.append(job.fraction)))
    propagate(desk, session.propagating.to_end)
    document = session.movie.document
    assert session.view.t == 0  # many frames: the view stays
    assert [document.frames(cell) for cell in (1, 2, 3)] == [list(range(FRAMES))] * 3
    assert (
        min(document.record(c, PlaneKey(FRAMES - 1)).mask.iou(disc(c, FRAMES - 1)) for c in (1, 2, 3)) > 0.8
    )
    assert any(0 < fraction < 1 for fraction in seen)
    session.undo()
    assert [document.frames(cell) for cell in (1, 2, 3)] == [[0]] * 3
    session.redo()
    assert document.frames(2) == list(range(FRAMES))
    assert not session.unsaved


def test_selected_cells_only_and_what_is_curated_or_locked_stays(desk):
    session = desk.session
    document = session.movie.document
    by_hand = MaskRecord(disc(1, 2), Source.BRUSH)
    assert session.commit("Paint", [SetMask(1, PlaneKey(2), by_hand)])
    assert session.commit("Lock", [ChangeCell(Cell(2, locked=True))])
    session.view.set(selection=(1, 2))
    propagate(desk, lambda: session.propagating.over(0, 3))
    assert document.frames(1) == [0, 1, 2, 3]
    assert document.record(1, PlaneKey(2)) is by_hand
    assert document.frames(2) == [0]
    assert document.frames(3) == [0]


def test_an_eggshell_around_the_cells_is_not_in_their_way(desk):
    session = desk.session
    document = session.movie.document
    shell = MaskRecord(Mask(5, 5, np.ones((HEIGHT - 10, WIDTH - 10), np.bool_)), Source.BRUSH)
    edits = [SetMask(4, PlaneKey(t), shell) for t in (0, 1)]
    assert session.commit("Paint", [AddCell(Cell(4)), *edits])
    session.view.set(hidden=frozenset([4]))
    propagate(desk, session.propagating.to_next)
    assert min(document.record(c, PlaneKey(1)).mask.iou(disc(c, 1)) for c in (1, 2, 3)) > 0.8
    assert document.record(4, PlaneKey(1)) is shell


def test_what_is_accepted_while_its_frame_is_worked_on_stays(desk, monkeypatch):
    session = desk.session
    document = session.movie.document
    by_hand = MaskRecord(disc(1, 1), Source.CLICK)
    answers: list[bool] = []
    commit = PropagationRun._commit

    def accepted_just_before(run, *found):
        if not answers:
            assert session.commit("Accept", [SetMask(1, PlaneKey(1), by_hand)])
        answers.append(commit(run, *found))
        return answers[-1]

    monkeypatch.setattr(PropagationRun, "_commit", accepted_just_before)
    propagate(desk, session.propagating.to_next)
    assert answers == [False, True]
    assert document.record(1, PlaneKey(1)) is by_hand
    assert [document.frames(cell) for cell in (2, 3)] == [[0, 1]] * 2
    assert "2 cells carried over 1 frame, to frame 2." in desk.texts


def test_more_looks_than_the_cache_holds_are_refused(desk, monkeypatch):
    session = desk.session
    monkeypatch.setattr(type(session.jobs.cache), "capacity", 0)
    session.propagating.to_next()
    desk.wait(lambda: not session.propagating.running, LONG)
    [error] = desk.errors
    assert error.startswith("Frame 2 needs 1 look at once, more than the cache for embeddings holds: raise")
    monkeypatch.undo()
    desk.notices.clear()
    propagate(desk, session.propagating.to_next)


def test_backwards(desk):
    session = desk.session
    document = session.movie.document
    assert session.commit("Paint", [SetMask(3, PlaneKey(4), MaskRecord(disc(3, 4), Source.BRUSH))])
    session.navigation.go_to(4)
    propagate(desk, session.propagating.to_previous)
    assert session.view.t == 3
    assert document.frames(3) == [0, 3, 4]
    assert document.record(3, PlaneKey(3)).mask.iou(disc(3, 3)) > 0.8


def test_cancelling_keeps_what_was_done(desk):
    session = desk.session
    document = session.movie.document
    session.propagating.to_end()
    desk.wait(lambda: document.frames(1) != [0], LONG)
    assert session.propagating.cancel()
    desk.wait(lambda: not session.propagating.running)
    done = document.frames(1)
    assert 2 <= len(done) < FRAMES
    assert not desk.errors
    assert any(text.startswith("Cancelled: 3 cells carried") for text in desk.texts)
    session.undo()
    assert document.frames(1) == [0]
    assert not session.propagating.cancel()


def test_undo_on_the_way_ends_it(desk):
    session = desk.session
    document = session.movie.document
    session.propagating.to_end()
    desk.wait(lambda: document.frames(1) != [0], LONG)
    session.undo()
    desk.wait(lambda: not session.propagating.running, LONG)
    assert document.frames(1) == [0]


def test_an_unexpected_error_leaves_the_way_free(desk, monkeypatch):
    def fail(*_: object) -> None:
        raise ZeroDivisionError("of the work")

    session = desk.session
    monkeypatch.setattr(PropagationRun, "work", fail)
    session.propagating.to_next()
    with pytest.raises(ZeroDivisionError, match="of the work"):
        desk.wait(lambda: False)
    assert not session.propagating.running
    monkeypatch.undo()
    propagate(desk, session.propagating.to_next)


def test_a_graphics_card_that_fails_on_the_way_does_not_end_it(desk, monkeypatch):
    session, card = desk.session, insert_card(monkeypatch)
    session.jobs.decoder.load(session.encoding.decoder_path)
    desk.wait(lambda: session.jobs.decoder.provider == CUDA, LONG)
    card.fails.add("decoder.onnx")
    session.propagating.to_end()
    desk.wait(lambda: not session.propagating.running, LONG)
    assert session.jobs.decoder.provider == CPU
    for cell in (1, 2, 3):
        assert session.movie.document.record(cell, PlaneKey(FRAMES - 1)) is not None


def test_what_cannot_be_done_is_said(desk):
    session = desk.session
    session.propagating.to_previous()
    assert desk.texts[-1] == "There is no frame before this one."
    session.view.set(hidden=frozenset((1, 2, 3)))
    session.propagating.to_next()
    assert "no cell on this frame" in desk.texts[-1]
    session.view.set(hidden=frozenset())
    assert session.commit("Lock", [ChangeCell(Cell(i, locked=True)) for i in (1, 2, 3)])
    session.propagating.to_next()
    assert "locked" in desk.texts[-1]
    assert not session.propagating.running


def test_a_hover_is_answered_between_the_slices(desk):
    """While cells are carried, the mouse gets its masks; the batch waits, not the curator."""
    session = desk.session
    answered = []
    session.prompting.hover_changed.connect(lambda: answered.append(session.propagating.running))
    desk.wait(lambda: 0 in session.encoding.encoded_frames, LONG)
    session.propagating.to_end()
    places = count()

    def move_and_see() -> bool:
        x, y = STARTS[0]
        session.prompting.hover_at(x + next(places) % 7 - 3, y)
        return not session.propagating.running

    desk.wait(move_and_see, LONG)
    assert answered.count(True) >= 2
    assert session.movie.document.frames(1) == list(range(FRAMES))


def test_closing_the_movie_ends_it(desk):
    session, file = desk.session, desk.session.movie.info.path
    session.propagating.to_end()
    desk.wait(lambda: session.movie.document.frames(1) != [0], LONG)
    assert session.close_movie()
    desk.wait(lambda: not session.propagating.running)
    assert not desk.errors
    desk.open(file)
    assert session.movie.document.frames(1)[:2] == [0, 1]
    assert session.commit("Begin", [SetMask(i, PlaneKey(1), None) for i in (1, 2, 3)])
