from __future__ import annotations

import pytest

from cellsam_desktop.jobs.at_work import AtWork
from tests.jobs.helpers import target

BATCH = tuple(target(t) for t in (1, 2, 3))


@pytest.fixture
def work() -> AtWork:
    """The first frame took two seconds."""
    work = AtWork()
    work.begin((target(0),), 10.0)
    assert work.progress([target(0)], 11.0) is None
    work.end(target(0), 12.0, encoded=True)
    return work


def test_every_target_of_a_batch_is_under_way(work):
    work.begin(BATCH, 20.0)
    assert [work.progress([one], 23.0) for one in BATCH] == [0.5, 0.5, 0.5]
    assert work.progress([target(9)], 23.0) == 0.0
    assert work.progress([target(9), target(3)], 23.0) == 0.5
    assert work.progress(BATCH, 99.0) == 1.0


def test_a_batch_tells_how_long_one_takes(work):
    work.begin(BATCH, 20.0)
    for number, one in enumerate(BATCH):
        work.end(one, 23.0 + number / 100, encoded=True)
        assert work.targets == BATCH[number + 1 :]
    assert work.progress(BATCH, 23.5) == 0.0
    work.begin((target(4),), 30.0)
    assert work.progress([target(4)], 30.25) == 0.25


def test_what_was_in_the_cache_or_failed_tells_nothing_of_the_time(work):
    work.begin((target(1),), 20.0)
    work.end(target(1), 20.001, encoded=False)
    work.end(target(7), 20.002, encoded=True)
    work.begin((target(2),), 21.0)
    assert work.progress([target(2)], 22.0) == 0.5
