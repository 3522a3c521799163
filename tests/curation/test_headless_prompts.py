from __future__ import annotations

import json
from pathlib import Path

import pytest

from cellsam_desktop.core.errors import PromptError
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.curation.headless_prompts import Entry, choose_frame, read_prompts, refuse_outside

CLICK = {"points": [{"x": 1, "y": 2}]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "PROMPTS.json"


def test_entries_keep_their_order_and_prompts(path: Path):
    points = [{"x": 12.5, "y": 40, "label": 1}, {"x": 3, "y": 4, "label": 0}]
    data = [{"id": 9, "frame": 2, "points": points, "box": [1, 2, 30, 40]}, {"id": 1, "box": [0, 0, 1, 1]}]
    path.write_text(json.dumps(data), encoding="utf-8-sig")
    assert read_prompts(path) == [
        Entry(9, 2, Prompts((Point(12.5, 40), Point(3, 4, positive=False)), Box(1, 2, 30, 40))),
        Entry(1, None, Prompts(box=Box(0, 0, 1, 1))),
    ]


def test_an_id_may_be_prompted_on_several_frames(path: Path):
    path.write_text(json.dumps([{"id": 1, "frame": t, **CLICK} for t in (0, 1)]))
    assert [entry.frame for entry in read_prompts(path)] == [0, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
        ("{}", "not a list"),
        ("3", "not a list"),
        ("[3]", "Entry 1"),
        ('[{"points": [{"x": 1, "y": 2}]}]', "the id None"),
        ('[{"id": 0, "box": [0, 0, 1, 1]}]', "the id 0"),
        ('[{"id": 1.5, "box": [0, 0, 1, 1]}]', "the id 1.5"),
        ('[{"id": true, "box": [0, 0, 1, 1]}]', "the id True"),
        ('[{"id": "1", "box": [0, 0, 1, 1]}]', "the id '1'"),
        ('[{"id": 4294967296, "box": [0, 0, 1, 1]}]', "no label image can hold"),
        ('[{"id": 1, "frame": -1, "box": [0, 0, 1, 1]}]', "the frame -1"),
        ('[{"id": 1, "frame": "a", "box": [0, 0, 1, 1]}]', "the frame 'a'"),
        ('[{"id": 1}]', "neither points nor a box"),
        ('[{"id": 1, "points": [], "box": null}]', "neither points nor a box"),
        ('[{"id": 1, "points": {"x": 1, "y": 2}}]', "not a list"),
        ('[{"id": 1, "points": [[1, 2]]}]', "not understood"),
        ('[{"id": 1, "points": [{"x": 1}]}]', "not understood"),
        ('[{"id": 1, "points": [{"x": 1, "y": 2, "label": 2}]}]', "label 2"),
        ('[{"id": 1, "points": [{"x": NaN, "y": 2}]}]', "not a number"),
        ('[{"id": 1, "box": [0, 0, Infinity, 2]}]', "not a number"),
        ('[{"id": 1, "box": [0, 0, 1]}]', "not understood"),
        ('[{"id": 1, "box": [5, 0, 1, 2]}]', "inside out"),
        ('[{"id": 1, "box": [0, 0, 1, 1]}, {"id": 1, "box": [2, 2, 3, 3]}]', "cell 1 twice"),
        ('[{"id": 1, "frame": 3, "box": [0, 0, 1, 1]}, {"id": 1, "box": [2, 2, 3, 3]}]', "cell 1 twice"),
    ],
)
def test_mistakes_are_named_in_one_sentence(path: Path, text: str, words: str):
    path.write_text(text)
    with pytest.raises(PromptError) as caught:
        read_prompts(path)
    assert words in str(caught.value)
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_or_binary_file(path: Path):
    with pytest.raises(PromptError, match="cannot be read"):
        read_prompts(path)
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(PromptError, match="not valid JSON"):
        read_prompts(path)


@pytest.mark.parametrize(
    ("named", "wanted", "frame"),
    [((), None, 0), ((None,), None, 0), ((4, 2, 4), None, 2), ((4, 2), 3, 3), ((None, 5), 0, 0)],
)
def test_the_frame_wanted_or_the_first_named(path: Path, named, wanted, frame):
    entries = [Entry(i, t, Prompts((Point(1, 1),))) for i, t in enumerate(named, 1)]
    assert choose_frame(entries, wanted, 10, path) == frame


@pytest.mark.parametrize(("named", "wanted"), [(1, None), (None, 1), (None, -1), (7, 0)])
def test_frames_the_image_does_not_have(path: Path, named, wanted):
    with pytest.raises(PromptError, match="only frame 0"):
        choose_frame([Entry(1, named, Prompts((Point(1, 1),)))], wanted, 1, path)


@pytest.mark.parametrize("x", [-0.5, 0, 29, 29.4])
def test_points_on_border_pixels_are_on_the_image(path: Path, x: float):
    refuse_outside([Entry(1, None, Prompts((Point(x, 0),)))], 20, 30, path)


@pytest.mark.parametrize(("x", "y"), [(30, 0), (-0.6, 0), (0, 20), (0, -1), (29.5, 0)])
def test_points_outside_are_refused(path: Path, x: float, y: float):
    with pytest.raises(PromptError, match=r"cell 5 .* lies outside"):
        refuse_outside([Entry(5, None, Prompts((Point(3, 3), Point(x, y))))], 20, 30, path)


def test_boxes_may_reach_over_the_border_but_not_lie_outside(path: Path):
    refuse_outside([Entry(1, None, Prompts(box=Box(-3, 5, 30, 20)))], 20, 30, path)
    with pytest.raises(PromptError, match=r"box .* lies outside"):
        refuse_outside([Entry(1, None, Prompts(box=Box(40, 5, 50, 10)))], 20, 30, path)
