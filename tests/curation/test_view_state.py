from __future__ import annotations

import json
import logging

import pytest

from cellsam_desktop.curation.view_state import Tool, ViewState
from cellsam_desktop.images.contrast import Contrast


def test_one_emission_names_what_really_changed():
    view, seen = ViewState(), []
    view.changed.connect(seen.append)
    view.set(t=0, c=1, tool=Tool.BRUSH)
    view.set(c=1)
    assert seen == [frozenset({"c", "tool"})]


def test_unknown_names_are_a_programming_error():
    with pytest.raises(TypeError, match="colour"):
        ViewState().set(colour=1)


def test_hidden_and_solo_decide_what_is_visible():
    view = ViewState()
    view.set(hidden=frozenset({1}))
    assert [view.is_visible(i) for i in (1, 2)] == [False, True]
    view.set(solo=frozenset({1, 3}))
    assert [view.is_visible(i) for i in (1, 2, 3)] == [False, False, True]


def test_what_belongs_to_the_movie_survives_json_and_the_rest_stays():
    view = ViewState()
    view.set(
        t=3, selection=(4, 2), contrast={0: Contrast(1, 2, 0.5)}, hidden=frozenset({9}), viewport=(0, 1, 2, 3)
    )
    data = json.loads(json.dumps(view.to_json()))
    other = ViewState(tool=Tool.ERASER, brush_radius=3.5)
    other.from_json(data)
    assert other.to_json() == view.to_json()
    assert other.selection == (4, 2)
    assert other.contrast == {0: Contrast(1, 2, 0.5)}
    assert (other.tool, other.brush_radius) == (Tool.ERASER, 3.5)


def test_another_movie_begins_with_the_defaults():
    view = ViewState()
    view.set(t=3, selection=(1,), hidden=frozenset({1}))
    view.from_json({})
    assert view.to_json() == ViewState().to_json()


@pytest.mark.parametrize(
    "damaged",
    [{"t": "x"}, {"selection": 3}, {"contrast": [1]}, {"contrast": {"0": {"low": 1}}}, {"viewport": [1, 2]}],
)
def test_damaged_values_are_dropped_one_by_one(damaged, caplog):
    view = ViewState()
    with caplog.at_level(logging.WARNING):
        view.from_json({"z": 2, **damaged})
    assert view.z == 2
    assert view.to_json() == {**ViewState().to_json(), "z": 2}
    assert "dropped" in caplog.text
