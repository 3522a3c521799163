"""How long a hover takes while a decoder is trained in the background.

    python -m benchmarks.while_training [--data DIR] [--hovers N] [--quick]

In the real window (see ``benchmarks.click``), with the real model, a training begins as the training dialog
begins one. Then the mouse hovers over cells in blocks that take turns: the training at rest (paused), the
training at work. So both sides have the same window, the same looks and the same machine; what else runs on
it falls on both.

The aim is that the 95th percentile while learning is at most twice that at rest. The decoder alone, measured
before each hover, says how much of the difference is the processor's.
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

from benchmarks import data_sets, hovers
from benchmarks.in_window import in_window
from cellsam_desktop import paths
from cellsam_desktop.sam.registry import ModelRegistry

TARGET = 2.0
SIDES = ("at rest", "learning")
_MODEL = "vit_t"


def run_window(arguments: argparse.Namespace, home: Path) -> dict[str, Any]:
    """Everything that was measured in the window, by a process of its own."""
    return in_window("benchmarks.while_training_window", home, str(arguments.data), str(arguments.hovers))


def figures(report: dict[str, Any]) -> dict[str, Any]:
    """Median and 95th percentile of each side, in milliseconds, and their ratios."""
    facts: dict[str, Any] = {"benchmark": "while_training", "model": _MODEL, "steps": report["steps"]}
    for side in SIDES:
        facts[side] = hovers.figures(report["hovers"][side])
    facts["ratio"] = {
        part: facts["learning"]["hover"][part] / facts["at rest"]["hover"][part] for part in ("p50", "p95")
    }
    return facts


def table(facts: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = hovers.table({f"training {side}": facts[side] for side in SIDES})
    ratio = facts["ratio"]
    lines += [
        "",
        f"Learning to rest: {ratio['p95']:.2f} at the 95th percentile (aim: at most {TARGET:g}), "
        f"{ratio['p50']:.2f} at the median; {facts['learning']['hovers']} hovers each, "
        f"{facts['steps']} steps learned meanwhile.",
    ]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table and the JSON line; 1 when the aim is missed, 2 when something is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.while_training")
    parser.add_argument("--data", type=Path, default=data_sets.SHARED_DATA, help="folder of the data sets")
    parser.add_argument("--hovers", type=int, default=60, help="on each side")
    parser.add_argument("--quick", action="store_true", help="20 on each side")
    arguments = parser.parse_args(argv)
    checkpoint = ModelRegistry().path(_MODEL)
    if checkpoint is None or not arguments.data.is_dir():
        print(f"Needs the model {_MODEL} and the images in {arguments.data}.", file=sys.stderr)
        return 2
    if arguments.quick:
        arguments.hovers = 20
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CELLSAM_HOME"] = folder
        (paths.models_dir() / checkpoint.name).symlink_to(checkpoint)
        facts = figures(run_window(arguments, Path(folder)))
    print(table(facts))
    print(json.dumps(facts))
    return int(facts["ratio"]["p95"] > TARGET)


if __name__ == "__main__":
    sys.exit(main())
