"""Cells are found again where the images say they went."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cellsam_desktop.analysis.motion import Frames
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import disc

PLANE = Region.whole(200, 220)
OTHERS = (50, 50, 20, 8, 0.0), (60, 100, 12, 10, 1.2), (105, 110, 22, 6, 1.5), (150, 80, 18, 12, 0.2)


def ellipse(y: float, x: float, long: float, short: float, angle: float) -> Mask:
    rows, columns = np.mgrid[:200, :220]
    dy, dx = rows - y, columns - x
    along, across = dy * np.sin(angle) + dx * np.cos(angle), dy * np.cos(angle) - dx * np.sin(angle)
    mask = Mask.from_array((along / long) ** 2 + (across / short) ** 2 <= 1)
    assert mask is not None
    return mask


def picture(*cells: Mask) -> np.ndarray:
    """Bright cells on a dark ground with some noise, (200, 220, 3)."""
    grey = np.full((200, 220), 30.0)
    for mask in cells:
        grey[mask.region.slices][mask.bits] = 200
    noise = np.random.default_rng(1).normal(0, 4, grey.shape)
    grey = np.clip(ndimage.gaussian_filter(grey, 1.5) + noise, 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


@pytest.mark.parametrize(
    ("place", "size", "angle"),
    [
        ((100, 110), (24, 10), 0.4),
        ((108, 101), (24, 10), 0.4),
        ((100, 110), (28, 10), 0.4),
        ((103, 108), (26, 10), 0.6),
    ],
)
def test_shifts_growth_and_turns_are_followed(place, size, angle):
    before, after = ellipse(100, 110, 24, 10, 0.4), ellipse(*place, *size, angle)
    motion = Frames(picture(before), picture(after), [before]).register(before)
    moved = motion.moved(before, PLANE)
    assert moved.iou(after) > 0.9
    assert motion.likeness > 0.9


def test_a_jump_of_the_whole_stage_is_followed():
    before = [disc(60, 60, 12), disc(90, 80, 11), disc(70, 100, 13)]
    after = [Mask(mask.y0 - 14, mask.x0 + 26, mask.bits) for mask in before]
    frames = Frames(picture(*before), picture(*after), before)
    for mask, expected in zip(before, after, strict=True):
        assert frames.register(mask).moved(mask, PLANE).iou(expected) > 0.85


def test_neighbours_that_part_are_told_apart():
    left, right = ellipse(100, 90, 12, 9, 0.0), ellipse(100, 116, 15, 7, 1.2)
    gone_left, gone_right = ellipse(98, 87, 12, 9, 0.0), ellipse(102, 120, 15, 7, 1.2)
    frames = Frames(picture(left, right), picture(gone_left, gone_right), [left, right])
    assert frames.register(left).moved(left, PLANE).iou(gone_left) > 0.85
    assert frames.register(right).moved(right, PLANE).iou(gone_right) > 0.85


def test_what_leaves_the_plane_is_none():
    mask = disc(5, 100, 4)
    motion = Frames(picture(mask), picture(), [mask]).register(mask, (0.0, 0.0))
    away = type(motion)(motion.centre, motion.matrix, np.array([0.0, -40.0]), 0.0)
    assert away.moved(mask, PLANE) is None


def _jumped(masks: list[Mask], dy: int, dx: int) -> list[Mask]:
    return [Mask(mask.y0 + dy, mask.x0 + dx, mask.bits) for mask in masks]


def test_a_cell_goes_with_those_beside_it_though_another_lies_where_it_was():
    cells = [ellipse(*other) for other in OTHERS]
    here = ellipse(100, 60, 14, 7, 0.4)
    gone = _jumped([*cells, here], -10, 28)
    frames = Frames(picture(*cells, here), picture(*gone, here), [*cells, here])
    still = [(0.0, 0.0)] * 5
    assert frames.register(here, still[0]).moved(here, PLANE).iou(here) > 0.9  # by itself it stays
    motions = frames.register_all([*cells, here], still)
    for mask, motion, expected in zip([*cells, here], motions, gone, strict=True):
        assert motion.moved(mask, PLANE).iou(expected) > 0.85


def test_a_cell_that_clearly_went_another_way_is_believed():
    cells = [ellipse(*other) for other in OTHERS]
    here, gone = ellipse(100, 60, 14, 7, 0.4), ellipse(84, 30, 14, 7, 0.4)
    frames = Frames(picture(*cells, here), picture(*cells, gone), [*cells, here])
    *others, motion = frames.register_all([*cells, here], [None, None, None, None, (-14.0, -28.0)])
    assert motion.moved(here, PLANE).iou(gone) > 0.85
    for mask, other in zip(cells, others, strict=True):
        assert other.moved(mask, PLANE).iou(mask) > 0.9


def test_two_cells_are_not_held_against_each_other():
    left, right = disc(60, 60, 12), disc(130, 120, 12)
    gone = _jumped([right], 18, 0)[0]
    frames = Frames(picture(left, right), picture(left, gone), [left, right])
    first, second = frames.register_all([left, right], [None, (18.0, 0.0)])
    assert first.moved(left, PLANE).iou(left) > 0.9
    assert second.moved(right, PLANE).iou(gone) > 0.9


@pytest.mark.parametrize("x", range(5, 200, 15))
def test_where_nothing_is_seen_a_cell_goes_on_in_its_size(x):
    mask = disc(x, 100, 4)
    moved = Frames(picture(mask), picture(), [mask]).register(mask, (2.0, 1.0)).moved(mask, PLANE)
    assert moved is None or moved.area < 9 * mask.area
