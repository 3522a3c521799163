"""A run that is gone on with after more was curated."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.training.test_splits import facts, frame, movie
from training.frames import DataError
from training.resplit import as_before
from training.splits import split


def summary(frames):
    """As it is read from the record of a run."""
    return json.loads(json.dumps(split(frames, 0).summary()))


def test_the_same_data_are_split_the_same():
    frames = movie(30)
    parts = split(frames, 0)
    assert as_before(parts, frames, summary(frames)) is parts


def test_frames_stay_in_their_parts_and_new_ones_are_left_out():
    frames = movie(30)
    later = [*(replace(one, cells=one.cells[:2]) for one in frames), *(frame(t) for t in range(30, 60))]
    parts = split(later, 0)
    kept = as_before(parts, later, summary(frames))
    assert facts(kept) == facts(split(frames, 0))
    assert facts(kept) != facts(parts)
    assert all(len(one.cells) == 2 for one in (*kept.train, *kept.validate, *kept.test))
    assert kept.notes[-1] == "32 frames were in no part when this run began, and are left out."


def test_a_frame_without_cells_ends_it():
    frames = movie(30)
    with pytest.raises(DataError, match="m, 29, 0 holds no cells any more: begin a new run"):
        as_before(split(frames[:-1], 0), frames[:-1], summary(frames))


def test_sides_of_one_image_cannot_be_kept():
    few = [frame(0, 9)]
    more = [frame(0, 12)]
    with pytest.raises(DataError, match="sides of the same images: begin a new run"):
        as_before(split(more, 0), more, summary(few))
