"""Which frames learn, choose and judge, for data of every size."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellsam_desktop.core.mask import Mask
from training.frames import CellTruth, DataError, Frame
from training.images import TrainingMovie
from training.splits import Split, split

FLATTERED = "1 of the frames that judge also teach, or lie beside frames that do: the numbers flatter."


def cell(number: int, x: int = 10, y: int = 10) -> CellTruth:
    return CellTruth(number, Mask(y, x, np.ones((4, 4), np.bool_)))


def frame(t: int = 0, cells: int = 4, *, movie: str = "m", data_set: str = "set", z: int = 0) -> Frame:
    truth = tuple(cell(n, 10 + 12 * n, 10 + 3 * n) for n in range(cells))
    name, file = f"{movie}, {t}, {z}", TrainingMovie(Path(f"{data_set} {movie}.tif"))
    return Frame(data_set, movie, name, t, z, (200, 300), truth, True, None, file, t)


def single(number: int, cells: int = 4) -> Frame:
    """A file of its own, as the images of a folder are."""
    source = TrainingMovie(Path(f"images/t{number:02}.tif"))
    return replace(frame(number, cells, movie="t00 to t09"), source=source, source_t=0)


def movie(count: int, name: str = "m", cells: int = 4, **others: str) -> list[Frame]:
    return [frame(t, cells, movie=name, **others) for t in range(count)]


def facts(result: Split) -> tuple[list[str], ...]:
    return tuple([one.name for one in part] for part in (result.train, result.validate, result.test))


def neighbours(some: Iterable[Frame], others: Sequence[Frame]) -> list[tuple[str, str]]:
    """Pairs of frames of one movie that are the same or beside each other."""
    return [
        (one.name, other.name)
        for one in some
        for other in others
        if (one.data_set, one.movie) == (other.data_set, other.movie) and abs(one.t - other.t) <= 1
    ]


def test_movies_are_kept_whole():
    frames = [one for number in range(10) for one in movie(5, f"m{number}")]
    result = split(frames, 0)
    parts = [{one.movie for one in part} for part in (result.train, result.validate, result.test)]
    assert [len(part) for part in parts] == [7, 1, 2]
    assert len(set.union(*parts)) == 10
    assert len(result.train) + len(result.validate) + len(result.test) == 50
    assert result.notes == ()


def test_of_many_cells_no_more_choose_than_are_needed():
    frames = [frame(0, 40, movie=f"{n}.tif") for n in range(30)]
    assert [len(part) for part in facts(split(frames, 0))] == [23, 1, 6]
    judges = movie(1, data_set="other")
    assert [len(part) for part in facts(split(frames, 0, judges))] == [29, 1, 1]
    long = movie(100, cells=20)
    assert [len(part) for part in facts(split(long, 0))] == [75, 3, 20]


def test_single_images_are_split_by_file():
    frames = [
        frame(0, cells, movie=f"{n}.tif") for n, cells in enumerate([3, 40, 12, 7, 9, 30, 20, 5, 8, 14])
    ]
    result = split(frames, 3)
    cells = [sum(len(one.cells) for one in part) for part in (result.train, result.validate, result.test)]
    assert sum(cells) == 148
    assert cells[0] >= 0.5 * 148
    assert all(count <= 0.4 * 148 for count in cells[1:])


def test_three_images_make_three_parts():
    result = split([frame(movie=name) for name in "abc"], 0)
    assert [len(part) for part in (result.train, result.validate, result.test)] == [1, 1, 1]


def test_an_image_with_most_of_the_cells_is_learned_from():
    frames = [frame(0, cells, movie=f"{n}") for n, cells in enumerate([5, 90, 6, 4])]
    for seed in range(5):
        result = split(frames, seed)
        assert frames[1] in result.train
        assert not {*result.validate} & {*result.test}
        assert min(len(result.validate), len(result.test)) == 1


def test_a_movie_is_split_in_blocks_with_gaps():
    frames = movie(26)
    result = split(frames, 0)
    times = [[one.t for one in part] for part in (result.train, result.validate, result.test)]
    assert all(list(range(part[0], part[-1] + 1)) == part for part in times)
    assert [len(part) for part in times] == [15, 4, 5]
    assert {0, 25} <= {times[1][0], times[1][-1], times[2][0], times[2][-1]}
    judges = {tuple(one.t for one in split(frames, seed).test) for seed in range(8)}
    assert judges == {(0, 1, 2, 3, 4), (21, 22, 23, 24, 25)}


def test_what_lies_apart_needs_no_gap():
    frames = [frame(t) for t in range(0, 100, 10)]
    result = split(frames, 0)
    assert len(result.train) + len(result.validate) + len(result.test) == 10


def test_all_depths_of_a_time_stay_together():
    frames = [frame(t, z=z) for t in range(10) for z in range(3)]
    result = split(frames, 1)
    times = [{one.t for one in part} for part in (result.train, result.validate, result.test)]
    assert times[0].isdisjoint(times[1] | times[2])
    assert all(len(part) % 3 == 0 for part in (result.train, result.validate, result.test))


def test_a_stack_is_split_by_depth():
    result = split([frame(0, z=z) for z in range(20)], 0)
    depths = [sorted(one.z for one in part) for part in (result.train, result.validate, result.test)]
    assert all(len(part) >= 1 for part in depths)
    assert min(abs(a - b) for a in depths[0] for b in (*depths[1], *depths[2])) == 2


@pytest.mark.parametrize("count", [4, 5, 6, 7])
def test_a_short_movie_has_two_parts_and_says_so(count: int):
    result = split(movie(count, cells=20), 0)
    assert result.validate == result.test
    assert len(result.train) >= count / 2
    assert not neighbours(result.train, result.test)
    assert result.notes == (
        "set has too few frames for three parts: what judges has chosen the best weights as well.",
    )


@pytest.mark.parametrize("frames", [movie(1, cells=12), movie(2, cells=12), movie(3, cells=12)])
def test_too_few_frames_are_split_by_the_sides_of_the_image(frames: list[Frame]):
    for seed in range(4):
        result = split(frames, seed)
        assert len(result.train) == len(result.test) == len(frames)
        left, right = (
            [c.mask.centroid[0] for f in part for c in f.cells] for part in (result.train, result.test)
        )
        assert max(left) < min(right) or max(right) < min(left)
        assert len(left) >= 2 * len(right) - len(frames)
        assert not any(one.complete for one in (*result.train, *result.test))
        assert "one side of the image judges" in result.notes[0]


def test_cells_that_cross_the_line_are_left_out_of_several_frames():
    wide = CellTruth(99, Mask(80, 5, np.ones((3, 280), np.bool_)))
    frames = [replace(one, cells=(*one.cells, wide)) for one in movie(2, cells=12)]
    result = split(frames, 0)
    assert 99 not in {c.cell_id for f in (*result.train, *result.test) for c in f.cells}


def test_cells_above_each_other_are_split_across():
    column = tuple(cell(n, 10, 10 + 12 * n) for n in range(6))
    result = split([replace(frame(), cells=column)], 0)
    assert [len(part[0].cells) for part in (result.train, result.test)] == [4, 2]


def test_two_images_are_one_for_each_part():
    result = split([frame(0, 30, movie="a"), frame(0, 12, movie="b")], 0)
    assert [one.movie for one in result.train] == ["a"]
    assert result.validate == result.test
    assert [one.movie for one in result.test] == ["b"]


def test_one_cell_only_is_a_clear_sentence():
    with pytest.raises(DataError, match="too few cells to hold any out: curate a few more"):
        split([frame(0, 1)], 0)
    with pytest.raises(DataError, match="too few cells"):
        split([], 0)


def test_one_cell_beside_a_larger_set_is_learned_from():
    alone = frame(0, 1, data_set="small")
    result = split([alone, *movie(20, cells=30)], 0)
    assert alone in result.train
    assert result.notes == ("small has too few cells to hold any out: nothing of it judges.",)


def test_few_judges_are_mentioned():
    result = split(movie(10, cells=1), 0)
    assert result.notes[-1] == "Only 2 cells judge: that says little."
    assert split([frame(0, 2)], 0).notes[-1] == "Only 1 cell judges: that says little."


def test_frames_from_elsewhere_judge():
    elsewhere = movie(3, "other", cells=10, data_set="elsewhere")
    result = split(movie(12), 0, elsewhere)
    assert result.test == tuple(elsewhere)
    assert {one.data_set for one in (*result.train, *result.validate)} == {"set"}
    assert not neighbours(result.train, result.validate)
    assert len(result.train) >= 9


def test_where_others_judge_one_of_two_movies_gives_those_that_choose():
    frames = [*movie(8, "a"), *movie(12, "b", cells=5)]
    result = split(frames, 0, movie(3, "other", cells=10, data_set="elsewhere"))
    assert {one.movie for one in result.validate} == {"b"}
    assert [one for one in frames if one.movie == "a"] == [one for one in result.train if one.movie == "a"]


def test_frames_that_judge_may_not_teach():
    frames = movie(12)
    assert split(frames, 0, [frame(14, 20)]).notes == ()
    assert split(frames, 0, [frame(12, 20)]).notes == (FLATTERED,)
    with pytest.raises(DataError, match=r"set m.tif is to teach and to judge"):
        split(frames, 0, [frame(5)])


def test_files_with_consecutive_numbers_are_neighbours_however_they_were_named():
    taught = [single(number) for number in range(10)]
    assert split(taught, 0, [single(11, 20)]).notes == ()
    assert split(taught, 0, [single(10, 20)]).notes == (FLATTERED,)


def test_a_movie_in_two_sets_of_data_is_mentioned():
    frames = movie(20, cells=20)
    twice = [replace(one, data_set="again") for one in frames]
    notes = {note for seed in range(8) for note in split([*frames, *twice], seed).notes}
    assert notes
    assert all(note.endswith(FLATTERED[1:]) for note in notes)


def test_sets_are_split_independently():
    first, second = movie(20), [frame(movie=f"{n}.tif", data_set="images") for n in range(9)]
    together, alone = split([*second, *first], 5), split(first, 5)
    own = [[f.name for f in part if f.data_set == "set"] for part in (together.train, together.test)]
    assert own == [[f.name for f in part] for part in (alone.train, alone.test)]
    assert {f.data_set for f in together.test} == {f.data_set for f in together.validate} == {"set", "images"}


def test_the_summary_says_what_was_used():
    result = split([*movie(10), *[frame(movie=f"{n}", data_set="images") for n in range(5)]], 7)
    summary = json.loads(json.dumps(result.summary()))
    assert summary["seed"] == 7
    assert summary["notes"] == list(result.notes)
    parts = summary["data_sets"]["set"]
    names = [f.name for f in result.test if f.data_set == "set"]
    assert parts["test"] == {"frames": names, "cells": 8, "complete": 2}
    assert {part: len(entry["frames"]) for part, entry in summary["data_sets"]["images"].items()} == {
        "train": 3,
        "validate": 1,
        "test": 1,
    }


@st.composite
def any_frames(draw: st.DrawFn) -> list[Frame]:
    frames = []
    for data_set in range(draw(st.integers(1, 3))):
        for number in range(draw(st.integers(1, 5))):
            times = draw(st.lists(st.integers(0, 30), min_size=1, max_size=25, unique=True))
            frames += [
                frame(t, draw(st.integers(1, 6)), movie=f"m{number}", data_set=f"set {data_set}")
                for t in times
            ]
    return frames


@given(any_frames(), st.integers(0, 2**31), st.randoms(use_true_random=False))
def test_rules_that_always_hold(frames: list[Frame], seed: int, order):
    try:
        result = split(frames, seed)
    except DataError:
        assert {c.cell_id for f in frames for c in f.cells} == {0}  # all at one place
        return
    shuffled = list(frames)
    order.shuffle(shuffled)
    assert facts(split(shuffled, seed)) == facts(result)
    whole = {id(one) for one in frames}
    parts = [[f for f in part if id(f) in whole] for part in (result.train, result.validate, result.test)]
    assert not neighbours(parts[0], [*parts[1], *parts[2]])
    for one in parts[1]:
        assert one in parts[2] or not neighbours([one], parts[2])
    masks = [{id(c) for f in part for c in f.cells} for part in (result.train, result.validate, result.test)]
    assert masks[0].isdisjoint(masks[1] | masks[2])
    assert all(masks)
