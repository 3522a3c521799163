from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.measure import points_in_poly

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import (
    covered,
    disc,
    fill_holes,
    grow,
    keep_largest,
    polygon,
    shrink,
    stroke,
)

HEIGHT, WIDTH = 24, 32


def blobs(seed: int) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(HEIGHT, WIDTH)), 2)
    return noise > 0.05


def of(plane: np.ndarray) -> Mask:
    mask = Mask.from_array(plane)
    assert mask is not None
    return mask


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("pixels", [1, 3])
def test_grow_and_shrink_as_on_the_whole_plane(seed: int, pixels: int):
    plane = blobs(seed)
    grown = grow(of(plane), HEIGHT, WIDTH, pixels)
    assert np.array_equal(grown.to_plane(HEIGHT, WIDTH), ndimage.binary_dilation(plane, iterations=pixels))
    shrunk = shrink(of(plane), pixels)
    expected = ndimage.binary_erosion(plane, iterations=pixels)
    assert (shrunk is None) == (not expected.any())
    assert shrunk is None or np.array_equal(shrunk.to_plane(HEIGHT, WIDTH), expected)


@pytest.mark.parametrize("seed", range(8))
def test_fill_and_keep_largest(seed: int):
    plane = blobs(seed)
    filled = fill_holes(of(plane)).to_plane(HEIGHT, WIDTH)
    assert np.array_equal(filled, ndimage.binary_fill_holes(plane))
    labels, count = ndimage.label(plane)
    largest = keep_largest(of(plane)).to_plane(HEIGHT, WIDTH)
    assert largest.sum() == max(np.count_nonzero(labels == i) for i in range(1, count + 1))
    assert ndimage.label(largest)[1] == 1
    assert not np.any(largest & ~plane)


def test_growing_stops_at_the_border():
    grown = grow(Mask(0, 0, np.ones((2, 2), np.bool_)), 3, 4, pixels=9)
    assert grown.area == 12


def test_shrinking_away_gives_nothing():
    assert shrink(Mask(3, 3, np.ones((2, 2), np.bool_))) is None


def test_a_mask_in_one_piece_is_kept_as_it_is():
    mask = Mask(3, 3, np.ones((2, 2), np.bool_))
    assert keep_largest(mask) is mask


places = st.floats(0, 30, allow_nan=False)


@settings(max_examples=40)
@given(places, places, st.floats(0.1, 8))
def test_disc(x: float, y: float, radius: float):
    rows, columns = np.mgrid[-10:42, -10:42]
    expected = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    expected[round(y) + 10, round(x) + 10] = True
    found = disc(x, y, radius)
    assert found.same_pixels(Mask.from_array(expected, -10, -10))


def test_a_disc_has_at_least_a_pixel():
    assert disc(3.4, 5.6, 0.0).area == 1
    assert disc(3.0, 5.0, 2.0).area == 13
    assert disc(3.0, 5.0, 10.0).centroid == (3.0, 5.0)


@settings(max_examples=15)
@given(st.lists(st.tuples(places, places), min_size=1, max_size=4), st.floats(0.8, 4))
def test_a_stroke_is_everything_near_its_path(points: list[tuple[float, float]], radius: float):
    swept = stroke(points, radius)
    assert swept is not None
    rows, columns = np.mgrid[-8:42, -8:42]
    far = np.full(rows.shape, np.inf)
    for (xa, ya), (xb, yb) in zip(points, points[1:] or points, strict=False):
        for part in np.linspace(0, 1, 100):
            away = np.hypot(columns - xa - part * (xb - xa), rows - ya - part * (yb - ya))
            far = np.minimum(far, away)
    near = far - 0.25  # the path was sampled closer than every half pixel
    plane = swept.crop(Region(-8, -8, *rows.shape))
    assert plane[far <= radius - 1e-6].all()
    nearest = np.zeros_like(plane)
    for x, y in points:
        nearest[round(y) + 8, round(x) + 8] = True
    assert not np.any(plane & (near > radius) & ~nearest)


def test_no_path_no_stroke():
    assert stroke([], 3) is None


def test_polygon_as_scikit_image_draws_it():
    corners = [(3.2, 4.1), (25.3, 6.2), (20.4, 18.7), (12.6, 10.9), (5.1, 19.3)]
    drawn = polygon(corners)
    assert drawn is not None
    pixels = [(x, y) for y in range(HEIGHT) for x in range(WIDTH)]
    expected = points_in_poly(pixels, corners).reshape(HEIGHT, WIDTH)
    assert np.array_equal(drawn.to_plane(HEIGHT, WIDTH), expected)


@pytest.mark.parametrize("seed", range(6))
def test_a_polygon_that_crosses_itself_as_scikit_image_draws_it(seed: int):
    corners = np.random.default_rng(seed).uniform((0, 0), (WIDTH - 1, HEIGHT - 1), (40, 2))
    pixels = [(x, y) for y in range(HEIGHT) for x in range(WIDTH)]
    expected = points_in_poly(pixels, corners).reshape(HEIGHT, WIDTH)
    assert np.array_equal(polygon(corners).to_plane(HEIGHT, WIDTH), expected)


def test_polygons_without_area():
    assert polygon([]) is None
    assert polygon([(1, 1), (5, 5)]) is None
    assert polygon([(1.2, 1.2), (1.3, 1.3), (1.4, 1.2)]) is None


def test_what_several_masks_cover_of_a_window():
    masks = [disc(5, 5, 3), disc(8, 6, 3), disc(100, 100, 4)]
    window = Region(2, 3, 20, 12)
    expected = np.zeros((20, 12), np.bool_)
    for mask in masks:
        expected |= mask.crop(window)
    assert (covered(masks, window) == expected).all()
    assert expected.any()
    assert not covered([], window).any()
