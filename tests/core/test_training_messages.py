import pytest

from cellsam_desktop.core.decoder_scores import KindScores, Scores
from cellsam_desktop.core.training_messages import (
    Embedded,
    Failed,
    Finished,
    Judged,
    Noticed,
    Pictured,
    Planned,
    Stepped,
    Validated,
    from_line,
    to_line,
)

POINT = KindScores((0.5, 0.75), (0.6, 0.85), {0.8: 1.5, 0.9: 2.0}, {0.8: 0.5, 0.9: 0.0})
SCORES = Scores(2, 7, {"point": POINT, "box": KindScores((0.8,), (0.9,))})


@pytest.mark.parametrize(
    "event",
    [
        Planned("curator", "cpu", {"train": {"frames": 3, "cells": 12}}, 5.0),
        Embedded(3, 10),
        Judged("before", SCORES),
        Stepped(120, 0.41, None, 88.5, 12.0, 108.0),
        Validated(120, SCORES, True),
        Pictured("/tmp/run/example.png"),
        Noticed("Only one cell: ü"),
        Finished(True, "/tmp/run", "/tmp/run/report.html", SCORES, SCORES, "Better."),
        Failed("There is no cell."),
    ],
)
def test_every_event_survives_the_line(event):
    line = to_line(event)
    assert "\n" not in line
    assert from_line(line) == event


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"event": "nothing"}', '{"event": "embedded"}', "5"])
def test_what_is_no_message_is_refused(line):
    with pytest.raises(ValueError, match="not a message of training"):
        from_line(line)


def test_scores_are_looked_up_by_kind_and_corrections():
    assert SCORES.iou("point", 1) == 0.75
    assert SCORES.iou("box", 1) is None
    assert Scores(1, 1, {}).iou("point") is None
    assert SCORES.mean_iou == pytest.approx((0.5 + 0.75 + 0.8) / 3)
