from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellsam_desktop.analysis.candidates import Option, measures, rank, weights_of
from cellsam_desktop.analysis.knowledge import NOTHING, Knowledge, facts_of
from cellsam_desktop.analysis.traits import traits_of
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Point
from cellsam_desktop.sam.transforms import InputGeometry

WHOLE = InputGeometry(Region.whole(256, 256))
CROP = InputGeometry(Region(128, 64, 64, 64))
MIDDLE = Point(100, 160)


def disc(geometry: InputGeometry, x: float, y: float, radius: float) -> np.ndarray:
    """Logits of a disc in plane pixels."""
    region = geometry.region
    rows, columns = np.mgrid[:256, :256]
    per_logit = max(region.height, region.width) / 256
    distance = np.hypot(
        (columns + 0.5) * per_logit - 0.5 + region.x0 - x, (rows + 0.5) * per_logit - 0.5 + region.y0 - y
    )
    return (radius - distance).astype(np.float32)


def option(radius: float, geometry=WHOLE, token=1, predicted_iou=0.9, x=MIDDLE.x, y=MIDDLE.y) -> Option:
    logits = disc(geometry, x, y, radius)
    [traits] = traits_of([logits], geometry, MIDDLE)
    return Option(logits, geometry, predicted_iou, token, traits)


def round_mask(radius: float, x: float = MIDDLE.x, y: float = MIDDLE.y) -> Mask:
    mask = Mask.from_array(disc(WHOLE, x, y, radius) > 0)
    assert mask is not None
    return mask


@pytest.mark.parametrize("geometry", [WHOLE, CROP])
@pytest.mark.parametrize("radius", [4, 12, 25])
def test_traits_are_in_plane_pixels_whatever_the_look(geometry, radius):
    traits = option(radius, geometry).traits
    assert traits.area == pytest.approx(math.pi * radius**2, rel=0.12)
    assert traits.share == pytest.approx(traits.area / geometry.region.height**2)
    assert traits.offset < 0.1
    assert traits.depth > 0.85


def test_a_click_near_the_outline_or_beside_the_mask():
    beside = option(10, x=MIDDLE.x + 7).traits
    assert 0.1 < beside.depth < 0.5
    assert beside.offset == pytest.approx(7 / math.sqrt(math.pi * 100), rel=0.1)
    outside = option(10, x=MIDDLE.x + 30).traits
    assert outside.depth == 0
    assert option(0).traits is None


@given(st.permutations(range(5)))
def test_the_order_of_the_options_does_not_matter(order):
    options = [
        option(8),
        option(20, token=2, predicted_iou=0.95),
        option(70, token=3, predicted_iou=0.99),
        option(9, token=0, x=MIDDLE.x + 4),
        option(0, token=1),
    ]
    ranked = rank([options[number] for number in order], NOTHING)
    assert [id(one.logits) for one in ranked] == [id(one.logits) for one in rank(options, NOTHING)]
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)
    assert ranked[-1].mask is None
    assert ranked[-1].score == -math.inf


def test_a_trained_decoders_tokens_have_no_roles():
    own = option(20)
    found, by_trained = (set(measures(replace(own, trained=trained), NOTHING)) for trained in (False, True))
    assert found - by_trained == {"like_token_0"}
    assert by_trained < found


def test_one_option_or_none():
    [only] = rank([option(8)], NOTHING)
    assert math.isfinite(only.score)
    assert rank([], NOTHING) == []


def test_scores_do_not_depend_on_the_other_options():
    options = [option(8), option(20, CROP, token=2), option(60, token=3)]
    together = {one.token: one.score for one in rank(options, NOTHING)}
    assert together == {one.token: rank([one], NOTHING)[0].score for one in options}


@pytest.mark.parametrize(("radius", "first"), [(8, 8), (20, 20), (60, 60)])
def test_the_size_of_accepted_cells_decides(radius, first):
    options = [option(size, token=2) for size in (8, 20, 60)]
    knowledge = Knowledge([facts_of(round_mask(radius))] * 5)
    best = rank(options, knowledge)[0]
    assert best.traits.area == pytest.approx(math.pi * first**2, rel=0.1)


@pytest.mark.parametrize("geometry", [WHOLE, CROP])
def test_the_shape_of_a_candidate(geometry):
    smooth = option(20, geometry)
    assert smooth.traits.fullness == pytest.approx(1, abs=0.02)
    assert smooth.traits.roughness == pytest.approx(8 / math.sqrt(4 * math.pi) * 2, rel=0.2)
    holes = smooth.logits.copy()
    holes[::2, ::2] = -1
    [torn] = traits_of([holes], geometry, MIDDLE)
    assert torn.roughness > 2 * smooth.traits.roughness


def test_traits_of_several_masks_are_those_of_each():
    logits = [
        disc(WHOLE, MIDDLE.x + shift, MIDDLE.y, radius) for shift, radius in ((0, 8), (30, 20), (3, 90))
    ]
    empty = np.full((256, 256), -1, np.float32)
    together = traits_of([*logits, empty], WHOLE, MIDDLE)
    assert together[-1] is None
    for found, own in zip(together, logits, strict=False):
        [alone] = traits_of([own], WHOLE, MIDDLE)
        assert replace(found, likeness=()) == replace(alone, likeness=())


def test_the_shape_of_accepted_cells_counts():
    knowledge = Knowledge([facts_of(round_mask(20))] * 3)
    round_one = option(20)
    bits = np.abs(round_one.logits - 3) < 3  # a ring
    ring = np.where(bits, np.float32(1), np.float32(-1))
    [traits] = traits_of([ring], WHOLE, MIDDLE)
    gaps = [
        measures(one, knowledge)["fullness_gap_squared"]
        for one in (round_one, replace(round_one, logits=ring, traits=traits))
    ]
    assert gaps[0] < 0.1 < 1 < gaps[1]
    assert weights_of("warm")["fullness_gap_squared"] < 0


def test_pixels_of_other_cells_count_against_an_option():
    knowledge = Knowledge([facts_of(round_mask(20))], taken=[round_mask(20, MIDDLE.x + 20)])
    free, overlapping = option(20), option(20, x=MIDDLE.x + 10)
    shares = [measures(one, knowledge)["taken"] for one in (free, overlapping)]
    exact = free.mask.overlap(knowledge.taken[0]) / free.mask.area
    assert shares[0] == pytest.approx(exact, abs=0.05)
    assert shares[0] < shares[1]
    assert weights_of("warm")["taken"] < 0


def test_the_mask_in_the_frame_beside_counts_for_an_option():
    previous = round_mask(20)
    knowledge = Knowledge(previous=previous)
    near, far = option(20, CROP), option(20, x=MIDDLE.x + 25)
    overlaps = [measures(one, knowledge)["previous"] for one in (near, far)]
    assert overlaps[0] == pytest.approx(near.mask.iou(previous), abs=0.05)
    assert overlaps[0] > 0.9 > overlaps[1]
    assert weights_of("warm")["previous"] > 0


def test_masks_beyond_the_look_do_not_count():
    knowledge = Knowledge([facts_of(round_mask(5))], taken=[round_mask(5, 20, 20)])
    assert measures(option(10, CROP), knowledge)["taken"] == 0
