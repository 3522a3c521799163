"""Answers that come in parts, with the real decoder on real embeddings of a frame and of a crop of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cellsam_desktop import paths
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.curation import questions
from cellsam_desktop.jobs.decode_request import DecodeRequest
from tests.curation.conftest import Desk
from tests.jobs.helpers import CELL, CROP, WHOLE, EncodedMovie, target


@pytest.fixture
def desk_with_decoder(
    encoded_movie: EncodedMovie,
    make_desk: Callable[[], Desk],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    """The movie open, the decoder loaded, nothing encoded; each click wants the crop, then the frame."""
    monkeypatch.setattr(questions, "looks_for", lambda *_: (CROP, WHOLE))
    shutil.copytree(encoded_movie.config.embeddings_dir, paths.embeddings_dir(), dirs_exist_ok=True)
    movie = tmp_path / encoded_movie.movie.name
    shutil.copy(encoded_movie.movie, movie)
    desk = make_desk()
    desk.open(movie)
    desk.settle()
    desk.session.jobs.encoder.decoder_ready.emit(encoded_movie.decoder)
    return desk


@pytest.fixture
def encode(desk_with_decoder: Desk, encoded_movie: EncodedMovie) -> Callable[..., None]:
    """Announces that the frame, or the crop of it, is encoded."""
    encoded = desk_with_decoder.session.jobs.encoder.encoded

    def announce(*, crop: bool = False) -> None:
        what = target(0, CROP) if crop else target(0)
        encoded.emit(what, encoded_movie.crop if crop else encoded_movie.keys[what])

    return announce


@pytest.fixture
def asked(desk_with_decoder: Desk) -> list[DecodeRequest]:
    """The questions that reach the decoder."""
    decoder = desk_with_decoder.session.jobs.decoder
    requests: list[DecodeRequest] = []
    submit = decoder.submit
    decoder.submit = lambda request, done: (requests.append(request), submit(request, done))  # type: ignore[method-assign]
    return requests


def regions(request: DecodeRequest) -> list[object]:
    return [look.geometry.region for look in request.looks]


def masks(desk: Desk) -> list[Mask | None]:
    return [proposal.mask for proposal in desk.session.prompting.proposals]


def test_the_frame_answers_at_once_and_the_crop_refines_it(desk_with_decoder, encode, asked):
    prompting = desk_with_decoder.session.prompting
    encode()
    prompting.add_point(*CELL)
    desk_with_decoder.wait(lambda: prompting.complete)
    assert prompting.looking == WHOLE
    first = prompting.proposals
    encode(crop=True)
    assert not prompting.waiting  # what is on screen stays there meanwhile
    desk_with_decoder.wait(lambda: prompting.proposals is not first)
    assert [regions(request) for request in asked] == [[WHOLE], [CROP, WHOLE]]
    assert desk_with_decoder.session.jobs.decoder.decodes == 2  # the frame's answer was remembered


@pytest.mark.parametrize("act", ["cycle", "paint", "refine"])
def test_nothing_is_replaced_after_the_curator_acted_on_it(desk_with_decoder, encode, asked, act):
    session = desk_with_decoder.session
    encode()
    session.prompting.add_point(*CELL)
    desk_with_decoder.wait(lambda: session.prompting.complete)
    if act == "cycle":
        session.prompting.cycle(1)
    elif act == "paint":
        session.painting.stroke([CELL], 3, erase=True)
    else:
        session.prompting.add_point(5, 5, positive=False)
        desk_with_decoder.wait(lambda: session.prompting.complete)
    questions_before, seen = len(asked), masks(desk_with_decoder)
    encode(crop=True)
    assert len(asked) == questions_before
    assert masks(desk_with_decoder) == seen
    assert session.prompting.decided is (act != "refine")


def test_zooming_in_replaces_nothing(desk_with_decoder, encode, asked, monkeypatch):
    session = desk_with_decoder.session
    monkeypatch.setattr(questions, "looks_for", lambda *given: (CROP,) if given[-1] else (WHOLE,))
    encode()
    encode(crop=True)
    session.prompting.add_point(*CELL)
    desk_with_decoder.wait(lambda: session.prompting.complete)
    seen = masks(desk_with_decoder)
    session.view.set(viewport=(40.0, 30.0, 90.0, 70.0))
    assert session.questions.wanted(session.prompting.step) == (CROP,)
    assert [regions(request) for request in asked] == [[WHOLE]]
    assert masks(desk_with_decoder) == seen


def test_accepting_takes_what_is_on_screen(desk_with_decoder, encode, asked):
    session = desk_with_decoder.session
    encode()
    session.prompting.add_point(*CELL)
    desk_with_decoder.wait(lambda: session.prompting.complete)
    seen = session.prompting.proposal.mask
    encode(crop=True)
    session.prompting.accept()
    desk_with_decoder.wait(lambda: not session.jobs.decoder._box._click)
    assert session.movie.document.record(1, session.view.key).mask is seen
    assert session.prompting.proposals == ()


def test_refining_stays_in_the_look_unless_a_click_falls_outside(desk_with_decoder, encode, asked):
    session = desk_with_decoder.session
    encode(crop=True)
    session.prompting.add_point(*CELL)
    desk_with_decoder.wait(lambda: session.prompting.complete)
    logits = session.prompting.proposal.logits
    encode()
    session.prompting.add_point(CELL[0] + 3, CELL[1])
    desk_with_decoder.wait(lambda: session.prompting.complete)
    assert regions(asked[-1]) == [CROP]
    assert asked[-1].hint is logits
    session.prompting.add_point(2, 2, positive=False)
    desk_with_decoder.wait(lambda: session.prompting.complete)
    assert regions(asked[-1]) == [CROP, WHOLE]
    assert asked[-1].hint is None


def test_a_click_where_the_mouse_rests_is_answered_in_the_same_moment(desk_with_decoder, encode):
    session = desk_with_decoder.session
    encode()
    session.prompting.hover_at(*CELL)
    desk_with_decoder.wait(lambda: session.prompting.hover is not None)
    hovered = session.prompting.hover
    session.prompting.add_point(*CELL)
    assert session.prompting.proposals == (hovered,)
    assert not session.prompting.complete
    desk_with_decoder.wait(lambda: session.prompting.complete)
    assert session.prompting.proposal.mask is hovered.mask
    assert session.jobs.decoder.decodes == 1


def test_a_mouse_at_rest_gets_the_better_mask_when_the_crop_comes(desk_with_decoder, encode):
    session = desk_with_decoder.session
    encode()
    session.prompting.hover_at(*CELL)
    desk_with_decoder.wait(lambda: session.prompting.hover is not None)
    assert session.prompting.looking == WHOLE
    encode(crop=True)
    desk_with_decoder.wait(lambda: session.jobs.decoder.decodes == 2)
    session.prompting.hover_leave()
    encode(crop=True)
    assert session.prompting.hover is None


def test_a_candidate_chosen_too_early_is_chosen_when_it_comes(desk_with_decoder, encode):
    session = desk_with_decoder.session
    encode()
    session.prompting.hover_at(*CELL)
    desk_with_decoder.wait(lambda: session.prompting.hover is not None)
    session.prompting.add_point(*CELL)
    session.prompting.cycle(1)
    assert session.prompting.candidate == 0
    desk_with_decoder.wait(lambda: session.prompting.complete)
    assert session.prompting.candidate == 1
    assert session.prompting.decided


def test_the_reference_mode_asks_the_whole_frame_and_knows_nothing(desk_with_decoder, encode, asked):
    session = desk_with_decoder.session
    encode()
    encode(crop=True)
    session.prompting.add_point(*CELL)
    desk_with_decoder.wait(lambda: session.prompting.complete)
    session.questions.set_reference_mode(True)
    desk_with_decoder.wait(lambda: session.prompting.complete)
    assert (regions(asked[-1]), asked[-1].mode) == ([WHOLE], "predicted-iou")
    ious = [proposal.predicted_iou for proposal in session.prompting.proposals]
    assert ious == sorted(ious, reverse=True)
