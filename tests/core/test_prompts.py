from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellsam_desktop.core.errors import PromptError
from cellsam_desktop.core.geometry import PlaneIndex, PlaneKey, Region
from cellsam_desktop.core.prompts import Box, Point, Prompts

numbers = st.floats(-1e4, 1e4)
points = st.builds(Point, numbers, numbers, st.booleans())
boxes = st.builds(Box.from_corners, numbers, numbers, numbers, numbers)
prompts = st.builds(Prompts, st.lists(points, max_size=4).map(tuple), st.none() | boxes)


@settings(max_examples=50)
@given(prompts)
def test_json_and_back(given_prompts: Prompts):
    assert Prompts.from_json(given_prompts.to_json()) == given_prompts


def test_prompts_do_not_change_but_make_others():
    first, second, box = Point(1, 2), Point(3, 4, positive=False), Box(0, 0, 5, 5)
    boxed = Prompts().with_box(box)
    assert boxed.with_point(first).with_point(second) == Prompts((first, second), box)
    assert (boxed.points, boxed.with_box(None)) == ((), Prompts())
    assert boxed.with_point(first).corners == [(1, 2), (0, 0), (5, 5)]
    assert Prompts().empty
    assert not boxed.empty


def test_a_box_that_is_inside_out():
    with pytest.raises(PromptError, match=r"\[5, 0, 1, 2\] is inside out"):
        Box(5, 0, 1, 2)
    assert Box.from_corners(5, 9, 1, 2) == Box(1, 2, 5, 9)


def test_regions():
    first, second = Region(2, 3, 4, 5), Region(4, 6, 10, 10)
    assert first.intersect(second) == Region(4, 6, 2, 2)
    assert first.union(second) == Region(2, 3, 12, 13)
    assert first.widened(3) == Region(-1, 0, 10, 11)
    assert first.intersect(Region(6, 3, 4, 5)) is None
    assert Region.whole(7, 9) == Region(0, 0, 7, 9)
    assert (first.y1, first.x1) == (6, 8)
    assert first.contains(2.5, 1.5)
    assert not first.contains(7.5, 2)
    assert not first.contains(3, 5.5)


def test_planes_sort_by_time():
    assert sorted([PlaneKey(1, 0), PlaneKey(0, 3)]) == [PlaneKey(0, 3), PlaneKey(1, 0)]
    assert PlaneIndex() == (0, 0, 0)
