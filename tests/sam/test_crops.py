from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.sam.crops import LARGEST, SMALLEST, crop_at, looks_covering, looks_for

planes = st.builds(Region.whole, st.integers(1, 12_000), st.integers(1, 12_000))
places = st.tuples(st.floats(0, 0.999), st.floats(0, 0.999))
diameters = st.none() | st.floats(0.5, 3000)
sides = st.integers(6, 11).map(lambda power: 1 << power)
SQUARE = Region.whole(1000, 1000)
LARGE = Region.whole(10_000, 10_000)


def at(plane: Region, place: tuple[float, float]) -> Point:
    return Point(float(int(place[0] * plane.width)), float(int(place[1] * plane.height)))


def click(plane: Region, place: tuple[float, float]) -> Prompts:
    return Prompts((at(plane, place),))


@given(planes, places, sides)
def test_a_crop_is_a_square_on_the_grid_within_the_plane_and_holds_the_point(plane, place, side):
    point = at(plane, place)
    crop = crop_at(plane, point.x, point.y, side)
    assert crop.intersect(plane) == crop
    assert crop.contains(point.x, point.y)
    if crop == plane:
        return
    assert (crop.height, crop.width) == (min(side, plane.height), min(side, plane.width))
    for start, end, length in ((crop.y0, crop.y1, plane.height), (crop.x0, crop.x1, plane.width)):
        assert start % (side // 2) == 0 or end == length


@given(planes, places, sides)
def test_a_point_is_far_from_borders_that_are_not_the_planes(plane, place, side):
    point = at(plane, place)
    crop = crop_at(plane, point.x, point.y, side)
    quarter = side / 4 - 1
    assert crop.y0 == 0 or point.y - crop.y0 >= quarter
    assert crop.x0 == 0 or point.x - crop.x0 >= quarter
    assert crop.y1 == plane.y1 or crop.y1 - point.y >= quarter
    assert crop.x1 == plane.x1 or crop.x1 - point.x >= quarter


@given(planes, places, diameters)
def test_looks_are_few_different_and_always_the_same(plane, place, diameter):
    prompts = click(plane, place)
    looks = looks_for(plane, prompts, diameter)
    assert looks == looks_for(plane, prompts, diameter)
    assert 1 <= len(set(looks)) == len(looks) <= 2
    assert all(look.intersect(plane) == look and look.contains(*_xy(prompts)) for look in looks)


@given(
    st.builds(Region.whole, st.integers(100, 3000), st.integers(100, 3000)),
    st.tuples(st.floats(0, 0.8), st.floats(0, 0.8)),
    st.none() | st.floats(8, 400),
    st.lists(places, min_size=1, max_size=5),
)
def test_every_click_within_a_part_finds_its_first_look_covered(plane, corner, diameter, clicks):
    y0, x0 = int(corner[1] * plane.height), int(corner[0] * plane.width)
    part = Region(y0, x0, (plane.height - y0 + 1) // 2, (plane.width - x0 + 1) // 2)
    covering = looks_covering(plane, part, diameter)
    for place in clicks:
        point = at(part, place)
        prompts = Prompts((Point(point.x + x0, point.y + y0),))
        assert looks_for(plane, prompts, diameter, part)[0] in covering
    assert len(set(covering)) == len(covering)


def test_what_covers_a_part_begins_in_its_middle():
    part = Region(200, 300, 400, 400)
    covering = looks_covering(SQUARE, part, 10)
    distances = [math.hypot(look.y0 + 64 - 400, look.x0 + 64 - 500) for look in covering]
    assert len(covering) > 20
    assert distances == sorted(distances)


def test_neighbouring_clicks_share_their_look():
    looks = {
        looks_for(SQUARE, Prompts((Point(x, y),)), 20.0)[0] for x in range(330, 430) for y in range(460, 560)
    }
    assert len(looks) <= 4


@pytest.mark.parametrize(
    ("diameter", "sides"),
    [
        (1, [SMALLEST]),
        (4, [64]),
        (8, [128, 64]),
        (16, [256, 128]),
        (30, [512, 256]),
        (90, [1000, 512]),
        (200, [1000]),
    ],
)
def test_the_size_of_accepted_cells_sets_the_scale(diameter, sides):
    looks = looks_for(SQUARE, Prompts((Point(500, 500),)), diameter)
    assert [look.height for look in looks] == [look.width for look in looks] == sides
    corrected = Prompts((Point(500, 500), Point(510, 505, positive=False)))
    assert looks_for(SQUARE, corrected, diameter)[0].height == sides[0]
    assert len(looks_for(SQUARE, corrected, diameter)) == 1


def test_where_nothing_is_known_a_click_is_looked_at_twice():
    first, second = looks_for(SQUARE, Prompts((Point(500, 500),)), None)
    assert first == SQUARE
    assert (second.height, second.width) == (512, 512)
    small = Region.whole(520, 600)
    assert looks_for(small, Prompts((Point(50, 50),)), None) == (small,)


def test_a_large_plane_is_never_looked_at_as_a_whole():
    prompts = Prompts((Point(4321, 9999),))
    assert [look.height for look in looks_for(LARGE, prompts, None)] == [LARGEST, 512]
    assert [look.height for look in looks_for(LARGE, prompts, 4.0)] == [SMALLEST]
    assert len(looks_covering(LARGE, Region(5000, 5000, 700, 900), None)) <= 9


def test_the_view_is_what_is_looked_at_first():
    prompts = Prompts((Point(5000, 5000),))
    view = Region(4700, 4600, 800, 1000)
    assert [look.height for look in looks_for(LARGE, prompts, None, view)] == [1024, 512]
    close = Region(4950, 4950, 120, 150)
    assert [look.height for look in looks_for(LARGE, prompts, None, close)] == [256, 512]
    assert looks_for(LARGE, prompts, 30.0, close) == looks_for(LARGE, prompts, 30.0)


@pytest.mark.parametrize("diameter", [None, 10.0])
@pytest.mark.parametrize(("extent", "side"), [(30, 256), (60, 512), (300, 1000)])
def test_a_box_is_looked_at_on_its_own_scale_whatever_is_known(diameter, extent, side):
    box = Box(400, 420, 400 + extent - 1, 430)
    [look] = looks_for(SQUARE, Prompts((), box), diameter)
    assert look.height == side
    assert all(look.contains(x, y) for x in (box.x0, box.x1) for y in (box.y0, box.y1))


@given(planes, st.lists(places, min_size=2, max_size=4), diameters)
def test_several_points_are_held_by_one_look(plane, clicked, diameter):
    prompts = Prompts(tuple(at(plane, place) for place in clicked))
    [look] = looks_for(plane, prompts, diameter)
    assert all(look.contains(point.x, point.y) for point in prompts.points)


def test_a_box_over_the_border_is_cut_there():
    [look] = looks_for(SQUARE, Prompts((), Box(-40, 980, 30, 1100)), None)
    assert look.intersect(SQUARE) == look
    assert look.contains(0, 999)


def _xy(prompts: Prompts) -> tuple[float, float]:
    return prompts.points[0].x, prompts.points[0].y
