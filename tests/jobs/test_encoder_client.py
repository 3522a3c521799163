"""One real worker with the real weights, asked by each test for a movie of its own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from cellsam_desktop.core.geometry import PlaneIndex, Region
from cellsam_desktop.images.contrast import Contrast, model_image
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.jobs.encoder_client import EncoderClient
from cellsam_desktop.jobs.post import PostQueue
from cellsam_desktop.jobs.protocol import SetQueue, to_line
from cellsam_desktop.sam.digests import digest
from cellsam_desktop.sam.embedding_cache import FILE_BYTES, EmbeddingCache, embedding_key
from cellsam_desktop.sam.torch_encoder import TorchEncoder
from tests.jobs.helpers import (
    CONTRAST,
    HEIGHT,
    LONG,
    WIDTH,
    EncodedMovie,
    Recorder,
    movie_ref,
    target,
    write_movie,
)


@dataclass(frozen=True)
class Desk:
    """A running worker and everything it says."""

    client: EncoderClient
    post: PostQueue
    said: Recorder
    cache: EmbeddingCache

    def open(self, movie: Path, contrast: Contrast = CONTRAST) -> None:
        self.said.forget()
        self.client.open_movie(movie_ref(movie, contrast))

    def wait_for(self, count: int) -> None:
        """Until so many targets are answered."""
        done = self.post.wait_for(lambda: len(self.said.encoded) + len(self.said.failed) >= count, LONG)
        assert done, (self.client.state, self.said.encoded, self.said.failed)

    def wait_until_idle(self) -> None:
        assert self.post.wait_for(lambda: self.client.state.kind == "idle", LONG), self.client.state


@pytest.fixture(scope="module")
def running(encoded_movie: EncodedMovie, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("client")
    config = replace(encoded_movie.config, embeddings_dir=folder / "embeddings")
    post = PostQueue()
    client = EncoderClient(post, config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CELLSAM_HOME", str(folder / "home"))
        client.start()
    yield Desk(
        client, post, Recorder(client), EmbeddingCache(config.embeddings_dir, config.cache_limit_bytes)
    )
    client.stop()


@pytest.fixture
def desk(running: Desk) -> Iterator[Desk]:
    yield running
    running.client.close_movie()
    running.wait_until_idle()
    running.cache.clear()


def test_the_embedding_is_the_encoders_and_the_key_that_of_the_pixels(desk, weights, tmp_path):
    movie = write_movie(tmp_path / "movie.tif", 1)
    region = Region(10, 20, 60, 70)
    with open_source(movie) as source:
        image = model_image(source.read_plane(PlaneIndex(0)), CONTRAST)[region.slices]
    desk.open(movie)
    desk.client.set_queue([target(0, region)])
    desk.wait_for(1)
    key = desk.said.keys[target(0, region)]
    assert key == embedding_key(image, digest(weights))
    stored = desk.cache.get(key)
    assert stored is not None
    expected = TorchEncoder(weights, "vit_t", "cpu").encode(image)
    np.testing.assert_allclose(stored.astype(np.float32), expected, atol=2e-3)


def test_reopening_a_movie_encodes_nothing(desk, tmp_path):
    movie = write_movie(tmp_path / "movie.tif", 2)
    encodes, hits = desk.client.encodes, desk.client.hits
    queue = [target(t) for t in range(2)]
    desk.open(movie)
    desk.client.set_queue(queue)
    desk.wait_for(2)
    assert (desk.client.encodes - encodes, desk.client.hits - hits) == (2, 0)
    renamed = movie.rename(tmp_path / "renamed.tif")
    desk.client.close_movie()
    desk.open(renamed)
    desk.client.set_queue(queue)
    desk.wait_for(2)
    assert (desk.client.encodes - encodes, desk.client.hits - hits) == (2, 2)
    assert desk.said.encoded == queue


def test_first_things_first_and_each_once(desk, tmp_path):
    desk.open(write_movie(tmp_path / "movie.tif", 3))
    desk.client.set_queue([target(t) for t in (2, 1, 2, 1)])
    desk.wait_for(2)
    desk.client.set_queue([target(t) for t in (1, 2, 0)])  # only one is new
    desk.wait_for(3)
    desk.wait_until_idle()
    assert desk.said.encoded == [target(t) for t in (2, 1, 0)]


def test_a_new_queue_replaces_what_waits(desk, tmp_path):
    desk.open(write_movie(tmp_path / "movie.tif", 8))
    desk.client.set_queue([target(t) for t in range(7)])
    desk.wait_for(1)
    desk.client.set_queue([target(7)])
    assert desk.post.wait_for(lambda: target(7) in desk.said.encoded, LONG)
    desk.wait_until_idle()
    # The one that was being encoded is finished, the others are not begun.
    assert len(desk.said.encoded) <= 4
    assert target(6) not in desk.said.encoded


def test_nothing_is_heard_of_a_closed_movie(desk, weights, tmp_path):
    movie = write_movie(tmp_path / "movie.tif", 3)
    other = write_movie(tmp_path / "other.tif", 1, seed=1)
    desk.open(movie)
    desk.client.set_queue([target(t) for t in range(3)])
    assert desk.post.wait_for(lambda: desk.client.state.kind == "encoding", LONG)
    desk.client.close_movie()
    desk.open(other)
    desk.client.set_queue([target(0)])
    desk.wait_for(1)
    desk.wait_until_idle()
    with open_source(other) as source:
        image = model_image(source.read_plane(PlaneIndex(0)), CONTRAST)
    assert desk.said.keys == {
        target(0): embedding_key(image, digest(desk.client.config.models_dir / "mobile_sam.pt"))
    }


def test_another_contrast_is_another_embedding(desk, tmp_path):
    movie = write_movie(tmp_path / "movie.tif", 1)
    keys = []
    for contrast in (CONTRAST, Contrast(0.0, 500.0), CONTRAST):
        desk.open(movie, contrast)
        desk.client.set_queue([target(0)])
        desk.wait_for(1)
        keys.append(desk.said.keys[target(0)])
    assert keys[0] == keys[2] != keys[1]


def test_an_evicted_embedding_is_encoded_again(desk, tmp_path):
    desk.open(write_movie(tmp_path / "movie.tif", 1))
    desk.client.set_queue([target(0)])
    desk.wait_for(1)
    encodes = desk.client.encodes
    desk.cache.clear()
    desk.client.set_queue([target(0)])
    desk.wait_for(2)
    assert desk.said.encoded == [target(0)] * 2
    assert desk.client.encodes == encodes + 1
    assert desk.cache.has(desk.said.keys[target(0)])


def test_a_movie_that_cannot_be_opened_fails_its_targets_only(desk, tmp_path):
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0 no more than that")
    desk.open(broken)
    desk.client.set_queue([target(0), target(1)])
    desk.wait_for(2)
    assert list(desk.said.failed) == [target(0), target(1)]
    assert all("broken.tif" in sentence for sentence in desk.said.failed.values())
    desk.open(write_movie(tmp_path / "movie.tif", 1))
    desk.client.set_queue([target(9), target(0, Region(0, 0, HEIGHT + 1, WIDTH)), target(0)])
    desk.wait_for(3)
    assert "movie.tif" in desk.said.failed[target(9)]
    assert "reaches beyond" in desk.said.failed[target(0, Region(0, 0, HEIGHT + 1, WIDTH))]
    assert desk.said.encoded == [target(0)]


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_the_main_thread_never_waits_for_a_worker_that_hangs(desk, tmp_path):
    desk.open(write_movie(tmp_path / "movie.tif", 1))
    long_queue = [target(t) for t in range(4000)]
    assert len(to_line(SetQueue(1, tuple(long_queue)))) > 2**16  # more than a pipe holds
    os.kill(desk.client.pid, signal.SIGSTOP)
    try:
        for _ in range(20):  # stepping through a long movie with the key held down
            desk.client.set_queue(long_queue)
        desk.client.set_queue([target(0)])
    finally:
        os.kill(desk.client.pid, signal.SIGCONT)
    desk.wait_for(1)
    desk.wait_until_idle()
    assert desk.said.encoded == [target(0)]
    assert len(desk.said.failed) < 3999  # of the queue that was sent first; the 19 after it never were


def test_a_small_cache_keeps_the_nearest_frames(encoded_movie, start_client, post, tmp_path):
    """No encoder is needed: the embeddings are there, but only two of three are asked for."""
    config = replace(encoded_movie.config, cache_limit_bytes=3 * FILE_BYTES)
    client, said = start_client(config)
    client.open_movie(movie_ref(encoded_movie.movie))
    client.set_queue([target(t) for t in (1, 2, 0)])
    assert post.wait_for(lambda: len(said.encoded) == 2, LONG)
    assert post.wait_for(lambda: "holds 2 frames" in client.state.message, LONG)
    assert said.encoded == [target(1), target(2)]
    client.set_cache_limit(10 * FILE_BYTES)  # takes effect in the running worker
    client.set_queue([target(t) for t in (1, 2, 0)])
    assert post.wait_for(lambda: len(said.encoded) == 3, LONG)
    assert client.config.cache_limit_bytes == 10 * FILE_BYTES


def test_progress_is_that_of_the_target_at_work(desk, tmp_path):
    desk.open(write_movie(tmp_path / "movie.tif", 4, seed=9))
    targets = [target(t) for t in range(4)]
    desk.client.set_queue(targets)
    desk.wait_for(1)
    assert desk.client.progress([target(9)]) == 0.0
    assert desk.post.wait_for(lambda: desk.client.progress(targets) > 0, LONG)
    desk.wait_for(4)
    desk.wait_until_idle()
    assert desk.client.progress(targets) == 0.0
