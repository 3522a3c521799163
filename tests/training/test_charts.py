import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellsam_desktop.core.mask import Mask
from training.charts import Curve, chart, ticks
from training.pictures import TRUTH, cell_picture, in_a_row, png


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_and_within(low, length):
    high = low + length
    if not high > low:
        return
    found = ticks(low, high)
    room = 1e-6 * max(abs(low), abs(high), length)
    assert 1 <= len(found) <= 6
    assert low - room <= found[0] <= found[-1] <= high + room


def test_a_chart_is_sound_and_stays_inside():
    rng = np.random.default_rng(0)
    curves = [Curve(f"<{n}>", "after", list(enumerate(rng.normal(0, 9, 30))), marks=n > 0) for n in range(2)]
    drawn = ElementTree.fromstring(chart(curves, "step", "loss & more"))
    assert "<0>, <1>" in drawn.get("aria-label", "")
    lines = [element for element in drawn if element.tag == "polyline"]
    assert len(lines) == 2
    places = np.array([place.split(",") for line in lines for place in line.get("points").split()], float)
    assert (places.min(axis=0) >= 0).all()
    assert (places.max(axis=0) <= [420, 230]).all()
    assert len(drawn.findall("circle")) == 30


@pytest.mark.parametrize("points", [[], [(3.0, 0.5)], [(3.0, 0.5), (3.0, 0.5)]])
def test_hardly_any_points_are_no_trouble(points):
    drawn = chart([Curve("few", "after", points)], "step", "IoU")
    assert drawn.count("<circle") == (1 if len(points) == 1 else 0)
    assert bool(drawn) is bool(points)


def test_a_cell_at_the_border_is_shown_with_black_beyond():
    image = np.full((40, 40, 3), 200, np.uint8)
    truth = Mask(0, 0, np.ones((10, 10), bool))
    picture = cell_picture(image, truth, truth, TRUTH, side=64)
    assert picture.shape == (64, 64, 3)
    assert not picture[:4, :4].any()
    assert tuple(picture[picture.shape[0] // 2, picture.shape[1] // 2]) != (200, 200, 200)
    assert (cell_picture(image, truth, None, TRUTH, side=64)[32, 32] == 200).all()


def test_pictures_stand_side_by_side():
    row = in_a_row([np.zeros((8, 8, 3), np.uint8)] * 3, gap=2)
    assert row.shape == (8, 28, 4)
    assert set(row[0, :, 3]) == {0, 255}
    assert png(row).startswith(b"\x89PNG")
