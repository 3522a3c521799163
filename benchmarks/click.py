"""From an input event to painted pixels in the real window, idle and while it encodes in the background.

    python -m benchmarks.click [--data DIR] [--clicks N] [--threads N] [--quick]

Real mouse events are posted to the canvas of the real window, on a virtual screen (Xvfb; off screen where
that is missing), with the real model on ``movie_bacteria``. The clock stops when the event in which the
canvas painted the new mask is over, so that the picture has gone to the screen.

- *decoder* is the decoder alone, measured between the clicks with a session of its own on the same look and
  prompt: one answer and its best mask, which any program needs before it can paint.
- *hover*: the mouse moves to a cell, until the mask that a click would give.
- *click*: the mouse moves to a cell and clicks in the same moment, until the first mask.
- *click at rest*: the mouse has been there for a while, which is what people do.
- *ranked*: as *click*, until all looks have been asked and the ranked candidates are there.

Besides the percentiles stands the median of the ratios of each click to the decoder right before it, which a
busy machine disturbs less. The longest handler is that of the longest single event of the window's main
thread, by the clock and by the work it did (the rest it waited for its turn on the processor).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import data_sets
from benchmarks.in_window import in_window
from cellsam_desktop import paths
from cellsam_desktop.sam.registry import ModelRegistry

TARGET = 1.5
SERIES = ("decoder", "hover", "click", "click at rest", "ranked")
PHASES = ("idle", "encoding")
_MODEL = "vit_t"


def run_window(arguments: argparse.Namespace, home: Path) -> dict[str, Any]:
    """Everything that was measured in the window, by a process of its own."""
    return in_window("benchmarks.click_window", home, str(arguments.data), str(arguments.clicks))


def figures(report: dict[str, Any]) -> dict[str, Any]:
    """Median and 95th percentile of each series, in milliseconds."""
    facts: dict[str, Any] = {"benchmark": "click", "model": _MODEL, "screen": report["screen"]}
    for phase in PHASES:
        series = report[phase]["series"]
        facts[phase] = {name: spread(series[name]) for name in SERIES}
        facts[phase]["longest_handler"] = report[phase]["longest_handler"]
        facts[phase]["encodes"] = report[phase]["encodes"]
        facts[phase]["decodes_per_click"] = float(np.mean(series["decodes"]))
    decoder = facts["idle"]["decoder"]["p50"]
    facts["ratio"] = {
        "idle_click_p95_to_decoder_median": facts["idle"]["click"]["p95"] / decoder,
        "idle_click_at_rest_p95_to_decoder_median": facts["idle"]["click at rest"]["p95"] / decoder,
    }
    for phase in PHASES:
        series = report[phase]["series"]
        pairs = np.divide(series["click"], series["decoder"])
        facts["ratio"][f"{phase}_click_to_decoder"] = float(np.median(pairs))
    return facts


def table(facts: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        "| ms | idle, median | 95 % | while encoding, median | 95 % |",
        "|---|--:|--:|--:|--:|",
    ]
    for name in SERIES:
        cells = [f"{facts[phase][name][part]:.1f}" for phase in PHASES for part in ("p50", "p95")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    for part in ("ms", "busy_ms"):
        longest = [f"{facts[phase]['longest_handler'][part]:.1f}" for phase in PHASES]
        name = "longest handler" if part == "ms" else "longest handler, work"
        lines.append(f"| {name} | {longest[0]} | | {longest[1]} | |")
    ratio = facts["ratio"]
    lines += [
        "",
        f"Idle, the 95th percentile of the clicks to the decoder's median (aim: at most {TARGET}): "
        f"{ratio['idle_click_at_rest_p95_to_decoder_median']:.2f} where the mouse rests, "
        f"{ratio['idle_click_p95_to_decoder_median']:.2f} in the moment in which it arrives. "
        f"A click to the decoder right before it, median of the pairs: "
        f"{ratio['idle_click_to_decoder']:.2f} idle, {ratio['encoding_click_to_decoder']:.2f} encoding. "
        f"Looks decoded for a click: {facts['idle']['decodes_per_click']:.1f} idle, "
        f"{facts['encoding']['decodes_per_click']:.1f} encoding. "
        f"Screen: {facts['screen']}. Encoded meanwhile: {facts['encoding']['encodes']} looks.",
    ]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table and the JSON line; 1 when the aim is missed, 2 when something is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.click")
    parser.add_argument("--data", type=Path, default=data_sets.SHARED_DATA, help="folder of the data sets")
    parser.add_argument("--clicks", type=int, default=60, help="clicks of each kind, idle and while encoding")
    parser.add_argument("--threads", type=int, help="processor cores that window and encoder may use")
    parser.add_argument("--quick", action="store_true", help="12 clicks of each kind")
    arguments = parser.parse_args(argv)
    checkpoint = ModelRegistry().path(_MODEL)
    if checkpoint is None or not arguments.data.is_dir():
        print(f"Needs the model {_MODEL} and the images in {arguments.data}.", file=sys.stderr)
        return 2
    if arguments.quick:
        arguments.clicks = 12
    if arguments.threads is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CELLSAM_HOME"] = folder
        (paths.models_dir() / checkpoint.name).symlink_to(checkpoint)
        facts = figures(run_window(arguments, Path(folder)))
    print(table(facts))
    print(json.dumps(facts))
    return int(facts["ratio"]["idle_click_p95_to_decoder_median"] > TARGET)


def spread(series: list[float]) -> dict[str, float]:
    return {"p50": float(np.percentile(series, 50)), "p95": float(np.percentile(series, 95))}


if __name__ == "__main__":
    sys.exit(main())
