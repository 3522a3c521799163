from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from cellsam_desktop.analysis import looking
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.jobs import prepared_looks
from cellsam_desktop.jobs.decode_request import DecodeRequest, DecodeResult, EncodedLook
from cellsam_desktop.jobs.decoder_thread import DecoderThread
from cellsam_desktop.jobs.post import PostQueue
from cellsam_desktop.sam import steady_decoder
from cellsam_desktop.sam.decoder import Answer, OnnxDecoder
from cellsam_desktop.sam.embedding_cache import EmbeddingCache
from cellsam_desktop.sam.providers import CPU, CUDA
from cellsam_desktop.sam.transforms import InputGeometry
from tests.jobs.helpers import CELL, HEIGHT, LONG, RADIUS, WHOLE, WIDTH, EncodedMovie, target
from tests.sam.card import Card, insert_card

GEOMETRY = InputGeometry(WHOLE)
CLICK = Prompts((Point(*CELL),))


class Heard:
    """Final results, all results, and sentences, in order."""

    def __init__(self, thread: DecoderThread) -> None:
        self.results: list[DecodeResult] = []
        self.parts: list[DecodeResult] = []
        self.failed: list[str] = []
        self.missing: list[str] = []
        self.loaded: list[str] = []
        thread.failed.connect(self.failed.append)
        thread.missing.connect(self.missing.append)
        thread.loaded.connect(self.loaded.append)

    def result(self, result: DecodeResult) -> None:
        self.parts.append(result)
        if result.final:
            self.results.append(result)


@pytest.fixture
def cache(encoded_movie: EncodedMovie) -> EmbeddingCache:
    return EmbeddingCache(encoded_movie.config.embeddings_dir, 10**9)


@pytest.fixture
def thread(post: PostQueue, cache: EmbeddingCache) -> Iterator[DecoderThread]:
    thread = DecoderThread(post, cache)
    yield thread
    thread.stop()


@pytest.fixture
def heard(thread: DecoderThread) -> Heard:
    return Heard(thread)


@pytest.fixture
def key(encoded_movie: EncodedMovie) -> str:
    return encoded_movie.keys[target(1)]


def request(
    *keys: str, prompts: Prompts = CLICK, hover: bool = False, hint=None, token=None
) -> DecodeRequest:
    looks = tuple(EncodedLook(key, GEOMETRY) for key in keys)
    return DecodeRequest(looks, prompts, hint, hover, token=token)


def at(x: float) -> Prompts:
    return Prompts((Point(x, 0),))


def test_a_click_on_the_disc_gives_the_disc(post, thread, heard, key, encoded_movie):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    disc = np.hypot(x - CELL[0], y - CELL[1]) <= RADIUS
    thread.submit(request(key, token="mine"), heard.result)  # before the decoder is there: it waits
    thread.load(encoded_movie.decoder)
    assert post.wait_for(lambda: bool(heard.results), LONG), heard.failed
    result = heard.results[0]
    assert result.request.token == "mine"
    assert heard.loaded == [thread.provider] == ["CPUExecutionProvider"]
    assert len(result.proposals) == 3
    quality = [proposal.predicted_iou for proposal in result.proposals]
    assert quality == sorted(quality, reverse=True)
    assert result.decode_ms > 0

    def iou(mask) -> float:
        plane = mask.to_plane(HEIGHT, WIDTH)
        return (plane & disc).sum() / (plane | disc).sum()

    assert max(iou(proposal.mask) for proposal in result.proposals if proposal.mask) > 0.9
    assert thread.decodes == 1


def test_a_hover_gives_the_best_proposal_of_the_click(post, thread, heard, key, encoded_movie):
    thread.load(encoded_movie.decoder)
    thread.submit(request(key), heard.result)
    thread.submit(request(key, hover=True), heard.result)
    assert post.wait_for(lambda: len(heard.results) == 2, LONG), heard.failed
    clicked, hovered = (result.proposals for result in heard.results)
    assert len(hovered) == 1
    assert hovered[0].mask.same_pixels(clicked[0].mask)


def test_box_and_hint_are_passed_on_and_the_answer_is_the_decoders(
    post, thread, heard, key, cache, encoded_movie
):
    box = Box(CELL[0] - RADIUS, CELL[1] - RADIUS, CELL[0] + RADIUS, CELL[1] + RADIUS)
    hint = np.zeros((256, 256), np.float32)
    hint[80:110, 110:150] = 8
    thread.load(encoded_movie.decoder)
    thread.submit(request(key, prompts=Prompts((), box), hint=hint), heard.result)
    assert post.wait_for(lambda: bool(heard.results), LONG), heard.failed
    expected = OnnxDecoder(encoded_movie.decoder).decode(cache.get(key), GEOMETRY, Prompts((), box), hint)
    for proposal, candidate in zip(heard.results[0].proposals, expected.candidates, strict=True):
        np.testing.assert_allclose(proposal.logits, candidate.logits, atol=1e-4)


def test_an_error_is_one_sentence_and_the_thread_lives_on(post, thread, heard, key, encoded_movie, tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"no graph")
    thread.load(tmp_path / "broken.onnx")
    assert post.wait_for(lambda: len(heard.failed) == 1, LONG)
    assert "broken.onnx" in heard.failed[0]
    thread.load(encoded_movie.decoder)
    thread.submit(request(key, prompts=Prompts()), heard.result)
    assert post.wait_for(lambda: len(heard.failed) == 2, LONG)
    thread.submit(request(key, hint=np.zeros((3, 3), np.float32)), heard.result)
    assert post.wait_for(lambda: len(heard.failed) == 3, LONG)
    assert heard.failed[2].startswith("The mask could not be computed (")
    thread.submit(request(key), heard.result)
    assert post.wait_for(lambda: len(heard.results) == 1, LONG)


def test_an_embedding_that_is_gone_is_reported(post, thread, heard, encoded_movie):
    thread.load(encoded_movie.decoder)
    thread.submit(request("no such key"), heard.result)
    assert post.wait_for(lambda: heard.missing == ["no such key"], LONG)
    assert heard.results == []


def test_prepared_looks_are_bounded_by_their_bytes(post, thread, heard, key, encoded_movie, monkeypatch):
    monkeypatch.setattr(prepared_looks, "RESIDENT_BYTES", 1)  # room for the look in use only
    reads: list[str] = []
    real = EmbeddingCache.get
    monkeypatch.setattr(
        EmbeddingCache, "get", lambda self, wanted: (reads.append(wanted), real(self, wanted))[1]
    )
    thread.load(encoded_movie.decoder)
    keys = [encoded_movie.keys[target(t)] for t in (0, 0, 1, 1, 0)]
    for number, wanted in enumerate(keys, start=1):
        thread.submit(request(wanted), heard.result)
        assert post.wait_for(lambda number=number: len(heard.results) == number, LONG), heard.failed
    assert reads == [encoded_movie.keys[target(t)] for t in (0, 1, 0)]


def test_looks_are_prepared_ahead_when_there_is_nothing_to_answer(
    post, thread, heard, key, encoded_movie, monkeypatch
):
    prepared: list[int] = []
    real = OnnxDecoder.prepare
    monkeypatch.setattr(OnnxDecoder, "prepare", lambda self, e: (prepared.append(e.size), real(self, e))[1])
    thread.load(encoded_movie.decoder)
    assert post.wait_for(lambda: bool(heard.loaded), LONG), heard.failed
    prepared.clear()
    thread.prepare(["gone", key])
    assert post.wait_for(lambda: len(prepared) == 1, LONG)
    thread.submit(request(key), heard.result)
    assert post.wait_for(lambda: bool(heard.results), LONG), heard.failed
    assert (len(prepared), heard.missing) == (1, [])


def test_a_click_where_the_mouse_rests_costs_no_decode(post, thread, heard, key, encoded_movie, monkeypatch):
    measured: list[Point] = []
    real = looking.traits_of
    monkeypatch.setattr(looking, "traits_of", lambda *asked: (measured.append(asked[2]), real(*asked))[1])
    thread.load(encoded_movie.decoder)
    thread.submit(request(key, hover=True), heard.result)
    thread.submit(request(key, hover=True), heard.result)
    assert post.wait_for(lambda: bool(heard.results), LONG), heard.failed
    thread.submit(request(key), heard.result)
    assert post.wait_for(lambda: len(heard.results[-1].proposals) == 3, LONG), heard.failed
    assert thread.decodes == 1
    assert measured == [Point(*CELL)]
    assert heard.results[-1].proposals[0].mask is heard.results[0].proposals[0].mask


def test_the_first_look_is_answered_first_and_then_all_of_them(post, thread, heard, encoded_movie):
    keys = [encoded_movie.keys[target(t)] for t in (0, 1)]
    thread.load(encoded_movie.decoder)
    thread.submit(request(*keys), heard.result)
    assert post.wait_for(lambda: bool(heard.results), LONG), heard.failed
    first, everything = heard.parts
    assert (len(first.proposals), first.final) == (1, False)
    assert len(everything.proposals) == 3
    quality = [proposal.predicted_iou for proposal in everything.proposals]
    assert quality == sorted(quality, reverse=True)
    assert quality[0] >= first.proposals[0].predicted_iou
    assert thread.decodes == 2
    thread.submit(request("gone", keys[1]), heard.result)
    assert post.wait_for(lambda: len(heard.results) == 2, LONG), heard.failed
    assert heard.missing == ["gone"]
    assert thread.decodes == 2


CARD_FAILED = "The graphics card failed, so the processor decodes from now on."


@pytest.fixture
def card(monkeypatch) -> type[Card]:
    return insert_card(monkeypatch)


def test_clicks_are_answered_where_the_graphics_card_never_works(
    post, thread, heard, key, encoded_movie, card
):
    card.fails.add("hint.onnx")
    thread.load(encoded_movie.decoder)
    thread.submit(request(key), heard.result)
    assert post.wait_for(lambda: bool(heard.results), LONG), heard.failed
    assert (heard.loaded, heard.failed) == ([CPU], [])


def test_the_click_at_which_the_graphics_card_fails_is_answered(
    post, thread, heard, key, encoded_movie, card
):
    thread.load(encoded_movie.decoder)
    assert post.wait_for(lambda: heard.loaded == [CUDA], LONG), heard.failed
    card.fails.add("decoder.onnx")
    thread.submit(request(key), heard.result)
    assert post.wait_for(lambda: bool(heard.results), LONG), heard.failed
    assert thread.provider == CPU
    card.fails.clear()
    thread.load(encoded_movie.decoder)  # the card is not trusted any more
    assert post.wait_for(lambda: len(heard.loaded) == 3, LONG), heard.failed
    assert heard.loaded == [CUDA, CPU, CPU]
    assert heard.failed == [CARD_FAILED]


def test_a_batch_at_which_the_graphics_card_fails_is_answered_by_the_processor(
    post, thread, heard, encoded_movie, card
):
    thread.load(encoded_movie.decoder)
    assert post.wait_for(lambda: heard.loaded == [CUDA], LONG), heard.failed
    card.fails.add("decoder.onnx")
    embedding = np.zeros((256, 64, 64), np.float32)

    def batch(decoder: OnnxDecoder, _: object) -> list[Answer]:
        return decoder.decode_many(embedding, GEOMETRY, [CLICK])

    assert len(thread.run_later(batch).result(LONG)) == 1
    assert post.wait_for(lambda: heard.loaded == [CUDA, CPU], LONG)
    assert heard.failed == [CARD_FAILED]


NO_ANSWER = Answer(())


class GatedDecoder:
    """Answers with nothing, one permit for each decode."""

    provider, on_cpu = "gated", True
    permits = threading.Semaphore(0)
    begun: list[Point] = []

    def __init__(self, *_) -> None:
        pass

    def prepare(self, embedding):
        return np.array(embedding)

    def decode(self, embedding, geometry, prompts, hint=None):
        if geometry.region == Region.whole(1024, 1024):  # the warm-up
            return NO_ANSWER
        type(self).begun.append(prompts.points[0])
        type(self).permits.acquire()
        return NO_ANSWER


@pytest.fixture
def gated(monkeypatch) -> Iterator[type[GatedDecoder]]:
    GatedDecoder.permits, GatedDecoder.begun = threading.Semaphore(0), []
    monkeypatch.setattr(steady_decoder, "OnnxDecoder", GatedDecoder)
    yield GatedDecoder
    GatedDecoder.permits.release(1000)


def test_the_newest_click_wins(post, thread, heard, key, encoded_movie, gated):
    thread.load(encoded_movie.decoder)
    for x in range(5):
        thread.submit(request(key, prompts=at(x)), heard.result)
        assert post.wait_for(lambda: len(gated.begun) == 1, 5)
    gated.permits.release(10)
    assert post.wait_for(lambda: bool(heard.results), 5)
    # The first was under way and came too late, those in between were never begun.
    assert [point.x for point in gated.begun] == [0, 4]
    assert [result.request.prompts.points[0].x for result in heard.results] == [4]
    assert thread.dropped == 4


def test_hovers_never_drop_a_click_that_waits(post, thread, heard, key, encoded_movie, gated):
    thread.load(encoded_movie.decoder)
    thread.submit(request(key, prompts=at(0), hover=True), heard.result)
    assert post.wait_for(lambda: len(gated.begun) == 1, 5)
    thread.submit(request(key, prompts=at(1)), heard.result)
    for x in range(2, 6):
        thread.submit(request(key, prompts=at(x), hover=True), heard.result)
    gated.permits.release(10)
    assert post.wait_for(lambda: len(heard.results) == 2, 5)
    assert [result.request.prompts.points[0].x for result in heard.results] == [1, 5]
    assert [point.x for point in gated.begun] == [0, 1, 5]


def test_a_newer_hover_cuts_the_other_looks_short(post, thread, heard, encoded_movie, gated):
    keys = [encoded_movie.keys[target(t)] for t in range(3)]
    thread.load(encoded_movie.decoder)
    thread.submit(request(*keys, prompts=at(0), hover=True), heard.result)
    assert post.wait_for(lambda: len(gated.begun) == 1, 5)
    thread.submit(request(*keys, prompts=at(1), hover=True), heard.result)
    gated.permits.release()
    assert post.wait_for(lambda: len(heard.parts) == 1, 5)
    gated.permits.release(10)
    assert post.wait_for(lambda: len(heard.parts) == 3, 5)
    assert [(part.request.prompts.points[0].x, part.final) for part in heard.parts] == [
        (0, False), (1, False), (1, True),
    ]  # fmt: skip
    assert [point.x for point in gated.begun] == [0, 1, 1, 1]
    assert thread.cut_short == 1
    assert thread.dropped == 0


def test_nothing_is_delivered_after_stop_and_stopping_is_quick(post, cache, key, encoded_movie):
    thread = DecoderThread(post, cache)
    heard = Heard(thread)
    thread.load(encoded_movie.decoder)
    assert post.wait_for(lambda: bool(heard.loaded), LONG)
    thread.submit(request(key), heard.result)
    begun = time.monotonic()
    thread.stop()
    assert time.monotonic() - begun < 1
    post.pump()
    assert heard.results == []


def test_the_windows_side_loads_neither_torch_nor_at_first_onnxruntime():
    program = (
        "import sys\n"
        "import cellsam_desktop.jobs.decoder_thread, cellsam_desktop.jobs.encoder_client\n"
        "import cellsam_desktop.jobs.plane_reader, cellsam_desktop.jobs.runner\n"
        "print(*{'torch', 'onnxruntime', 'PySide6', 'timm'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
