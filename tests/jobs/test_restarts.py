from __future__ import annotations

import itertools

from cellsam_desktop.jobs.restarts import MAX_RESTARTS, WITHIN_S, Restarts


def test_each_pause_is_longer_and_then_it_is_given_up():
    restarts = Restarts()
    delays = [restarts.delay(float(second)) for second in range(MAX_RESTARTS + 1)]
    assert delays[-1] is None
    assert all(0 < before < after for before, after in itertools.pairwise(delays[:-1]))


def test_restarts_long_ago_do_not_count():
    restarts = Restarts()
    for second in range(MAX_RESTARTS):
        restarts.delay(float(second))
    first = Restarts().delay(0.0)
    assert restarts.delay(MAX_RESTARTS + WITHIN_S) == first
