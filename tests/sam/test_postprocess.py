import numpy as np
import pytest
import torch
from scipy import ndimage
from segment_anything.modeling import Sam
from torch import nn

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.sam.postprocess import logits_to_mask, region_logits
from cellsam_desktop.sam.transforms import InputGeometry

SHAPES = [(1024, 1024), (256, 256), (520, 696), (1305, 1009), (2600, 40), (300, 1500), (1, 1), (3, 5000)]


class _Encoder(nn.Module):
    img_size = 1024


def official(logits: np.ndarray, geometry: InputGeometry) -> np.ndarray:
    sam = Sam(_Encoder(), nn.Identity(), nn.Identity())
    shape = (geometry.region.height, geometry.region.width)
    used = (geometry.input_height, geometry.input_width)
    return sam.postprocess_masks(torch.from_numpy(logits)[None, None], used, shape)[0, 0].numpy()


@pytest.fixture(scope="module")
def logits() -> np.ndarray:
    noise = np.random.default_rng(1).normal(size=(256, 256))
    smooth = ndimage.gaussian_filter(noise, 6)
    return (smooth / smooth.std() * 8 - 6).astype(np.float32)


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_mask_is_the_official_one(logits, height, width):
    geometry = InputGeometry(Region.whole(height, width))
    expected = official(logits, geometry)
    mask = logits_to_mask(logits, geometry)
    found = np.zeros_like(expected, dtype=bool) if mask is None else mask.to_plane(height, width)
    differing = found != (expected > 0)
    assert np.abs(expected[differing]).max(initial=0) < 1e-4, "only ties may fall differently"
    assert differing.sum() <= 2


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_scaled_logits_are_the_official_ones(logits, height, width):
    geometry = InputGeometry(Region.whole(height, width))
    found = region_logits(logits, geometry, geometry.region)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, official(logits, geometry), atol=1e-3)


def test_a_window_is_a_part_of_the_whole(logits):
    geometry = InputGeometry(Region(100, 50, 700, 640))
    whole = region_logits(logits, geometry, geometry.region)
    part = region_logits(logits, geometry, Region(300, 60, 41, 500))
    np.testing.assert_allclose(part, whole[200:241, 10:510], atol=1e-4)


def test_a_mask_of_a_crop_lies_in_the_plane(logits):
    whole = logits_to_mask(logits, InputGeometry(Region.whole(400, 300)))
    moved = logits_to_mask(logits, InputGeometry(Region(1000, 2000, 400, 300)))
    assert whole is not None
    assert moved is not None
    assert (moved.y0 - whole.y0, moved.x0 - whole.x0) == (1000, 2000)
    np.testing.assert_array_equal(moved.bits, whole.bits)


def test_the_threshold_is_kept_to(logits):
    geometry = InputGeometry(Region.whole(300, 300))
    mask = logits_to_mask(logits, geometry, threshold=2.0)
    assert mask is not None
    np.testing.assert_array_equal(
        mask.to_plane(300, 300), region_logits(logits, geometry, geometry.region) > 2
    )


def test_no_mask_where_nothing_exceeds():
    assert logits_to_mask(np.full((256, 256), -1, np.float32), InputGeometry(Region.whole(99, 99))) is None


def test_no_mask_in_the_padding():
    logits = np.full((256, 256), -1, np.float32)
    logits[200:] = 5
    assert logits_to_mask(logits, InputGeometry(Region.whole(100, 1000))) is None
