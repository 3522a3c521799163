import numpy as np
import pytest
import torch
from segment_anything.utils.transforms import ResizeLongestSide

from cellsam_desktop.core.errors import PromptError
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.sam.prompt_arrays import prompt_arrays
from cellsam_desktop.sam.transforms import InputGeometry, preprocess

SHAPES = [(1024, 1024), (512, 512), (520, 696), (1305, 1009), (3000, 37), (1, 1), (7, 1600)]


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_preprocess_is_the_official_one(height, width):
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    mean = torch.tensor([123.675, 116.28, 103.53]).view(-1, 1, 1)
    std = torch.tensor([58.395, 57.12, 57.375]).view(-1, 1, 1)
    resized = torch.as_tensor(ResizeLongestSide(1024).apply_image(image)).permute(2, 0, 1)
    expected = torch.zeros(1, 3, 1024, 1024)
    expected[0, :, : resized.shape[1], : resized.shape[2]] = (resized - mean) / std
    np.testing.assert_array_equal(preprocess(image), expected.numpy())


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_coordinates_are_the_official_ones(height, width):
    geometry = InputGeometry(Region(30, 20, height, width))
    expected = ResizeLongestSide(1024).apply_coords(np.array([[3.5, 11.25]]), (height, width))
    np.testing.assert_array_equal(geometry.to_input(23.5, 41.25), expected[0])


def test_points_come_before_the_corners_of_the_box():
    geometry = InputGeometry(Region.whole(512, 512))
    prompts = Prompts((Point(1, 2), Point(3, 4, positive=False)), Box(5, 6, 7, 8))
    coords, labels = prompt_arrays(prompts, geometry)
    assert coords.tolist() == [[[2, 4], [6, 8], [10, 12], [14, 16]]]
    assert labels.tolist() == [[1, 0, 2, 3]]


def test_points_alone_are_padded():
    coords, labels = prompt_arrays(Prompts((Point(1, 2),)), InputGeometry(Region.whole(512, 512)))
    assert coords.tolist() == [[[2, 4], [0, 0]]]
    assert labels.tolist() == [[1, -1]]


def test_a_box_alone_is_not_padded():
    _, labels = prompt_arrays(Prompts(box=Box(1, 2, 3, 4)), InputGeometry(Region.whole(512, 512)))
    assert labels.tolist() == [[2, 3]]


def test_nothing_prompted_is_refused():
    with pytest.raises(PromptError, match="Nothing was prompted"):
        prompt_arrays(Prompts(), InputGeometry(Region.whole(512, 512)))
