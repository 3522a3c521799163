"""Shapes and neighbours against scikit-image and against counting pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage import draw, measure

from cellsam_desktop.analysis.neighbours import REACH, neighbour_counts
from cellsam_desktop.analysis.shape import eccentricity, fullness, perimeter
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import disc


def random_mask(seed: int) -> Mask:
    random = np.random.default_rng(seed)
    bits = random.random((random.integers(2, 20), random.integers(2, 20))) < random.uniform(0.2, 0.95)
    bits[0, 0] = True
    return Mask.from_array(bits, int(random.integers(0, 9)), int(random.integers(0, 9)))


@pytest.mark.parametrize("seed", range(25))
def test_as_scikit_image_measures(seed: int):
    mask = random_mask(seed)
    [found] = measure.regionprops(mask.bits.astype(np.uint8))
    assert perimeter(mask) == pytest.approx(measure.perimeter(mask.bits))
    assert eccentricity(mask) == pytest.approx(found.eccentricity, abs=1e-6)


def test_known_shapes():
    assert perimeter(disc(20, 20, 10)) == pytest.approx(2 * math.pi * 10, rel=0.05)
    assert eccentricity(disc(20, 20, 10)) == pytest.approx(0, abs=1e-6)
    bits = np.zeros((60, 60), np.bool_)
    bits[draw.ellipse(30, 30, 10, 20)] = True
    assert eccentricity(Mask.from_array(bits)) == pytest.approx(math.sqrt(1 - 0.25), abs=0.01)
    pixel = Mask(3, 3, np.ones((1, 1), np.bool_))
    assert (perimeter(pixel), eccentricity(pixel)) == (0, 0)
    assert eccentricity(Mask(0, 0, np.ones((1, 9), np.bool_))) == 1


def test_how_full_shapes_are():
    assert fullness(disc(20, 20, 15).bits) == pytest.approx(1, abs=0.01)
    assert fullness(np.ones((5, 30), np.bool_)) == pytest.approx(3 / math.pi)
    assert fullness(np.ones((1, 1), np.bool_)) == pytest.approx(3 / math.pi)
    ring = disc(20, 20, 15).bits.copy()
    ring[5:-5, 5:-5] = False
    pieces = np.zeros((9, 60), np.bool_)
    pieces[:, :9] = pieces[:, -9:] = True
    assert fullness(pieces) < fullness(ring) < 0.8


@pytest.mark.parametrize("seed", range(25))
def test_fullness_as_scikit_image_measures(seed: int):
    mask = random_mask(seed)
    [found] = measure.regionprops(mask.bits.astype(np.uint8))
    # As there, but that a pixel is a square here and a point there.
    moments = [(axis / 4) ** 2 + 1 / 12 for axis in (found.axis_major_length, found.axis_minor_length)]
    ellipse = 4 * math.pi * math.sqrt(math.prod(moments))
    assert fullness(mask.bits) == pytest.approx(mask.area / ellipse, rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_neighbours_are_those_within_reach(seed: int):
    random = np.random.default_rng(seed)
    masks = {
        i: disc(*random.uniform(0, 60, 2), radius)
        for i, radius in enumerate(random.uniform(0, 7, 25), start=1)
    }
    pixels = {i: np.argwhere(mask.bits) + np.array((mask.y0, mask.x0)) for i, mask in masks.items()}

    def near(a: int, b: int) -> bool:
        apart = np.abs(pixels[a][:, None] - pixels[b][None]).max(axis=2)
        return a != b and apart.min() <= REACH

    assert neighbour_counts(masks) == {a: sum(near(a, b) for b in masks) for a in masks}


def test_nobody_has_no_neighbours():
    assert neighbour_counts({}) == {}
    assert neighbour_counts({4: disc(5, 5, 3)}) == {4: 0}
