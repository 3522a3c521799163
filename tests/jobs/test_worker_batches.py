"""Which targets the worker encodes together: the loop and the cache are real, the encoder only counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.jobs.protocol import Encoded, Failed, Message, OpenMovie, SetQueue, Working
from cellsam_desktop.jobs.worker import Worker
from cellsam_desktop.jobs.worker_model import EncoderLoaded
from cellsam_desktop.sam.embedding_cache import SHAPE, EmbeddingCache
from tests.jobs.helpers import movie_ref, target, write_movie


class Counting:
    """An encoder to which three images together are worth the wait."""

    device = "cuda"
    backend = "pytorch"
    batch = 3

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.trouble: Exception | None = None

    def encode_many(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        self.batches.append(len(images))
        if self.trouble is not None:
            raise self.trouble
        return [np.full(SHAPE, image.mean(), np.float16) for image in images]


@pytest.fixture
def said() -> list[Message]:
    return []


@pytest.fixture
def worker(tmp_path, said) -> Worker:
    """With a movie of eight frames, and what no thread of its own has to load."""
    worker = Worker(said.append)
    worker._cache = EmbeddingCache(tmp_path / "embeddings", 10**9)
    worker._digest = "0" * 64
    worker._handle(OpenMovie(0, movie_ref(write_movie(tmp_path / "movie.tif", 8))))
    yield worker
    worker._handle(OpenMovie(1, None))


def work(worker: Worker) -> None:
    while (waiting := worker._next()) is not None:
        worker._work_on(waiting)


def test_the_first_target_alone_and_the_others_together(worker, said):
    encoder = Counting()
    worker._learn(EncoderLoaded(-1, encoder))
    queue = tuple(target(t) for t in (3, 4, 2, 5, 1, 6))
    worker._handle(SetQueue(0, queue))
    work(worker)
    assert encoder.batches == [1, 3, 2]
    answers = [message for message in said if isinstance(message, Encoded)]
    assert [answer.target for answer in answers] == list(queue)
    for answer in answers:
        frame = worker._render(answer.target).mean()
        assert np.allclose(worker._cache.get(answer.key), frame, rtol=1e-3)


def test_all_targets_of_a_batch_are_told_before_it_is_encoded(worker, said):
    worker._learn(EncoderLoaded(-1, Counting()))
    frames = tuple(target(t) for t in range(4))
    worker._handle(SetQueue(0, frames))
    work(worker)
    told = [message for message in said if isinstance(message, (Working, Encoded))]
    batch = told.index(Working(0, frames[1:]))
    assert [message.target for message in told[batch + 1 :]] == list(frames[1:])


def test_one_by_one_when_that_is_asked(worker):
    encoder = Counting()
    worker._learn(EncoderLoaded(-1, encoder))
    worker._handle(SetQueue(0, tuple(target(t) for t in range(4)), together=False))
    work(worker)
    assert encoder.batches == [1, 1, 1, 1]


def test_what_the_cache_holds_takes_no_place_in_a_batch(worker, said):
    encoder = Counting()
    worker._learn(EncoderLoaded(-1, encoder))
    worker._handle(SetQueue(0, (target(0), target(2))))
    work(worker)
    worker._forget_answers()
    said.clear()
    worker._handle(SetQueue(0, tuple(target(t) for t in range(5))))
    work(worker)
    assert encoder.batches == [1, 1, 3]
    hits = [message.target for message in said if isinstance(message, Encoded) and message.hit]
    assert hits == [target(0), target(2)]


def test_targets_wait_for_the_encoder_and_then_go_together(worker, said):
    worker._handle(SetQueue(0, tuple(target(t) for t in range(4))))
    work(worker)
    assert not any(isinstance(message, Encoded) for message in said)
    assert said[-1] == Working(0, ())
    encoder = Counting()
    worker._learn(EncoderLoaded(-1, encoder))
    work(worker)
    assert encoder.batches == [1, 3]


@pytest.mark.parametrize("trouble", [ModelError("Too little memory."), RuntimeError("CUDA error")])
def test_an_encoder_that_fails_fails_each_target_of_the_batch(worker, said, trouble):
    encoder = Counting()
    worker._learn(EncoderLoaded(-1, encoder))
    encoder.trouble = trouble
    worker._handle(SetQueue(0, tuple(target(t) for t in range(4))))
    work(worker)
    failed = [message for message in said if isinstance(message, Failed)]
    assert [message.target for message in failed] == [target(t) for t in range(4)]
    assert all(str(trouble) in message.sentence for message in failed)


def test_a_frame_outside_the_movie_fails_alone(worker, said):
    encoder = Counting()
    worker._learn(EncoderLoaded(-1, encoder))
    worker._handle(SetQueue(0, (target(0), target(1), target(99), target(2))))
    work(worker)
    assert encoder.batches == [1, 2]
    assert [message.target for message in said if isinstance(message, Failed)] == [target(99)]
