"""All cells of a frame together: no pixel has two owners."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cellsam_desktop.analysis.asking import Reply
from cellsam_desktop.analysis.joint import Claim, Obstacle, resolve
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import disc, keep_largest
from cellsam_desktop.sam.transforms import InputGeometry

PLANE = Region.whole(256, 256)
GEOMETRY = InputGeometry(PLANE)
EVERYWHERE = Mask(0, 0, np.ones((256, 256), np.bool_))


def claim(number: int, x: float, y: float, radius: float) -> Claim:
    """A round cell whose logits fall from its middle outwards."""
    rows, columns = np.mgrid[:256, :256]
    logits = (radius - np.hypot(rows - y, columns - x)).astype(np.float32)
    expected = disc(x, y, radius)
    assert expected is not None
    return Claim(number, expected, Reply(logits, GEOMETRY, 0.9))


_circles = st.tuples(st.floats(20, 230), st.floats(20, 230), st.floats(3, 40))


@given(st.lists(_circles, min_size=1, max_size=6), _circles, _circles)
def test_masks_are_exclusive_spare_what_is_fixed_and_stay_in_the_domain(circles, fixed, domain):
    forbidden, allowed = disc(*fixed), disc(*domain)
    claims = [claim(i, *circle) for i, circle in enumerate(circles, start=1)]
    found = resolve(claims, PLANE, [Obstacle(forbidden)], allowed)
    masks = [each.mask for each in found if each.mask is not None]
    taken = np.zeros((256, 256), np.intp)
    for mask in masks:
        taken[mask.region.slices] += mask.bits
        assert mask.overlap(forbidden) == 0
        assert mask.overlap(allowed) == mask.area
    assert taken.max() <= 1


def test_contested_pixels_go_to_the_nearer_cell():
    left, right = (each.mask for each in resolve([claim(1, 100, 100, 30), claim(2, 140, 100, 30)], PLANE))
    assert left.region.x1 <= 122
    assert right.region.x0 >= 119


def test_a_cell_whose_pixels_all_belong_to_others_has_none():
    swallowed, whole = claim(1, 100, 100, 5), claim(2, 100, 100, 30)
    assert [each.mask is None for each in resolve([swallowed, whole], PLANE)] == [True, False]
    [nothing] = resolve([swallowed], PLANE, [Obstacle(EVERYWHERE)])
    assert (nothing.pixels, nothing.mask) == (None, None)


def test_a_fixed_mask_bars_all_but_those_it_spares():
    inside, outside = claim(1, 100, 100, 20), claim(2, 200, 100, 20)
    free, lost = resolve([inside, outside], PLANE, [Obstacle(EVERYWHERE, frozenset([1]))])
    assert lost.mask is None
    [alone] = resolve([inside], PLANE)
    assert free.mask.same_pixels(alone.mask)
    corner = disc(110, 100, 5)
    both = [Obstacle(EVERYWHERE, frozenset([1])), Obstacle(corner, frozenset([2]))]
    [cut] = resolve([inside], PLANE, both)
    assert cut.mask.overlap(corner) == 0
    assert cut.mask.same_pixels(keep_largest(alone.mask.subtract(corner)))
