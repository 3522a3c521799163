"""One movie encoded once per session by the real worker, and a check for what is left running."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cellsam_desktop.jobs.encoder_client import EncoderClient
from cellsam_desktop.jobs.post import PostQueue
from cellsam_desktop.jobs.targets import WorkerConfig
from tests.jobs.helpers import LONG, EncodedMovie, Recorder, movie_ref, target, write_movie


@pytest.fixture(scope="session")
def encoded_movie(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> EncodedMovie:
    """Made once by the real worker with the real weights."""
    folder = tmp_path_factory.mktemp("encoded")
    movie = write_movie(folder / "movie.tif", 3)
    config = WorkerConfig("vit_t", "cpu", weights.parent, folder / "embeddings", folder / "decoders", 10**9)
    post = PostQueue()
    client = EncoderClient(post, config)
    said = Recorder(client)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CELLSAM_HOME", str(folder / "home"))
        client.start()
        try:
            client.open_movie(movie_ref(movie))
            client.set_queue([target(t) for t in range(3)])
            assert post.wait_for(lambda: len(said.encoded) == 3 and bool(said.decoders), LONG), client.state
        finally:
            client.stop()
    return EncodedMovie(movie, config, said.keys, said.decoders[0], client.encodes)


@pytest.fixture
def post() -> PostQueue:
    return PostQueue()


@pytest.fixture
def start_client(post: PostQueue) -> Iterator[Callable[..., tuple[EncoderClient, Recorder]]]:
    """Starts clients and stops them at the end."""
    clients = []

    def start(config: WorkerConfig, command: list[str] | None = None) -> tuple[EncoderClient, Recorder]:
        client = EncoderClient(post, config, command)
        clients.append(client)
        said = Recorder(client)
        client.start()
        return client, said

    yield start
    for client in clients:
        client.stop()


@pytest.fixture(autouse=True)
def no_threads_left() -> Iterator[None]:
    """Fail a test that leaves a thread behind (those of a module's own client began before it)."""
    before = set(threading.enumerate())
    yield
    left = [thread.name for thread in set(threading.enumerate()) - before if thread.is_alive()]
    assert not left, f"threads left running: {left}"
