from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.jobs import decoder_thread
from cellsam_desktop.jobs.decoder_thread import DecodeRequest, DecodeResult, DecoderThread
from cellsam_desktop.jobs.embedding_cache import EmbeddingCache
from cellsam_desktop.jobs.post import PostQueue
from cellsam_desktop.sam import decoder as sam_decoder
from cellsam_desktop.sam.decoder import OnnxDecoder
from cellsam_desktop.sam.transforms import InputGeometry
from tests.jobs.helpers import CELL, HEIGHT, LONG, RADIUS, WHOLE, WIDTH, EncodedMovie, target

GEOMETRY = InputGeometry(WHOLE)
CLICK = Prompts((Point(*CELL),))


class Heard:
    """Results and sentences, in order."""

    def __init__(self, thread: DecoderThread) -> None:
        self.results: list[DecodeResult] = []
        self.failed: list[str] = []
        self.missing: list[str] = []
        self.loaded: list[str] = []
        thread.failed.connect(self.failed.append)
        thread.missing.connect(self.missing.append)
        thread.loaded.connect(self.loaded.append)


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
    key: str, prompts: Prompts = CLICK, *, hover: bool = False, hint=None, token=None
) -> DecodeRequest:
    return DecodeRequest(key, GEOMETRY, prompts, hint, hover, token)


def test_a_click_on_the_disc_gives_the_disc(post, thread, heard, key, encoded_movie):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    disc = np.hypot(x - CELL[0], y - CELL[1]) <= RADIUS
    thread.submit(request(key, token="mine"), heard.results.append)  # before the decoder is there: it waits
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
    thread.submit(request(key), heard.results.append)
    thread.submit(request(key, hover=True), heard.results.append)
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
    thread.submit(request(key, Prompts((), box), hint=hint), heard.results.append)
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
    thread.submit(request(key, Prompts()), heard.results.append)
    assert post.wait_for(lambda: len(heard.failed) == 2, LONG)
    thread.submit(request(key, hint=np.zeros((3, 3), np.float32)), heard.results.append)
    assert post.wait_for(lambda: len(heard.failed) == 3, LONG)
    assert heard.failed[2].startswith("The mask could not be computed (")
    thread.submit(request(key), heard.results.append)
    assert post.wait_for(lambda: len(heard.results) == 1, LONG)


def test_an_embedding_that_is_gone_is_reported(post, thread, heard, encoded_movie):
    thread.load(encoded_movie.decoder)
    thread.submit(request("no such key"), heard.results.append)
    assert post.wait_for(lambda: heard.missing == ["no such key"], LONG)
    assert heard.results == []


def test_embeddings_stay_resident_but_only_a_few(post, thread, heard, key, encoded_movie, monkeypatch):
    monkeypatch.setattr(decoder_thread, "_RESIDENT", 2)
    reads: list[str] = []
    real = EmbeddingCache.get
    monkeypatch.setattr(
        EmbeddingCache, "get", lambda self, wanted: (reads.append(wanted), real(self, wanted))[1]
    )
    thread.load(encoded_movie.decoder)
    keys = [encoded_movie.keys[target(t)] for t in (0, 0, 1, 2, 2, 0)]
    for number, wanted in enumerate(keys, start=1):
        thread.submit(request(wanted), heard.results.append)
        assert post.wait_for(lambda number=number: len(heard.results) == number, LONG), heard.failed
    assert reads == [encoded_movie.keys[target(t)] for t in (0, 1, 2, 0)]


class GatedDecoder:
    """Answers with nothing, one permit for each decode."""

    provider = "gated"
    permits = threading.Semaphore(0)
    begun: list[Point] = []

    def __init__(self, onnx) -> None:
        pass

    def decode(self, embedding, geometry, prompts, hint=None):
        if geometry.region == Region.whole(1024, 1024):  # the warm-up
            return sam_decoder.Answer(())
        type(self).begun.append(prompts.points[0])
        type(self).permits.acquire()
        return sam_decoder.Answer(())


@pytest.fixture
def gated(monkeypatch) -> Iterator[type[GatedDecoder]]:
    GatedDecoder.permits, GatedDecoder.begun = threading.Semaphore(0), []
    monkeypatch.setattr(sam_decoder, "OnnxDecoder", GatedDecoder)
    yield GatedDecoder
    GatedDecoder.permits.release(1000)


def test_the_newest_click_wins(post, thread, heard, key, encoded_movie, gated):
    thread.load(encoded_movie.decoder)
    for x in range(5):
        thread.submit(request(key, Prompts((Point(x, 0),))), heard.results.append)
        assert post.wait_for(lambda: len(gated.begun) == 1, 5)
    gated.permits.release(10)
    assert post.wait_for(lambda: bool(heard.results), 5)
    # The first was under way and came too late, those in between were never begun.
    assert [point.x for point in gated.begun] == [0, 4]
    assert [result.request.prompts.points[0].x for result in heard.results] == [4]
    assert thread.dropped == 4


def test_hovers_never_drop_a_click_that_waits(post, thread, heard, key, encoded_movie, gated):
    thread.load(encoded_movie.decoder)
    thread.submit(request(key, Prompts((Point(0, 0),)), hover=True), heard.results.append)
    assert post.wait_for(lambda: len(gated.begun) == 1, 5)
    thread.submit(request(key, Prompts((Point(1, 0),))), heard.results.append)
    for x in range(2, 6):
        thread.submit(request(key, Prompts((Point(x, 0),)), hover=True), heard.results.append)
    gated.permits.release(10)
    assert post.wait_for(lambda: len(heard.results) == 2, 5)
    assert [result.request.prompts.points[0].x for result in heard.results] == [1, 5]
    assert [point.x for point in gated.begun] == [0, 1, 5]


def test_nothing_is_delivered_after_stop_and_stopping_is_quick(post, cache, key, encoded_movie):
    thread = DecoderThread(post, cache)
    heard = Heard(thread)
    thread.load(encoded_movie.decoder)
    assert post.wait_for(lambda: bool(heard.loaded), LONG)
    thread.submit(request(key), heard.results.append)
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
