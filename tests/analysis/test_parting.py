"""A pair with a gap between its halves has parted; one cut through the middle of a rod has not."""

from __future__ import annotations

import numpy as np
import pytest

from cellsam_desktop.analysis.parting import parting
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask

PLANE = Region.whole(80, 120)


def half(begin: int, end: int, *, pointed: bool = False) -> Mask:
    """A horizontal piece of a rod, 16 pixels high, ``pointed`` towards the middle at column 60."""
    rows, columns = np.mgrid[:80, :120]
    high = np.minimum(8, np.abs(columns - 59.5) + 1) if pointed else 8
    mask = Mask.from_array((np.abs(rows - 40) < high) & (columns >= begin) & (columns < end))
    assert mask is not None
    return mask


def evidence(*masks: Mask):
    """What looks like a cell is in the masks."""

    def looks(window: Region) -> np.ndarray:
        inside = np.logical_or.reduce([mask.crop(window) for mask in masks])
        return np.where(inside, 1.0, -1.0).astype(np.float32)

    return looks


@pytest.mark.parametrize("swapped", [False, True])
def test_halves_of_one_rod_have_not_parted(swapped: bool):
    pair = half(30, 60), half(60, 90)
    pair = pair[::-1] if swapped else pair
    assert parting(*pair, PLANE, evidence(*pair)) < 0.01


@pytest.mark.parametrize(
    "pair", [(half(30, 58), half(62, 90)), (half(30, 60, pointed=True), half(60, 90, pointed=True))]
)
def test_a_gap_or_a_deep_waist_is_a_parting(pair: tuple[Mask, Mask]):
    assert parting(*pair, PLANE, evidence(*pair)) > 0.5


def test_a_waist_that_looks_like_a_cell_is_none():
    """Two masks with a gap between them, where the image shows one cell."""
    assert parting(half(30, 58), half(62, 90), PLANE, evidence(half(30, 90))) < 0.01


def piece(y0: int, y1: int, x0: int, x1: int) -> Mask:
    """A rectangle."""
    return Mask(y0, x0, np.ones((y1 - y0, x1 - x0), np.bool_))


def test_daughters_that_slid_past_each_other_have_parted():
    """They touch with their flanks near the ends; no line across the long axis runs between them."""
    pair = piece(26, 40, 30, 66), piece(40, 54, 54, 90)
    assert parting(*pair, PLANE, evidence(*pair)) > 0.5


def test_a_rod_that_was_cut_lengthwise_has_not_parted():
    pair = piece(32, 40, 30, 90), piece(40, 48, 30, 90)
    assert parting(*pair, PLANE, evidence(*pair)) < 0.01


def test_masks_around_the_same_middle_are_measured_all_the_same():
    ring = piece(30, 50, 40, 80).subtract(piece(35, 45, 50, 70))
    pair = ring, piece(35, 45, 50, 70)
    assert 0 <= parting(*pair, PLANE, evidence(*pair)) < 0.01
