"""Small signs add up; none of them says that a mask is wrong by itself."""

from __future__ import annotations

import math

import pytest

from cellsam_desktop.analysis.signs import Origin, by_model, by_origin, likely

FRESH = Origin(frames=1, fullness=0.98, smaller=0.0)


def test_a_usual_mask_is_hardly_ever_wrong():
    signs = [*by_model(0.95, 0.9), *by_origin(0.98, 0.0, FRESH)]
    assert likely(signs) == pytest.approx(0.03, abs=0.005)
    assert all(sign.weight == pytest.approx(0) for sign in signs)
    assert likely([]) == pytest.approx(likely(signs))  # a mask of another program


@pytest.mark.parametrize(
    ("signs", "said"),
    [
        (by_model(0.8, None), "the model is unsure (80%)"),
        (by_model(None, 0.6), "candidates disagree (60%)"),
        (by_origin(0.98, 0.0, Origin(30, 0.98, 0.0)), "carried on over 30 frames"),
        (by_origin(0.8, 0.0, FRESH), "outline became ragged"),
        (by_origin(0.98, math.log(2), FRESH), "smaller than most (50% of what is common here)"),
    ],
)
def test_each_sign_makes_a_mask_more_doubtful(signs, said):
    assert 0.05 < likely(signs) < 0.5
    (sign,) = [sign for sign in signs if sign.weight > 0.01]
    assert said in sign.words
    assert sign.oddity.probability >= 0.15


def test_several_signs_together_make_a_mask_doubtful():
    assert likely([*by_model(0.85, 0.7), *by_origin(0.9, math.log(2), Origin(20, 0.98, 0.0))]) > 0.5


def test_what_a_person_accepted_is_not_held_against_what_comes_from_it():
    small_and_bent = Origin(frames=1, fullness=0.7, smaller=math.log(3))
    assert likely(by_origin(0.7, math.log(3), small_and_bent)) == pytest.approx(likely([]))
    assert likely(by_origin(0.95, 0.0, small_and_bent)) == pytest.approx(likely([]))


def test_an_estimate_beyond_its_range_is_bounded():
    assert likely(by_model(1.3, 1.0)) == likely(by_model(1.0, 1.0)) > 0
