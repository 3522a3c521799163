"""Waiting for leisure, with real threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cellsam_desktop.jobs.leisure import Dismissed, Leisure


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


def test_waits_until_leisure_has_lasted(pool):
    leisure = Leisure()
    waiting = pool.submit(leisure.wait, 0.2)
    leisure.begin()
    time.sleep(0.1)
    leisure.end()
    leisure.begin()  # and only from here on it lasts
    begun = time.monotonic()
    waiting.result(5)
    assert time.monotonic() - begun > 0.15


def test_begins_once(pool):
    leisure = Leisure()
    leisure.begin()
    time.sleep(0.05)
    leisure.begin()
    pool.submit(leisure.wait, 0.05).result(5)
    assert not leisure._closed


def test_who_waits_is_dismissed(pool):
    leisure = Leisure()
    waiting = pool.submit(leisure.wait)
    threading.Timer(0.05, leisure.close).start()
    with pytest.raises(Dismissed):
        waiting.result(5)
    leisure.begin()
    with pytest.raises(Dismissed):
        leisure.wait()
