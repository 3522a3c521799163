"""The page about a run: was it worth it, the figures before and after, curves, and pictures of cells."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

import jinja2

from cellsam_desktop.core.decoder_scores import GOALS, KindScores, Scores
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.smoothing import smoothed
from cellsam_desktop.core.training_messages import Event, Stepped, Validated
from cellsam_desktop.core.wording import counted
from training import charts
from training.metrics import Course, Judgement
from training.pictures import AFTER, BEFORE, SIDE, TRUTH, cell_picture, in_a_row, inline, truth_of
from training.run_folder import RunRecord
from training.views import View

_CORRECTIONS = (0, 1, 3, 7)
_SHOWN = 2  # pictures of the best, of the middle and of the worst cells each
_PURPOSES = (
    ("train", "Training", "learned from"),
    ("validate", "Validation", "chose the best weights"),
    ("test", "Test", "not learned from; the figures below"),
)
_NAMES = {"point": "One click", "box": "Box"}


def write_page(
    record: RunRecord,
    events: Sequence[Event],
    before: Judgement,
    after: Judgement,
    views: Sequence[View],
    parts: Mapping[str, Mapping[str, int]],
    notes: Sequence[str] = (),
) -> str:
    """The page as HTML, complete in itself; ``views`` are those that were judged on.

    ``parts`` gives ``frames`` and ``cells`` of the parts of the split.

    Raises:
        ImageError: an image cannot be read any more.
    """
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        (files("training") / "report.html").read_text(encoding="utf-8")
    )
    kind = before.courses[0].kind if before.courses else "point"
    return template.render(
        title=record.title,
        subtitle=_subtitle(record),
        better=record.better,
        verdict=record.verdict.get("sentence", ""),
        parts=[{"name": name, "purpose": purpose, **parts[key]} for key, name, purpose in _PURPOSES],
        notes=list(notes),
        tables=list(_tables(before, after)),
        closer=_closer(record),
        clicks=max((len(course.ious) for course in before.courses), default=0),
        charts=[*_training_charts(events), *_click_charts(before.scores, after.scores)],
        kind="click" if kind == "point" else "box",
        groups=list(_groups(before, after, views, kind)),
        strip_width=4 * SIDE,
        details=json.dumps(_details(record), indent=2),
    )


def _subtitle(record: RunRecord) -> str:
    minutes = sum(record.seconds.values()) / 60
    preset = record.config.get("preset", "")
    device = record.program.get("device", record.device)
    begun = record.started[:16].replace("T", " ")
    return f"{record.base['name']}, preset {preset}, {minutes:.1f} minutes on {device}, begun {begun} UTC"


def _details(record: RunRecord) -> dict[str, Any]:
    return {
        "base": dict(record.base),
        "config": dict(record.config),
        "data": record.data,
        "held_out": record.held_out,
        "seconds": {name: round(value, 1) for name, value in record.seconds.items()},
        "outcome": dict(record.outcome),
        "verdict": dict(record.verdict),
        "notices": record.notices,
        "program": dict(record.program),
    }


def _closer(record: RunRecord) -> str:
    gains = record.verdict.get("closer", {})
    if not gains:
        return ""
    cells = record.after["closer"]["cells"]
    parts = [f"after a {'click' if kind == 'point' else 'box'} {gain:+.3f}" for kind, gain in gains.items()]
    return f"Looking as closely as the window does, the IoU on {cells} cells changed {' and '.join(parts)}."


# -- tables --------------------------------------------------------------------------------------------


def _tables(before: Judgement, after: Judgement) -> Iterator[dict[str, Any]]:
    old, new = before.by_data_set(), after.by_data_set()
    if len(old) > 1:
        yield _table("All data", before.scores, after.scores)
    for name in old:
        yield _table(name, old[name], new[name])


def _table(name: str, old: Scores, new: Scores) -> dict[str, Any]:
    kinds = [kind for kind in old.kinds if kind in new.kinds]
    return {
        "caption": f"{name}: {old.cells} cells on {old.frames} frames",
        "rows": [row for kind in kinds for row in _rows(kind, old.kinds[kind], new.kinds[kind])],
        "goals": [row for kind in kinds for row in _goals(kind, old.kinds[kind], new.kinds[kind])],
    }


def _rows(kind: str, old: KindScores, new: KindScores) -> Iterator[dict[str, str]]:
    for n in _CORRECTIONS:
        if n >= len(old.iou):
            return
        change = new.iou[n] - old.iou[n]
        after = f", {counted(n, 'correction')}" if n else ""
        yield {
            "name": _NAMES[kind] + after,
            "iou_before": f"{old.iou[n]:.3f}",
            "iou_after": f"{new.iou[n]:.3f}",
            "change": f"{change:+.3f}",
            "tone": "up" if change > 0.005 else "down" if change < -0.005 else "",
            "dice_before": f"{old.dice[n]:.3f}",
            "dice_after": f"{new.dice[n]:.3f}",
        }


def _goals(kind: str, old: KindScores, new: KindScores) -> Iterator[dict[str, str]]:
    for goal in GOALS:
        yield {
            "name": f"{_NAMES[kind]} first, to IoU {goal:g}",
            "clicks_before": f"{old.clicks_to[goal]:.1f}",
            "clicks_after": f"{new.clicks_to[goal]:.1f}",
            "reached_before": f"{old.reached[goal]:.0%}",
            "reached_after": f"{new.reached[goal]:.0%}",
        }


# -- curves --------------------------------------------------------------------------------------------


def _training_charts(events: Sequence[Event]) -> Iterator[dict[str, Any]]:
    # Steps that were lost by a kill were taken once more: the later ones count.
    losses = {float(event.step): event.loss for event in events if isinstance(event, Stepped)}
    looks = {float(event.step): event.scores.mean_iou for event in events if isinstance(event, Validated)}
    steps, held_out = sorted(losses), sorted(looks.items())
    if steps:
        loss = [losses[step] for step in steps]
        raw = charts.Curve("loss", "faint", list(zip(steps, loss, strict=True)))
        mean = charts.Curve("mean", "after", list(zip(steps, smoothed(loss), strict=True)))
        drawn = charts.chart([raw, mean], "step", "loss")
        yield {"caption": "Loss", "svg": drawn}
    if held_out:
        drawn = _iou_chart([charts.Curve("held-out IoU", "after", held_out, marks=True)], "step")
        yield {"caption": "IoU on validation cells, mean over prompts and clicks", "svg": drawn}


def _click_charts(before: Scores, after: Scores) -> Iterator[dict[str, Any]]:
    for kind, old in before.kinds.items():
        curves = [
            charts.Curve(name, name, list(enumerate(map(float, own), start=1)), marks=True)
            for name, own in (("before", old.iou), ("after", after.kinds[kind].iou))
        ]
        drawn = _iou_chart(curves, "clicks")
        begin = "a click" if kind == "point" else "a box"
        yield {"caption": f"IoU on test cells, beginning with {begin}", "svg": drawn}


def _iou_chart(curves: Sequence[charts.Curve], x_name: str) -> str:
    low = min(value for curve in curves for _, value in curve.points)
    return charts.chart(curves, x_name, "IoU", (max(0.0, low - 0.1), 1.0))


# -- pictures ------------------------------------------------------------------------------------------


def _groups(
    before: Judgement, after: Judgement, views: Sequence[View], kind: str
) -> Iterator[dict[str, Any]]:
    """The best, the middle and the worst cells after training."""
    old = {course.key: course for course in before.courses if course.kind == kind}
    found = [course for course in after.courses if course.kind == kind and course.key in old]
    found.sort(key=lambda course: -course.ious[0])
    for name, chosen in _thirds(found):
        yield {"name": name, "cells": [_cell(old[own.key], own, views[own.view]) for own in chosen]}


def _thirds(found: Sequence[Course]) -> Iterator[tuple[str, Sequence[Course]]]:
    count = min(_SHOWN, len(found) // 3) or 1
    middle = (len(found) - count) // 2
    if len(found) >= 3:
        yield "Best", found[:count]
        yield "Middle", found[middle : middle + count]
        yield "Worst", found[-count:]
    elif found:
        yield "All", found


def _cell(old: Course, new: Course, view: View) -> dict[str, str]:
    frame, image, truth = view.frame, view.image(), truth_of(new, view)
    masks: list[tuple[Mask | None, tuple[int, int, int]]] = [
        (None, TRUTH), (truth, TRUTH), (old.first, BEFORE), (new.first, AFTER)
    ]  # fmt: skip
    pictures = [cell_picture(image, truth, mask, colour) for mask, colour in masks]
    where = f"{frame.data_set}, {frame.name}, cell {new.key.cell_id}"
    return {
        "picture": inline(in_a_row(pictures)),
        "caption": f"{where}: IoU {old.ious[0]:.2f} before, {new.ious[0]:.2f} after",
    }
