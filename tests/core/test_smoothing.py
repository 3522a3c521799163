import pytest

from cellsam_desktop.core.smoothing import smoothed


def test_a_smoothed_curve_begins_at_its_first_value():
    assert smoothed([4.0, 4.0, 14.0]) == pytest.approx([4.0, 4.0, 7.69], abs=0.01)


def test_it_follows_the_faster_the_more_the_newest_value_counts():
    slow, fast = (smoothed([1.0, 1.0, 0.0, 0.0], share)[-1] for share in (0.05, 0.5))
    assert pytest.approx(fast, abs=0.001) == 0.2
    assert fast < slow < 0.7


def test_nothing_stays_nothing():
    assert smoothed([]) == []
