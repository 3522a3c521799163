"""Numbers of training as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cellsam_desktop.core.decoder_scores import KINDS, Scores
from cellsam_desktop.core.wording import counted
from cellsam_desktop.curation.training_course import Course, Phase

KIND_WORDS = {"point": "one point", "box": "a box"}
_PARTS = ("train", "validate", "test")
NOTHING = "–"


@dataclass(frozen=True)
class DataCount:
    """What one set of data has: cells and frames to learn from, to choose the best weights, and to judge; and
    how many of the frames are complete.
    """

    name: str
    cells: tuple[int, int, int]
    frames: tuple[int, int, int]
    complete: int = 0


def counts_of(summary: Mapping[str, Any]) -> list[DataCount]:
    """The counts in what a plan says about the data."""
    sets: Mapping[str, Mapping[str, Any]] = summary.get("data_sets", {})
    return [
        DataCount(name, _numbers(parts, "cells"), _numbers(parts, "frames"), sum(_numbers(parts, "complete")))
        for name, parts in sets.items()
    ]


def _numbers(parts: Mapping[str, Any], what: str) -> tuple[int, int, int]:
    values = (parts.get(part, {}).get(what, 0) for part in _PARTS)
    train, validate, test = (len(value) if isinstance(value, list) else int(value) for value in values)
    return train, validate, test


def sums(counts: list[DataCount]) -> tuple[int, ...]:
    """Cells to learn from, to choose by and to judge by, of all data; nothing without data."""
    return tuple(map(sum, zip(*(count.cells for count in counts), strict=True)))


def total(counts: list[DataCount]) -> str:
    """One line about all data."""
    learn, choose, judge = sums(counts)
    frames = sum(sum(count.frames) for count in counts)
    complete = sum(count.complete for count in counts)
    return (
        f"{counted(learn, 'cell')} to learn from, {choose} to choose the best weights by, {judge} to judge "
        f"the result; on {counted(frames, 'frame')}, of which {complete or 'none'} "
        f"{'is' if complete == 1 else 'are'} marked as complete."
    )


def duration(seconds: float) -> str:
    """A time such as "45 s" or "3:05 min"."""
    whole = max(0, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60}:{whole % 60:02} min"


def doing(course: Course) -> str:
    """What a training is busy with."""
    match course.phase:
        case Phase.PREPARING:
            return "Reading the data …"
        case Phase.ENCODING if course.embedded is not None:
            return f"Encoding the images, once: {course.embedded.done} of {course.embedded.of}"
        case Phase.ENCODING:
            return "Encoding the images, once …"
        case Phase.JUDGING:
            return "Measuring the decoder as it is …"
        case Phase.PAUSED:
            return "Paused"
        case Phase.ENDING:
            return "Ending, and measuring what was learned …"
        case Phase.LEARNING if course.last is not None and course.last.seconds_left <= 0:
            return "Measuring what was learned …"
        case _:
            return "Learning"


def speed(course: Course) -> str:
    """Speed and time left, once they are known."""
    last = course.last
    if last is None:
        return ""
    rate = last.prompts_per_second
    return f"{duration(last.seconds_left)} left · {rate:.{0 if rate >= 10 else 1}f} prompts a second"


def measured_on(scores: Scores, course: Course) -> str:
    """What judged a training; where the data were too few for frames of their own, the notes say so."""
    notes: list[str] = [] if course.planned is None else course.planned.data.get("notes", [])
    apart = "" if notes else " that nothing was learned from"
    what = f"{counted(scores.cells, 'cell')} of {counted(scores.frames, 'frame')}{apart}"
    return " ".join([f"Measured on {what}, with prompts placed by a simulated curator.", *notes])


def score_rows(before: Scores, after: Scores) -> list[tuple[str, str, str, str]]:
    """Lines of a table: what was measured, before, after, and the difference."""
    rows = []
    for kind in KINDS:
        if kind in before.kinds and kind in after.kinds:
            rows += _kind_rows(kind, before, after)
    return rows


def _kind_rows(kind: str, before: Scores, after: Scores) -> list[tuple[str, str, str, str]]:
    name, rows = KIND_WORDS[kind], []
    for corrections in (0, 1, 3, 7):
        old, new = before.iou(kind, corrections), after.iou(kind, corrections)
        if old is not None and new is not None:
            more = f" and {counted(corrections, 'correction')}" if corrections else ""
            rows.append((f"IoU from {name}{more}", f"{old:.3f}", f"{new:.3f}", _signed(new - old, 3)))
    clicks = before.kinds[kind].clicks_to, after.kinds[kind].clicks_to
    for goal in sorted(clicks[0].keys() & clicks[1].keys()) if kind == "point" else ():
        old, new = clicks[0][goal], clicks[1][goal]
        rows.append((f"Clicks to IoU {goal:g}", f"{old:.1f}", f"{new:.1f}", _signed(new - old, 1)))
    return rows


def _signed(change: float, digits: int) -> str:
    """With its sign, unless it rounds to nothing."""
    rounded = round(change, digits)
    return f"{rounded:+.{digits}f}" if rounded else f"{0:.{digits}f}"
