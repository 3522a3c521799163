import pytest
import torch

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Box, Point, Prompts
from tests.training.small import frames
from training.prompts import (
    ABSENT,
    BOTTOM_RIGHT,
    NEGATIVE,
    PADDING,
    POSITIVE,
    TOP_LEFT,
    corrections,
    first_prompts,
    paired_corrections,
    real_prompts,
)
from training.targets import TargetMaker
from training.views import View


@pytest.fixture
def random():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def view(tmp_path):
    frame = frames(tmp_path, 1)[0]
    return View(frame, Region.whole(*frame.shape), 3)


@pytest.fixture
def targets(view):
    return TargetMaker().make(view, view.cells * 20)


def pixels(prompts, targets, number):
    return (prompts.coords[:, number] / targets.scale).round().long()


def test_points_lie_in_their_cells(view, targets, random):
    prompts = first_prompts(targets, 1.0, 0.1, random)
    assert prompts.labels.tolist() == [[POSITIVE, PADDING]] * 80
    assert not prompts.certain.any()
    found = pixels(prompts, targets, 0)
    truths = [view.truth(cell) for cell in view.cells]
    hits = [truths[n % 4][y, x] for n, (x, y) in enumerate(found.tolist())]
    assert sum(hits) >= 78  # a sample beside the outline may round to the pixel outside
    assert len({tuple(place) for place in found[::4].tolist()}) > 10


def test_boxes_are_those_of_their_cells_and_a_little_off(targets, random):
    exact = first_prompts(targets, 0.0, 0.0, random)
    assert exact.labels.tolist() == [[TOP_LEFT, BOTTOM_RIGHT]] * 80
    assert exact.certain.all()
    assert torch.allclose((exact.coords / targets.scale[:, None]).flatten(1), targets.boxes, atol=1e-3)
    moved = first_prompts(targets, 0.0, 0.2, random).coords / targets.scale[:, None]
    by = (moved.flatten(1) - targets.boxes).abs()
    assert 0 < float(by.mean()) < float(by.max()) < 0.2 * 32


def test_corrections_lie_in_the_error(targets, random):
    """A mask that is the left half of each cell and, elsewhere, the top of the image."""
    prompts = first_prompts(targets, 0.5, 0.1, random)
    columns = torch.arange(96) < 48
    near = torch.where(targets.truth.bool() & columns, 1.0, -1.0)
    far = torch.full((80, 256, 256), -1.0)
    corrected = corrections(targets, prompts, near, far, random)
    assert corrected.labels[:, -1].tolist() == [POSITIVE] * 80
    middle = targets.origin[:, 0] + 48 * targets.pitch[:, 0]
    assert (corrected.coords[:, -1, 0] / targets.scale[:, 0] > middle - 1).all()
    far[:, :40] = 1
    again = corrections(targets, corrected, near, far, random)
    negative = again.labels[:, -1] == 0
    assert 10 < int(negative.sum()) <= 80
    assert (again.coords[negative, -1, 1] < 160).all()
    assert again.certain.all()


def test_a_mask_without_error_gets_a_point_inside(targets, random):
    prompts = first_prompts(targets, 0.0, 0.1, random)
    near, far = torch.where(targets.truth > 0, 1.0, -1.0), torch.full((80, 256, 256), -1.0)
    assert (corrections(targets, prompts, near, far, random).labels[:, -1] == POSITIVE).all()


def test_paired_corrections_are_one_in_what_is_lacking_and_one_in_what_is_too_much(targets, random):
    """A mask that is the left half of each cell's square, and nothing elsewhere."""
    prompts = first_prompts(targets, 0.0, 0.1, random)
    near = torch.where(torch.arange(96) < 48, 1.0, -1.0).expand(80, 96, 96)
    far = torch.full((80, 256, 256), -1.0)
    corrected = paired_corrections(targets, prompts, near, far, random)
    assert corrected.labels[:, -2:].tolist() == [[POSITIVE, NEGATIVE]] * 80
    middle = targets.origin[:, 0] + 48 * targets.pitch[:, 0]
    across = corrected.coords[:, -2:, 0] / targets.scale[:, :1]
    assert (across[:, 0] > middle).all()
    assert (across[:, 1] < middle).all()


def test_paired_corrections_of_a_mask_without_error_lie_inside_and_right_beside(targets, random):
    prompts = first_prompts(targets, 0.0, 0.1, random)
    near, far = torch.where(targets.truth > 0, 1.0, -1.0), torch.full((80, 256, 256), -1.0)
    corrected = paired_corrections(targets, prompts, near, far, random)
    assert corrected.labels[:, -2:].tolist() == [[POSITIVE, NEGATIVE]] * 80
    places = corrected.coords[:, -1] / targets.scale
    assert ((places >= targets.origin) & (places <= targets.origin + 96 * targets.pitch)).all()


def test_what_a_person_placed_is_used(view, targets, random):
    drawn = first_prompts(targets.part(slice(0, 3)), 0.5, 0.1, random)
    placed = Prompts((Point(3, 4), Point(5, 6, positive=False)), Box(1, 2, 7, 8))
    prompts = real_prompts(drawn, [None, placed, Prompts((Point(9, 9),))], view.geometry)
    assert prompts.labels[1].tolist() == [1, 0, 2, 3]
    assert prompts.labels[2].tolist() == [1, PADDING, ABSENT, ABSENT]
    assert prompts.labels[0].tolist() == [*drawn.labels[0].tolist(), ABSENT, ABSENT]
    assert prompts.coords[1, 0].tolist() == pytest.approx(view.geometry.to_input(3, 4))
    assert prompts.certain.tolist()[1:] == [True, False]
