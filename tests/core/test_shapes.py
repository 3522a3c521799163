from __future__ import annotations

import numpy as np
import pytest

from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import disc
from cellsam_desktop.core.shapes import between, crosses, cut_by_line, cut_by_spots


@pytest.mark.parametrize("angle", np.linspace(0, np.pi, 7))
def test_parts_make_the_whole(angle: float):
    mask = disc(20, 15, 9)
    far = 30 * np.cos(angle), 30 * np.sin(angle)
    first, second = cut_by_line(mask, (20.3 - far[0], 15.3 - far[1]), (20.3 + far[0], 15.3 + far[1]))
    assert first.overlap(second) == 0
    assert first.union(second).same_pixels(mask)
    assert first.area >= second.area > mask.area / 3


def test_the_first_click_gets_its_own_part():
    mask = disc(20, 15, 9)
    first, second = cut_by_spots(mask, (27, 15), (13, 15))
    assert first.contains(27, 15)
    assert second.contains(13, 15)
    assert first.union(second).same_pixels(mask)


def test_cuts_that_miss():
    mask = disc(20, 15, 5)
    assert cut_by_line(mask, (0, 0), (0, 40)) is None
    assert cut_by_line(mask, (20, 15), (20, 15)) is None
    assert cut_by_spots(mask, (20, 15), (60, 15)) is None


def test_a_line_crosses_what_lies_between_its_ends():
    mask = disc(20, 15, 5)
    assert crosses(mask, (20, 0), (20, 40))
    assert crosses(mask, (20, 15), (20, 15))
    assert crosses(mask, (20, 0), (20, 11))
    assert not crosses(mask, (20, 0), (20, 8))
    assert not crosses(mask, (0, 0), (0, 40))


def test_the_shape_half_way_lies_and_measures_half_way():
    before, after = disc(10, 10, 4), disc(40, 20, 8)
    half = between(before, after, 0.5)
    assert half.centroid == pytest.approx((25, 15), abs=0.6)
    assert half.area == pytest.approx(np.pi * 6**2, rel=0.1)
    quarter = between(before, after, 0.25)
    assert before.area < quarter.area < half.area


def test_both_ends_are_the_shapes_themselves():
    before, after = disc(10, 10, 4), Mask(3, 3, np.ones((5, 9), np.bool_))
    assert between(before, after, 0.0).same_pixels(before)
    assert between(before, after, 1.0).same_pixels(after)
