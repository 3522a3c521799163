import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Box, Point
from training.curator import correction, first_prompts


def mask(height, width, *boxes):
    """Rectangles (y0, x0, y1, x1), their ends excluded, on a plane."""
    plane = np.zeros((height, width), bool)
    for y0, x0, y1, x1 in boxes:
        plane[y0:y1, x0:x1] = True
    found = Mask.from_array(plane)
    assert found is not None
    return found


SQUARE = mask(40, 40, (10, 10, 21, 21))


def test_the_first_click_is_in_the_middle_and_the_box_is_tight():
    assert first_prompts("point", SQUARE).points == (Point(15, 15),)
    assert first_prompts("box", SQUARE).box == Box(10, 10, 20, 20)
    with pytest.raises(ValueError, match="no such kind"):
        first_prompts("scribble", SQUARE)


def test_the_largest_error_is_corrected_where_it_is_deepest():
    too_much = mask(40, 40, (10, 10, 21, 21), (13, 21, 18, 26))
    assert correction(SQUARE, too_much) == Point(23, 15, positive=False)
    too_little = mask(40, 40, (10, 10, 21, 14), (10, 14, 14, 21), (17, 14, 21, 21))
    assert correction(SQUARE, too_little) == Point(15, 15, positive=True)


def test_many_small_errors_do_not_outweigh_a_large_one():
    crumbs = [(2 * k, 30, 2 * k + 1, 31) for k in range(20)]
    assert correction(mask(60, 60, (10, 10, 13, 13), *crumbs), mask(60, 60, *crumbs)) == Point(11, 11)


def test_nothing_found_is_clicked_in_the_middle_and_nothing_wrong_is_left_alone():
    assert correction(SQUARE, None) == Point(15, 15)
    assert correction(SQUARE, SQUARE) is None


def test_pixels_that_nobody_judged_are_no_error():
    too_much = mask(40, 40, (10, 10, 21, 28))
    assert correction(SQUARE, too_much, mask(40, 40, (0, 21, 40, 40))) is None


@given(st.data())
def test_a_correction_lies_on_an_error_of_its_kind(data):
    bits = st.lists(st.booleans(), min_size=64, max_size=64)
    truth, found = (Mask.from_array(np.array(data.draw(bits)).reshape(8, 8)) for _ in range(2))
    if truth is None:
        return
    point = correction(truth, found)
    if point is None:
        assert found is not None
        assert found.same_pixels(truth)
    else:
        assert truth.contains(point.x, point.y) is point.positive
        assert (found is not None and found.contains(point.x, point.y)) is not point.positive
