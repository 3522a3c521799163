"""A waist in the middle speaks for a division; a rod, a bend and a waist near an end do not."""

from __future__ import annotations

import numpy as np
import pytest

from cellsam_desktop.analysis.splitting import LEAST_CONFIDENCE, cut, leak_of
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask

PLANE = Region.whole(80, 120)


def rod(waist: float = 0.0, at: float = 0.5) -> Mask:
    """A horizontal rod of 60 x 16 pixels, thinner by ``waist`` at a part of its length."""
    rows, columns = np.mgrid[:80, :120]
    half = 8 * (1 - waist * np.exp(-(((columns - 30 - 60 * at) / 4) ** 2)))
    mask = Mask.from_array((np.abs(rows - 40) < half) & (columns >= 30) & (columns < 90))
    assert mask is not None
    return mask


def looks(mask: Mask):
    """What looks like a cell is in the mask."""

    def evidence(window: Region) -> np.ndarray:
        return np.where(mask.crop(window), 1.0, -1.0).astype(np.float32)

    return evidence


def test_halves_share_the_mask():
    mask = rod(0.6)
    found = cut(mask, PLANE, looks(mask))
    first, second = found.halves
    assert first.overlap(second) == 0
    assert first.union(second).same_pixels(mask)
    assert abs(first.area - second.area) < 0.05 * mask.area
    assert found.waist == pytest.approx(0.55, abs=0.1)
    assert found.off < 0.03


def test_only_a_waist_in_the_middle_is_a_division():
    def confidence(mask: Mask, growth: float = 1.6) -> float:
        return cut(mask, PLANE, looks(mask)).confidence(leak=0.05, growth=growth)

    assert confidence(rod(0.6)) > 0.9
    assert confidence(rod()) < LEAST_CONFIDENCE
    assert confidence(rod(0.6, at=0.32)) < confidence(rod(0.6)) - 0.1
    assert confidence(rod(0.35), growth=0.9) < confidence(rod(0.35), growth=1.9)


def test_two_pieces_are_cut_between_them():
    mask = Mask.from_array(np.logical_and(rod().to_plane(80, 120), np.abs(np.arange(120) - 60) > 4)[:, :])
    found = cut(mask, PLANE, looks(mask))
    assert found.waist > 0.9
    assert sorted(half.region.x0 for half in found.halves) == [30, 65]


def test_what_is_faint_draws_the_cut_and_the_middle_holds_it():
    mask = rod()

    def line(at: int, value: float):
        def evidence(window: Region) -> np.ndarray:
            columns = np.mgrid[window.y0 : window.y1, window.x0 : window.x1][1]
            return np.where(np.abs(columns - at) < 2, value, 1.0).astype(np.float32)

        return evidence

    assert cut(mask, PLANE, line(66, -0.5)).off == pytest.approx(0.1, abs=0.03)
    assert cut(mask, PLANE, line(70, 0.9)).off < 0.06  # hardly fainter than the rest


def test_specks_are_not_cut():
    assert cut(Mask(3, 3, np.ones((4, 4), np.bool_)), PLANE, None) is None


def test_an_answer_that_takes_the_other_half_leaks():
    mask = rod()
    first, second = cut(mask, PLANE, None).halves
    assert leak_of((first, second), (first, second)) == 0
    assert leak_of((first, second), (first, mask)) == 1
    assert leak_of((first, second), (None, second)) == 1
