"""Prompting with the real decoder on a real embedding of a small movie."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import numpy as np
import pytest

from cellsam_desktop import paths
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.prompts import Box, Point
from cellsam_desktop.core.records import Source
from cellsam_desktop.jobs.targets import WorkerState
from tests.curation.conftest import Desk
from tests.jobs.helpers import CELL, HEIGHT, RADIUS, WIDTH, EncodedMovie, target

DISC_AREA = 3.1416 * RADIUS**2


@pytest.fixture
def still(encoded_movie: EncodedMovie, make_desk: Callable[[], Desk], tmp_path) -> Desk:
    """The movie open, no frame encoded as far as the session knows."""
    shutil.copytree(encoded_movie.config.embeddings_dir, paths.embeddings_dir(), dirs_exist_ok=True)
    movie = tmp_path / encoded_movie.movie.name
    shutil.copy(encoded_movie.movie, movie)
    desk = make_desk()
    desk.open(movie)
    desk.settle()
    return desk


@pytest.fixture
def clicker(still: Desk, encoded_movie: EncodedMovie) -> Desk:
    """The movie open and every frame encoded."""
    announce(still, encoded_movie)
    return still


def announce(desk: Desk, encoded: EncodedMovie) -> None:
    """Tell the session what the worker would: the decoder and the embeddings are there."""
    encoder = desk.session.jobs.encoder
    encoder.decoder_ready.emit(encoded.decoder)
    for what, key in encoded.keys.items():
        encoder.encoded.emit(what, key)


def click(desk: Desk, x: float = CELL[0], y: float = CELL[1], *, positive: bool = True) -> None:
    prompting = desk.session.prompting
    prompting.add_point(x, y, positive)
    desk.wait(lambda: prompting.complete)


def test_a_click_proposes_three_candidates_and_the_disc_is_among_them(clicker: Desk) -> None:
    click(clicker)
    prompting = clicker.session.prompting
    assert len(prompting.proposals) == 3
    ious = [proposal.predicted_iou for proposal in prompting.proposals]
    assert ious == sorted(ious, reverse=True)
    areas = [proposal.mask.area for proposal in prompting.proposals if proposal.mask]
    assert any(0.8 * DISC_AREA < area < 1.2 * DISC_AREA for area in areas)
    assert prompting.decode_ms is not None


def test_accepting_makes_a_cell_with_its_provenance(clicker: Desk) -> None:
    click(clicker)
    session = clicker.session
    proposal = session.prompting.proposal
    session.prompting.accept()
    record = session.movie.document.record(1, PlaneKey())
    assert record.mask.same_pixels(proposal.mask)
    assert record.source is Source.CLICK
    assert record.predicted_iou == proposal.predicted_iou
    assert record.prompts.points == (Point(*CELL),)
    assert record.decoder == "vit_t"
    assert session.view.selection == (1,)
    assert session.prompting.prompts.empty


def test_accept_before_the_answer_waits_for_it(clicker: Desk) -> None:
    session = clicker.session
    session.prompting.add_point(*CELL)
    session.prompting.accept()
    assert session.movie.document.cell_ids == []
    clicker.wait(lambda: session.movie.document.cell_ids == [1])


def test_accept_and_next_deselects_so_that_the_next_click_is_a_new_cell(clicker: Desk) -> None:
    session = clicker.session
    click(clicker)
    session.prompting.accept(begin_next=True)
    session.navigation.step(1)
    clicker.settle()
    click(clicker)
    assert session.prompting.target is None
    session.prompting.accept()
    assert session.movie.document.cell_ids == [1, 2]


def test_a_click_in_the_next_frame_continues_the_selected_cell(clicker: Desk) -> None:
    session = clicker.session
    click(clicker)
    session.prompting.accept()
    session.navigation.step(1)
    clicker.settle()
    click(clicker)
    assert session.prompting.target == 1
    session.prompting.accept()
    assert session.movie.document.cell_ids == [1]
    assert session.movie.document.frames(1) == [0, 1]


def test_clicking_again_on_the_same_frame_begins_a_new_cell(clicker: Desk) -> None:
    session = clicker.session
    click(clicker)
    session.prompting.accept()
    click(clicker, 10, 10)
    assert session.prompting.target is None


def test_candidates_cycle_both_ways(clicker: Desk) -> None:
    click(clicker)
    prompting = clicker.session.prompting
    first, last = prompting.proposals[0], prompting.proposals[2]
    prompting.cycle(-1)
    assert prompting.proposal is last
    prompting.cycle(1)
    assert prompting.proposal is first


def test_the_last_logits_are_fed_back_when_a_point_is_added(clicker: Desk) -> None:
    session, asked = clicker.session, []
    submit = session.jobs.decoder.submit
    session.jobs.decoder.submit = lambda request, done: (asked.append(request), submit(request, done))
    click(clicker)
    logits = session.prompting.proposal.logits
    click(clicker, 5, 5, positive=False)
    assert asked[0].hint is None
    assert asked[1].hint is logits
    session.prompting.remove_last()
    clicker.wait(lambda: session.prompting.complete)
    assert asked[2].hint is None
    assert session.prompting.prompts.points == (Point(*CELL),)


def test_box_and_points_combine_and_the_source_says_box_without_points(clicker: Desk) -> None:
    session = clicker.session
    x, y = CELL
    session.prompting.set_box(Box(x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS))
    clicker.wait(lambda: session.prompting.complete)
    session.prompting.accept(begin_next=True)
    record = session.movie.document.record(1, PlaneKey())
    assert record.source is Source.BOX
    assert record.mask.area == pytest.approx(DISC_AREA, rel=0.1)
    session.prompting.set_box(Box(-50, -50, 500, 500))
    assert session.prompting.prompts.box == Box(0, 0, WIDTH - 1, HEIGHT - 1)
    click(clicker)
    assert session.prompting.prompts.box is not None
    assert len(session.prompting.prompts.points) == 1


def test_hover_shows_a_mask_and_never_becomes_a_prompt(clicker: Desk) -> None:
    prompting, changes, hovers = clicker.session.prompting, [], []
    prompting.changed.connect(lambda: changes.append(1))
    prompting.hover_changed.connect(lambda: hovers.append(1))
    prompting.hover_at(*CELL)
    clicker.wait(lambda: prompting.hover is not None)
    assert hovers
    assert not changes  # so that the mouse costs no look at all the actions
    assert prompting.prompts.empty
    assert prompting.proposal is None
    prompting.accept()
    assert clicker.session.movie.document.cell_ids == []
    prompting.hover_at(-3, 5)
    assert prompting.hover is None


def test_a_click_outside_the_image_is_no_prompt(clicker: Desk) -> None:
    for x, y in [(-1, 5), (WIDTH, 5), (5, -1), (5, HEIGHT)]:
        clicker.session.prompting.add_point(x, y)
    clicker.session.prompting.set_box(Box(-20, -20, -5, -5))
    assert clicker.session.prompting.prompts.empty


def test_a_click_before_the_frame_is_encoded_is_answered_when_it_is(
    still: Desk,
    encoded_movie: EncodedMovie,
) -> None:
    prompting = still.session.prompting
    prompting.hover_at(*CELL)
    prompting.add_point(*CELL)
    assert prompting.waiting
    announce(still, encoded_movie)
    still.wait(lambda: prompting.complete)
    assert prompting.proposal is not None


def test_a_click_says_why_no_mask_will_come_when_the_encoder_is_broken(still: Desk) -> None:
    broken = WorkerState("broken", "", "The encoder keeps stopping: restart the program.")
    still.session.jobs.encoder.state_changed.emit(broken)
    still.session.prompting.add_point(*CELL)
    assert still.texts[-1].startswith("The encoder keeps stopping")
    assert "exporting still work" in still.texts[-1]


def test_an_evicted_embedding_is_asked_for_again(still: Desk, encoded_movie: EncodedMovie) -> None:
    session = still.session
    session.jobs.cache.clear()
    session.prompting.add_point(*CELL)
    announce(still, encoded_movie)
    still.wait(lambda: session.encoding.current_key is None)
    assert session.prompting.waiting
    key = encoded_movie.keys[target(0)]
    session.jobs.cache.put(key, np.load(encoded_movie.config.embeddings_dir / f"{key}.npy"))

    def encode() -> None:
        """As the worker does; again if the decoder has looked for it just before it came."""
        session.jobs.encoder.encoded.emit(target(0), key)

    session.encoding.forgotten.connect(encode)
    encode()
    still.wait(lambda: session.prompting.complete)


def test_stepping_away_and_back_keeps_the_draft(clicker: Desk) -> None:
    session = clicker.session
    click(clicker)
    session.navigation.step(1)
    assert session.prompting.prompts.empty
    session.navigation.step(-1)
    assert session.prompting.prompts.points == (Point(*CELL),)
    clicker.wait(lambda: session.prompting.complete)


def test_refining_reopens_the_prompts_and_replaces_the_mask(clicker: Desk) -> None:
    session = clicker.session
    click(clicker)
    session.prompting.accept()
    session.prompting.refine_selected()
    clicker.wait(lambda: session.prompting.complete)
    assert session.prompting.target == 1
    assert session.prompting.prompts.points == (Point(*CELL),)
    session.prompting.cycle(1)
    other = session.prompting.proposal.mask
    session.prompting.accept()
    assert session.movie.document.cell_ids == [1]
    assert session.movie.document.record(1, PlaneKey()).mask.same_pixels(other)
    session.undo()
    assert not session.movie.document.record(1, PlaneKey()).mask.same_pixels(other)


def test_undoing_the_cell_being_refined_lets_the_draft_make_a_new_one(clicker: Desk) -> None:
    session = clicker.session
    click(clicker)
    session.prompting.accept()
    session.prompting.refine_selected()
    session.undo()
    assert session.prompting.target is None
    clicker.wait(lambda: session.prompting.complete)
    session.prompting.accept()
    assert session.movie.document.cell_ids == [2]


def test_the_brush_corrects_a_proposal_before_it_is_accepted(clicker: Desk) -> None:
    session = clicker.session
    click(clicker)
    before = session.prompting.proposal.mask
    session.painting.stroke([CELL], 4, erase=True)
    assert session.prompting.proposal.mask.area < before.area
    assert session.movie.document.cell_ids == []
    session.editing.fill_holes()
    assert session.prompting.proposal.mask.same_pixels(before)


def test_a_locked_cell_is_not_replaced_and_the_draft_stays(clicker: Desk) -> None:
    session = clicker.session
    click(clicker)
    session.prompting.accept()
    session.editing.set_locked([1], True)
    session.prompting.refine_selected()
    clicker.wait(lambda: session.prompting.complete)
    session.prompting.accept()
    assert "locked" in clicker.texts[-1]
    assert session.prompting.proposal is not None
