"""What a client makes of a worker that encodes several frames together."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cellsam_desktop.jobs.targets import WorkerConfig
from tests.jobs.helpers import LONG, movie_ref, target, write_movie

COMMAND = [sys.executable, "-m", "tests.jobs.batching_worker"]
FRAMES = [target(t) for t in range(4)]


@pytest.fixture
def config(tmp_path: Path) -> WorkerConfig:
    folders = [tmp_path / name for name in ("models", "embeddings", "decoders")]
    return WorkerConfig("vit_t", "cuda", *folders, 10**9)


def test_all_frames_of_a_batch_are_being_encoded(config, start_client, post, tmp_path):
    client, said = start_client(config, [*COMMAND, "steady"])
    client.open_movie(movie_ref(write_movie(tmp_path / "movie.tif", 4)))
    client.set_queue(FRAMES)
    assert post.wait_for(lambda: said.encoded == FRAMES[:1], LONG), client.state
    assert post.wait_for(lambda: all(client.progress([frame]) for frame in FRAMES[1:]), LONG), client.state
    assert client.progress(FRAMES[:1]) == 0.0
    assert post.wait_for(lambda: said.encoded == FRAMES, LONG), client.state
    assert client.progress(FRAMES) == 0.0


def test_after_a_crash_of_a_batch_its_frames_are_encoded_one_by_one(config, start_client, post, tmp_path):
    client, said = start_client(config, [*COMMAND, "fragile"])
    client.open_movie(movie_ref(write_movie(tmp_path / "movie.tif", 4)))
    client.set_queue(FRAMES)
    assert post.wait_for(lambda: set(FRAMES) <= set(said.encoded), LONG), (client.state, said.failed)
    assert not said.failed
    assert said.states.count("starting") == 2
