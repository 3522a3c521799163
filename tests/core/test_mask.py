from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask

HEIGHT, WIDTH = 9, 12
PIXELS = HEIGHT * WIDTH


def plane_of(number: int) -> NDArray[np.bool_]:
    """The bits of a number as a plane."""
    data = np.frombuffer(number.to_bytes(-(-PIXELS // 8), "little"), np.uint8)
    return np.unpackbits(data, count=PIXELS).reshape(HEIGHT, WIDTH).astype(np.bool_)


planes = st.integers(1, 2**PIXELS - 1).map(plane_of)
sparse = st.lists(st.tuples(st.integers(0, HEIGHT - 1), st.integers(0, WIDTH - 1)), min_size=1, max_size=4)


def of(plane: NDArray[np.bool_]) -> Mask:
    mask = Mask.from_array(plane)
    assert mask is not None
    return mask


@settings(max_examples=60)
@given(sparse, planes)
def test_operations_agree_with_planes(pixels: list[tuple[int, int]], second: NDArray[np.bool_]):
    first = np.zeros((HEIGHT, WIDTH), np.bool_)
    first[tuple(zip(*pixels, strict=True))] = True
    a, b = of(first), of(second)
    assert np.array_equal(a.to_plane(HEIGHT, WIDTH), first)
    assert a.bits.any(axis=1)[[0, -1]].all()
    assert a.bits.any(axis=0)[[0, -1]].all()
    assert a.area == first.sum()
    rows, columns = np.nonzero(first)
    assert a.centroid == pytest.approx((columns.mean(), rows.mean()))
    assert np.array_equal(a.union(b).to_plane(HEIGHT, WIDTH), first | second)
    assert a.overlap(b) == b.overlap(a) == (first & second).sum()
    assert a.iou(b) == pytest.approx((first & second).sum() / (first | second).sum())
    rest = a.subtract(b)
    assert (rest is None) == (not (first & ~second).any())
    assert rest is None or np.array_equal(rest.to_plane(HEIGHT, WIDTH), first & ~second)
    assert a.same_pixels(b) == np.array_equal(first, second)
    y, x = pixels[0]
    assert a.contains(x + 0.3, y - 0.3)
    assert b.contains(x, y) == second[y, x]


@settings(max_examples=40)
@given(planes, st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 12), st.integers(1, 12))
def test_crop_and_clip(plane: NDArray[np.bool_], y0: int, x0: int, height: int, width: int):
    padded, mask = np.pad(plane, 30), of(plane)
    region = Region(y0, x0, height, width)
    assert np.array_equal(mask.crop(region), padded[y0 + 30 :, x0 + 30 :][:height, :width])
    clipped = mask.clip(height, width)
    expected = plane[:height, :width]
    assert (clipped is None) == (not expected.any())
    if clipped is not None:
        assert np.array_equal(clipped.to_plane(HEIGHT, WIDTH)[:height, :width], expected)
        assert clipped.area == expected.sum()


@settings(max_examples=30)
@given(planes, st.integers(-5, 5), st.integers(-5, 5))
def test_moved_is_the_same_shape_elsewhere(plane: NDArray[np.bool_], dy: int, dx: int):
    mask = of(plane)
    moved = mask.moved(dy, dx)
    shifted = np.roll(np.pad(plane, 5), (dy, dx), (0, 1))
    assert np.array_equal(moved.crop(Region(-5, -5, HEIGHT + 10, WIDTH + 10)), shifted)
    assert moved.area == mask.area
    assert mask.moved(0, 0).same_pixels(mask)


def test_nothing_is_no_mask():
    assert Mask.from_array(np.zeros((3, 4), np.bool_)) is None
    assert Mask.from_array(np.zeros((0, 4), np.bool_)) is None


def test_masks_cannot_be_changed():
    mask = of(np.eye(3, dtype=np.bool_))
    with pytest.raises(ValueError, match="read-only"):
        mask.bits[0, 1] = True
    source = np.ones((4, 4), np.bool_)
    copy = of(source)
    source[0, 0] = False
    assert copy.area == 16


def test_masks_may_lie_anywhere():
    mask = Mask.from_array(np.ones((2, 2), np.bool_), -1, 100)
    assert mask is not None
    assert mask.region == Region(-1, 100, 2, 2)
    assert mask.clip(5, 101) is not None
    assert mask.clip(5, 100) is None
    assert not mask.to_plane(5, 50).any()
    assert not mask.contains(99.4, 0)
