"""Many prompts on the decoder thread: the same answers as at once, and behind whoever waits for a mask."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future

import numpy as np
import pytest

from cellsam_desktop.core.errors import Cancelled
from cellsam_desktop.core.prompts import Point, Prompts
from cellsam_desktop.jobs.batch_decoder import SLICE, QueuedDecoder
from cellsam_desktop.jobs.decode_request import DecodeRequest, DecodeResult, EncodedLook
from cellsam_desktop.jobs.decoder_thread import DecoderThread
from cellsam_desktop.jobs.post import PostQueue
from cellsam_desktop.jobs.waiting import on_main_thread, wait
from cellsam_desktop.sam.decoder import OnnxDecoder, PreparedImage
from cellsam_desktop.sam.embedding_cache import EmbeddingCache
from cellsam_desktop.sam.providers import CPU
from cellsam_desktop.sam.transforms import InputGeometry
from tests.jobs.helpers import CELL, LONG, WHOLE, EncodedMovie, target
from tests.sam.card import Card, insert_card

GEOMETRY = InputGeometry(WHOLE)


@pytest.fixture
def thread(post: PostQueue, encoded_movie: EncodedMovie) -> Iterator[DecoderThread]:
    thread = DecoderThread(post, EmbeddingCache(encoded_movie.config.embeddings_dir, 10**9))
    yield thread
    thread.stop()


@pytest.fixture
def decoder_on_cpu(encoded_movie: EncodedMovie) -> OnnxDecoder:
    """Made before the card is inserted."""
    return OnnxDecoder(encoded_movie.decoder, providers=[CPU])


@pytest.fixture
def card(decoder_on_cpu: OnnxDecoder, monkeypatch: pytest.MonkeyPatch) -> type[Card]:
    return insert_card(monkeypatch)


def never() -> None:
    """Nobody cancels."""


def test_slices_give_the_answers_of_one_batch(thread, encoded_movie):
    thread.load(encoded_movie.decoder)
    prompts = [Prompts((Point(CELL[0] + x, CELL[1]),)) for x in range(2 * SLICE + 1)]
    queued = QueuedDecoder(thread, never)
    look = queued.look(encoded_movie.keys[target(0)])
    assert look is not None
    answers = queued.decode_many(look, GEOMETRY, prompts)
    assert queued.slices == 3
    decoder = OnnxDecoder(encoded_movie.decoder)
    for answer, asked in zip(answers, prompts, strict=True):
        expected = decoder.decode(look, GEOMETRY, asked)
        np.testing.assert_allclose(answer.candidates[0].logits, expected.candidates[0].logits, atol=1e-4)


def test_a_graphics_card_that_fails_at_a_batch_is_replaced_by_the_processor(
    thread, encoded_movie, decoder_on_cpu, card
):
    thread.load(encoded_movie.decoder)
    queued = QueuedDecoder(thread, never)
    look = queued.look(encoded_movie.keys[target(0)])
    card.fails.add("decoder.onnx")
    check_answers(queued, look, decoder_on_cpu)


def test_a_batch_goes_on_when_a_click_has_left_the_graphics_card(
    post, thread, encoded_movie, decoder_on_cpu, card
):
    thread.load(encoded_movie.decoder)
    queued = QueuedDecoder(thread, never)
    look = queued.look(encoded_movie.keys[target(0)])
    card.fails.add("decoder.onnx")
    answered: list[DecodeResult] = []
    click = DecodeRequest((EncodedLook(encoded_movie.keys[target(0)], GEOMETRY),), Prompts((Point(*CELL),)))
    thread.submit(click, answered.append)
    assert post.wait_for(lambda: bool(answered), LONG)
    assert thread.provider == CPU
    check_answers(queued, look, decoder_on_cpu)


def check_answers(queued: QueuedDecoder, look: PreparedImage | None, expected: OnnxDecoder) -> None:
    """The batch of two slices is that of a decoder that was never on a card; with a hint, too."""
    assert look is not None
    prompts = [Prompts((Point(CELL[0] + x, CELL[1]),)) for x in range(SLICE + 1)]
    hints = [None] * SLICE + [np.ones((256, 256), np.float32)]
    answers = queued.decode_many(look, GEOMETRY, prompts, hints)
    for answer, asked, hint in zip(answers, prompts, hints, strict=True):
        there = expected.decode(look.embedding, GEOMETRY, asked, hint)
        np.testing.assert_allclose(answer.candidates[0].logits, there.candidates[0].logits, atol=1e-4)


def test_a_look_that_is_gone_is_none(thread, encoded_movie):
    thread.load(encoded_movie.decoder)
    assert QueuedDecoder(thread, never).look("no such key") is None


def test_clicks_and_hovers_come_before_the_batch(post, thread, encoded_movie):
    order: list[str] = []
    gate = threading.Event()
    thread.load(encoded_movie.decoder)
    held = thread.run_later(lambda *_: gate.wait(LONG))
    later = thread.run_later(lambda *_: order.append("batch"))
    look = EncodedLook(encoded_movie.keys[target(0)], GEOMETRY)
    for name, hover in (("click", False), ("hover", True)):
        request = DecodeRequest((look,), Prompts((Point(*CELL),)), hover=hover)
        thread.submit(request, lambda result, name=name: order.append(name) if result.final else None)
    gate.set()
    wait(held, never)
    wait(later, never)
    assert post.wait_for(lambda: len(order) == 3, LONG)
    assert thread.decodes == 1  # the hover is the click's answer, remembered
    # The batch ran last on the thread; answers reach the main thread a little later, in their order.
    assert [name for name in order if name != "batch"] == ["click", "hover"]


def test_a_mouse_that_never_rests_does_not_keep_the_batch_waiting(post, thread, encoded_movie):
    thread.load(encoded_movie.decoder)
    look = EncodedLook(encoded_movie.keys[target(0)], GEOMETRY)
    request = DecodeRequest((look,), Prompts((Point(*CELL),)), hover=True)
    gate = threading.Event()
    turns: list[int] = []

    def hover(_: object = None) -> None:
        thread.submit(request, lambda _: None)

    held = thread.run_later(lambda *_: gate.wait(LONG))
    # Whatever the thread does next, a hover waits again: as if the mouse never rested.
    real = thread._box.take
    answered: list[int] = []

    def take():
        ticket = real()
        if ticket is not None and len(answered) < 50:
            answered.append(ticket.number)
            thread._box.put(ticket.request, hover=True)
        return ticket

    thread._box.take = take
    hover()
    work = thread.run_later(lambda *_: turns.append(len(answered)))
    gate.set()
    wait(held, never)
    wait(work, never)
    assert turns
    assert turns[0] < 10


def test_errors_come_where_the_result_is_waited_for(thread, encoded_movie):
    thread.load(encoded_movie.decoder)

    def fail(*_: object) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        wait(thread.run_later(fail), never)


def test_waiting_ends_when_it_is_cancelled():
    def cancelled() -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        wait(Future(), cancelled)


def test_a_timeout_of_the_work_is_no_reason_to_wait_on():
    future: Future[None] = Future()
    future.set_exception(TimeoutError("of the work"))
    with pytest.raises(TimeoutError, match="of the work"):
        wait(future, never)


def test_the_main_thread_answers_with_a_value_or_an_error(post):
    value, error = on_main_thread(post, lambda: 3), on_main_thread(post, lambda: [][0])
    post.pump()
    assert wait(value, never) == 3
    with pytest.raises(IndexError):
        wait(error, never)
