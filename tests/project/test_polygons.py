from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellsam_desktop.core.mask import Mask
from cellsam_desktop.project.polygons import mask_of, outline_of


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 12), st.floats(0.1, 0.9))
@settings(max_examples=150, deadline=None)
def test_any_mask_comes_back(seed, height, width, density):
    mask = Mask.from_array(np.random.default_rng(seed).random((height, width)) < density, 7, -3)
    if mask is not None:
        back = mask_of(outline_of(mask))
        assert back is not None
        assert back.same_pixels(mask)


def test_it_comes_back_through_physical_units():
    bits = np.random.default_rng(0).random((20, 30)) < 0.6
    mask = Mask.from_array(bits, 900, 1200)
    assert mask is not None
    scaled = outline_of(mask) * 0.1083
    centre = np.array(mask.centroid) * 0.1083
    back = mask_of(((scaled - centre) + centre) / 0.1083)
    assert back is not None
    assert back.same_pixels(mask)


def test_a_square_has_four_corners():
    outline = outline_of(Mask(2, 5, np.ones((3, 4), np.bool_)))
    assert sorted(map(tuple, outline.tolist())) == [(4.5, 1.5), (4.5, 4.5), (8.5, 1.5), (8.5, 4.5)]


def test_a_slanted_polygon_holds_the_centres_within():
    mask = mask_of([(0.2, 0.2), (6.4, 0.2), (0.2, 6.4)])
    assert mask is not None
    rows, columns = np.mgrid[:8, :8]
    inside = (rows >= 1) & (columns >= 1) & (rows + columns < 6.6)
    assert np.array_equal(mask.to_plane(8, 8), inside)


def test_a_polygon_between_the_centres_is_nothing():
    assert mask_of([(0.1, 0.1), (0.9, 0.1), (0.9, 0.9)]) is None


@pytest.mark.parametrize(
    "points", [[(0, 0), (1, 1)], [(0, 0), (1, np.nan), (2, 0)], [(0, 0), (1e9, 0), (1e9, 1e9)]]
)
def test_what_is_no_polygon_is_refused(points):
    with pytest.raises(ValueError, match="polygon"):
        mask_of(points)
