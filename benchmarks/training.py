"""What training a decoder brings on images it has not seen, and what it costs on other kinds of images.

    python -m benchmarks.training [--data DIR] [--sets NAME ...] [--seeds N ...] [--minutes M] [--preset NAME]
        [--runs DIR] [--quick]

Each set is learned from with ``cellsam-train fit --minutes``, once per seed, and judged on the images that
``training_sets`` holds back, before and after:

- *reference*: ``cellsam-train evaluate``, the whole image encoded once, the best predicted IoU; one point in
  the middle of each cell, or a box around it;
- *ours*: the same prompts through the code behind ``segment``, with its crops and its choice of candidate,
  no cell accepted before, on 64 cells evenly spread;
- *others*: the largest loss of box IoU on the test images of the other sets (``--quick`` leaves it out).

The time includes reading, encoding, judging and exporting. All seeds take hours: with ``--runs`` what was
trained and judged stays in that folder, and a later call of the same commit goes on where the last one ended.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import data_sets
from benchmarks.training_commands import MODEL, evaluate, fit
from benchmarks.training_ours import ours
from benchmarks.training_sets import TRAINING_SETS, TrainingSet
from cellsam_desktop.sam.registry import ModelRegistry

LARGEST_LOSS = 0.03
"""So much of their boxes' IoU may the other sets lose."""

Row = dict[str, Any]
Judge = Callable[[TrainingSet, Path | None], dict[str, float]]


class Bench:
    """Trains and judges by the program's own commands; what is judged once is remembered."""

    def __init__(self, data: Path, runs: Path, preset: str) -> None:
        self._data, self._runs, self._preset = data, runs, preset
        self._known: dict[tuple[str, str, Path | None], dict[str, float]] = {}

    def row(self, part: TrainingSet, seed: int, others: Sequence[TrainingSet]) -> Row:
        """Train once and judge, or read what came of that before."""
        words = (part.name, self._preset, f"{part.minutes:g}", f"{len(others)}", str(seed))
        run = self._runs / "-".join(words)
        kept = run / "row.json"
        if kept.is_file():
            row: Row = json.loads(kept.read_text(encoding="utf-8"))
        else:
            shutil.rmtree(run, ignore_errors=True)  # of a call that was ended
            row = self._new_row(part, seed, others, run)
            kept.write_text(json.dumps(row), encoding="utf-8")
        return row

    def _new_row(self, part: TrainingSet, seed: int, others: Sequence[TrainingSet], run: Path) -> Row:
        seconds = fit(part, self._data, run, part.minutes, self._preset, seed)
        losses = {o.name: self._reference(o, run)["box"] - self._reference(o, None)["box"] for o in others}
        return {
            "set": part.name,
            "seed": seed,
            "minutes": part.minutes,
            "seconds": seconds,
            "before": self._scores(part, None),
            "after": self._scores(part, run),
            "others": losses,
        }

    def _scores(self, part: TrainingSet, run: Path | None) -> dict[str, float]:
        """Mean IoU of one point and of a box, in the reference's way and in ours."""
        return self._reference(part, run) | self._once("ours", part, run, self._ask_ours)

    def _reference(self, part: TrainingSet, run: Path | None) -> dict[str, float]:
        return self._once("reference", part, run, self._evaluate)

    def _once(self, way: str, part: TrainingSet, run: Path | None, judge: Judge) -> dict[str, float]:
        key = (way, part.name, run)
        if key not in self._known:
            self._known[key] = judge(part, run)
        return self._known[key]

    def _ask_ours(self, part: TrainingSet, run: Path | None) -> dict[str, float]:
        return ours(self._data, part, run)

    def _evaluate(self, part: TrainingSet, run: Path | None) -> dict[str, float]:
        return evaluate(part.test_data(self._data), run)


def table(rows: Sequence[Row]) -> str:
    """The results as Markdown, means over the seeds."""
    lines = [
        "| data set | minutes | seeds | point | aim | box | aim | ours: point | box | others |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for part in TRAINING_SETS:
        own = [row for row in rows if row["set"] == part.name]
        if not own:
            continue
        shown = {kind: _change(own, kind) for kind in ("point", "box", "ours_point", "ours_box")}
        worst = [loss for row in own for loss in row["others"].values()]
        lines.append(
            f"| {part.name} | {own[0]['minutes']:g} | {len(own)} | {shown['point']} | {part.point} "
            f"| {shown['box']} | {part.box} | {shown['ours_point']} | {shown['ours_box']} "
            f"| {f'{min(worst):+.3f}' if worst else ''} |"
        )
    return "\n".join(lines)


def _change(rows: Sequence[Row], kind: str) -> str:
    before, after = (float(np.mean([row[when][kind] for row in rows])) for when in ("before", "after"))
    return f"{before:.3f} -> {after:.3f}"


def reached(rows: Sequence[Row]) -> bool:
    """Whether every aim holds, on the mean over seeds."""
    for part in TRAINING_SETS:
        own = [row for row in rows if row["set"] == part.name]
        short = own and any(
            np.mean([row["after"][kind] for row in own]) < aim
            for kind, aim in (("point", part.point), ("box", part.box))
        )
        if short or any(loss < -LARGEST_LOSS for row in own for loss in row["others"].values()):
            return False
    return True


def main(argv: Sequence[str] | None = None) -> int:
    """Train, judge, print the table and the JSON line; 1 when an aim is missed, 2 without model or data."""
    names = [part.name for part in TRAINING_SETS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training")
    parser.add_argument("--data", type=Path, default=data_sets.SHARED_DATA, help="folder of the data sets")
    parser.add_argument("--sets", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="N")
    parser.add_argument("--minutes", type=float, help="for each set (default: its own time)")
    parser.add_argument("--preset", default="curator")
    parser.add_argument("--runs", type=Path, help="folder to keep the runs in (default: none are kept)")
    parser.add_argument("--quick", action="store_true", help="one minute, one seed, no other sets")
    arguments = parser.parse_args(argv)
    if ModelRegistry().path(MODEL) is None or not arguments.data.is_dir():
        print(f"Needs the model {MODEL} and the images in {arguments.data}.", file=sys.stderr)
        return 2
    if arguments.quick:
        arguments.minutes, arguments.seeds = 1.0, arguments.seeds[:1]
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(arguments.data, arguments.runs or Path(scratch), arguments.preset)
        rows = []
        for part in (part for part in TRAINING_SETS if part.name in arguments.sets):
            others = [] if arguments.quick else [other for other in TRAINING_SETS if other != part]
            timed = part if arguments.minutes is None else replace(part, minutes=arguments.minutes)
            rows += [bench.row(timed, seed, others) for seed in arguments.seeds]
    print(table(rows))
    print(json.dumps({"benchmark": "training", "model": MODEL, "preset": arguments.preset, "rows": rows}))
    return int(not reached(rows))


if __name__ == "__main__":
    sys.exit(main())
