from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellsam_desktop.analysis.knowledge import NOTHING, CellFacts, Knowledge, Pixels, facts_of
from cellsam_desktop.core.mask import Mask

areas = st.lists(st.integers(1, 100_000), min_size=1, max_size=30)


def rectangle(height: int, width: int, y0: int = 0, x0: int = 0) -> Mask:
    return Mask(y0, x0, np.ones((height, width), np.bool_))


def cells(*sizes: int) -> list[CellFacts]:
    return [CellFacts(size, math.sqrt(size), 0.9) for size in sizes]


def test_nothing_is_known_of_nothing():
    assert NOTHING.diameter is None
    assert NOTHING.size is None
    assert Knowledge(taken=[rectangle(3, 3)]).size is None


def test_the_facts_of_a_mask():
    assert facts_of(rectangle(4, 10)) == CellFacts(40, 7.0, pytest.approx(3 / math.pi))


@given(areas, st.randoms())
def test_the_order_of_accepted_cells_does_not_matter(sizes, random):
    shuffled = sizes[:]
    random.shuffle(shuffled)
    one, other = Knowledge(cells(*sizes)), Knowledge(cells(*shuffled))
    assert one.diameter == other.diameter
    assert one.size is not None
    assert other.size is not None
    assert one.size.area.log == other.size.area.log
    assert one.size.area.spread == pytest.approx(other.size.area.spread)


@given(areas)
def test_what_is_expected_lies_among_the_cells(sizes):
    size = Knowledge(cells(*sizes)).size
    assert size is not None
    assert math.log(min(sizes)) - 1e-9 <= size.area.log <= math.log(max(sizes)) + 1e-9
    assert size.area.gap(math.exp(size.area.log)) == pytest.approx(0)
    assert size.area.gap(1.0) <= 1e-9


def test_like_cells_make_sure_and_unlike_cells_unsure():
    spreads = [
        Knowledge(cells(*sizes)).size.area.spread
        for sizes in ([1000] * 40, [1000] * 3, [1000], [500, 1000, 2000], [100, 1000, 10_000])
    ]
    assert spreads == sorted(spreads)
    assert spreads[0] < 0.15
    assert spreads[-1] > 0.9


def test_one_outlier_does_not_mislead():
    assert Knowledge(cells(900, 1000, 1100, 1_000_000)).size.area.log == pytest.approx(
        math.log(1050), abs=0.05
    )


def test_how_full_the_next_cell_will_be():
    rods, stars = [CellFacts(500, 40, 0.95)] * 3, [CellFacts(500, 40, 0.6)] * 3
    expected = Knowledge(rods).fullness
    assert expected is not None
    assert math.exp(expected.log) == pytest.approx(0.95)
    assert abs(expected.gap(0.9)) < 1 < abs(expected.gap(0.6))
    mixed = Knowledge([*rods, *stars]).fullness
    assert mixed.spread > expected.spread
    bent = rectangle(20, 30)
    assert Knowledge(stars, previous=bent).fullness.log == pytest.approx(math.log(facts_of(bent).fullness))
    assert NOTHING.fullness is None


def test_the_cells_own_mask_beside_says_more_than_other_cells():
    knowledge = Knowledge(cells(10_000, 10_000), previous=rectangle(20, 30))
    assert knowledge.size.area.log == pytest.approx(math.log(600))
    assert knowledge.size.area.spread < Knowledge(cells(10_000)).size.area.spread
    assert knowledge.size.extent == 25
    assert Knowledge(previous=rectangle(10, 10)).diameter == pytest.approx(2 * math.sqrt(100 / math.pi))


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), max_size=4))
def test_a_sample_of_pixels_stands_for_all(shapes):
    masks = [rectangle(height, width, 5, 7) for height, width in shapes]
    pixels = Pixels.of(masks)
    assert pixels.count.sum() == pytest.approx(sum(mask.area for mask in masks))
    assert len(pixels.x) == len(pixels.y) == len(pixels.count) <= 800 * len(masks)
    assert np.all((pixels.x >= 7) & (pixels.y >= 5))
