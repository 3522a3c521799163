"""Clients of the encoder worker, and a check for what is left running."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from cellsam_desktop.jobs.encoder_client import EncoderClient
from cellsam_desktop.jobs.post import PostQueue
from cellsam_desktop.jobs.targets import WorkerConfig
from tests.jobs.helpers import Recorder


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
