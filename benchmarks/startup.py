"""From the start of the process to a window that answers: the program beside a bare window.

    python -m benchmarks.startup [--rounds N] [--quick]

Both sides run in processes of their own, in turns, with the same interpreter and on the same screen
(``QT_QPA_PLATFORM``, "offscreen" unless the environment says otherwise). *Painted* is when the canvas has
been painted for the first time, *answered* when a mouse move sent to it after that has been handled.
*Bare* is a main window around an empty pyqtgraph plot. *Ours* is the command ``cellsam-desktop gui`` with
settings of its own and no model installed. Times are medians over the rounds, ratios medians of the
rounds' ratios; one round before them, which fills the disk cache, does not count. What each side's imports
cost comes from one more start with ``-X importtime``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from cellsam_desktop.settings import Settings

_CHILD = Path(__file__).with_name("startup_child.py")
_SIDES = ("ours", "bare")
_PHASES = ("painted_ms", "answered_ms")
_TIMEOUT_S = 120
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
_KEPT_PACKAGES = 20
_SHOWN_PACKAGES = 8


def start(side: str, home: Path, *options: str) -> tuple[dict[str, Any], str]:
    """Start one side once; what it reports, and its standard error."""
    environment = {**os.environ, "PYTHONPATH": str(_CHILD.parents[1])}
    environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    command = [sys.executable, *options, str(_CHILD), side, str(time.monotonic_ns())]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=_TIMEOUT_S, cwd=home, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{side} ended with {done.returncode}:\n{done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report, done.stderr


def packages(side: str, home: Path) -> dict[str, float]:
    """Milliseconds spent in the imports of each top-level package up to the end of a start, largest first."""
    _, log = start(side, home, "-X", "importtime")
    spent: Counter[str] = Counter()
    for micros, name in _IMPORT.findall(log):
        spent[name.split(".")[0]] += int(micros)
    return {name: round(micros / 1000, 1) for name, micros in spent.most_common(_KEPT_PACKAGES)}


def measure(rounds: int, home: Path) -> dict[str, Any]:
    """All figures of the benchmark."""
    for side in _SIDES:
        start(side, home)
    reports = [{side: start(side, home)[0] for side in _SIDES} for _ in range(rounds)]
    facts: dict[str, Any] = {"benchmark": "startup", "rounds": rounds}
    for side in _SIDES:
        facts[side] = {phase: median(report[side][phase] for report in reports) for phase in _PHASES}
        facts[side]["modules"] = reports[-1][side]["modules"]
        facts[side]["imports_ms"] = packages(side, home)
    facts["torch_loaded"] = any(report["ours"]["torch"] for report in reports)
    facts["ratio"] = {
        phase.removesuffix("_ms"): median(report["ours"][phase] / report["bare"][phase] for report in reports)
        for phase in _PHASES
    }
    return facts


def table(facts: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = ["| | ours | bare | ratio |", "|---|--:|--:|--:|"]
    for phase in _PHASES:
        name = phase.removesuffix("_ms")
        ours, bare = (facts[side][phase] for side in _SIDES)
        lines.append(f"| {name}, ms | {ours:.0f} | {bare:.0f} | {facts['ratio'][name]:.2f} |")
    lines.append(f"| modules loaded | {facts['ours']['modules']} | {facts['bare']['modules']} | |")
    lines += ["", "| imports, ms | ours | bare |", "|---|--:|--:|"]
    ours, bare = (facts[side]["imports_ms"] for side in _SIDES)
    lines.append(f"| all of these | {sum(ours.values()):.0f} | {sum(bare.values()):.0f} |")
    for name in list(ours)[:_SHOWN_PACKAGES]:
        lines.append(f"| {name} | {ours[name]:.0f} | {bare.get(name, 0.0):.0f} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the tables and the JSON line; 1 if torch was loaded into the window's process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup")
    parser.add_argument("--rounds", type=int, default=9, help="how often each side is started")
    parser.add_argument("--quick", action="store_true", help="three rounds only")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ["CELLSAM_HOME"] = str(home)
        Settings(welcomed=True).save()
        facts = measure(3 if arguments.quick else arguments.rounds, home)
    print(table(facts))
    print(json.dumps(facts))
    return int(facts["torch_loaded"])


if __name__ == "__main__":
    sys.exit(main())
