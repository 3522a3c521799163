"""All cells of a frame together: no pixel has two owners."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cellsam_desktop.analysis.asking import Reply
from cellsam_desktop.analysis.joint import Claim, resolve
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import disc
from cellsam_desktop.sam.transforms import InputGeometry

PLANE = Region.whole(256, 256)
GEOMETRY = InputGeometry(PLANE)


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
    found = resolve(claims, PLANE, [forbidden], allowed)
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
    [nothing] = resolve([swallowed], PLANE, [Mask(0, 0, np.ones((256, 256), np.bool_))])
    assert (nothing.pixels, nothing.mask) == (None, None)
