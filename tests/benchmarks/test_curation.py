"""The curator who knows the truth brings real frames there, with propagation and without."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.curation_course import Course
from benchmarks.curation_truth import Truth
from benchmarks.curator import Hand
from benchmarks.first_click import open_model

FRAMES = 3


@pytest.fixture
def truth(shared_data: Path) -> Truth:
    return Truth.read(shared_data, "movie_bacteria", FRAMES)


@pytest.fixture
def course(truth: Truth, weights: Path, home: Path) -> Course:
    return Course(Hand(open_model(weights, home / "cache", 2), truth))


def test_divisions_of_both_movies_are_known(shared_data: Path):
    bacteria, nuclei = (Truth.read(shared_data, name) for name in ("movie_bacteria", "movie_nuclei_sim"))
    assert bacteria.daughters[1] == (3, 4)
    assert len(bacteria.daughters) == 17
    assert len(nuclei.daughters) == 6  # read off from where cells end and begin
    for truth in (bacteria, nuclei):
        daughters = [daughter for pair in truth.daughters.values() for daughter in pair]
        assert len(set(daughters)) == len(daughters) == 2 * len(truth.daughters)
        assert all(truth.start(one) == truth.start(other) for one, other in truth.daughters.values())


def test_every_way_ends_at_the_truth_and_propagation_takes_fewer_actions(course: Course, truth: Truth):
    course.first_pass()
    course.follow_queue()
    course.finish()
    assert course.exact()
    alone = Course(Hand(course.hand.model, truth))
    assert not alone.exact()
    alone.by_hand()
    assert alone.exact()
    assert course.hand.actions.total() < alone.hand.actions.total()
    assert alone.hand.actions["accept"] == truth.count
