from __future__ import annotations

import zlib

import numpy as np
import pytest

from cellsam_desktop.core import packing
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.packing import Kept, pack


def disc(radius: int) -> Mask:
    rows, columns = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    mask = Mask.from_array(rows**2 + columns**2 <= radius**2, 3, 4)
    assert mask is not None
    return mask


def packed(mask: Mask) -> Mask:
    return Mask.from_packed(mask.y0, mask.x0, mask.height, mask.width, mask.packed)


@pytest.mark.parametrize("radius", [1, 2, 7, 40])
def test_a_packed_mask_is_the_same_mask(radius: int):
    mask = disc(radius)
    again = packed(mask)
    assert again.region == mask.region
    assert not again.contains(0, 0)
    assert again.same_pixels(mask)
    assert (again.area, again.centroid) == (mask.area, mask.centroid)
    with pytest.raises(ValueError, match="read-only"):
        again.bits[0, 0] = True


def test_pixels_are_unpacked_when_they_are_asked_for_and_once():
    mask = packed(disc(5))
    before = packing.kept.unpacked
    assert mask.region.height == 11
    assert not mask.contains(300, 4)
    assert packing.kept.unpacked == before
    assert mask.contains(9, 8)
    assert mask.area == mask.bits.sum()
    assert packing.kept.unpacked == before + 1


def test_what_was_let_go_comes_back():
    mask = disc(6)
    bits = mask.bits
    mask.let_go()
    assert mask.bits is bits, "without a compact form the pixels must stay"
    assert mask.packed
    mask.let_go()
    assert mask.bits is not bits
    assert np.array_equal(mask.bits, bits)


def test_a_moved_mask_shares_the_pixels_in_both_forms():
    mask = packed(disc(6))
    before = packing.kept.unpacked
    far = mask.moved(-9, 20)
    assert (far.y0, far.x0, far.height, far.width) == (mask.y0 - 9, mask.x0 + 20, 13, 13)
    assert far.packed is mask.packed
    assert packing.kept.unpacked == before, "moving looks at no pixel"
    bits = mask.bits
    assert mask.moved(1, 1).bits is bits


class Owner:
    """Counts how often it had to let go."""

    def __init__(self) -> None:
        self.gone = 0

    def let_go(self) -> None:
        self.gone += 1


def test_the_oldest_are_let_go_beyond_the_limit():
    kept, owners = Kept(limit=3000), [Owner() for _ in range(8)]
    for owner in owners:
        kept.add(owner, 500)
    assert [owner.gone for owner in owners] == [1] * 4 + [0] * 4


@pytest.mark.parametrize(
    "damaged",
    [b"", b"nonsense", pack(np.ones((9, 9), np.bool_)), zlib.compress(b""), zlib.compress(b"12345")],
)
def test_damage_is_found_without_unpacking(damaged: bytes):
    with pytest.raises((ValueError, zlib.error)):
        packing.check(damaged, 4, 6)
    with pytest.raises((ValueError, zlib.error)):
        packing.unpack(damaged, 4, 6)


@pytest.mark.parametrize(("height", "width"), [(0, 8), (8, 0), (-1, -8)])
def test_boxes_without_pixels_are_refused(height: int, width: int):
    with pytest.raises(ValueError, match="pixels"):
        packing.check(zlib.compress(b""), height, width)
