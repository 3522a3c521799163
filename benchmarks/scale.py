"""How the window's work grows with a project: 50, 500 and 5,000 cells over 10, 100 and 500 frames.

    python -m benchmarks.scale [--cases NAME ...] [--times N] [--quick]

Movie and project are made for each case in a scratch folder; the real window, off screen and without an
encoder, opens it in a process of its own and is driven by keys and mouse. In *small*, *medium* and *large*
every frame shows 50 cells, so that what exists grows 100-fold in cells and 50-fold in masks while what is
visible stays the same: the ratios are large divided by small. *long* has ten times the masks (5,000 cells
that live 50 frames each: 250,000 masks, 500 of them visible), *crowd* has all 5,000 cells on every frame.
5,000 cells on every one of 500 frames would be 2.5 million masks, more than anybody curates by hand, and are
not measured. *import* brings in 100,000 masks.

Per action: ``work_ms`` is all the work of the main thread until the window is at rest again, ``handler_ms``
the longest single event handler (medians over the repetitions; by the thread's own processor time, so that a
busy machine changes little), ``worst_ms`` the longest of all. *step* goes to the next frame and back, *leap*
far away, *accept* draws one mask and saves it. ``save_ms`` is the time to write one mask to the file,
``memory_mb`` what opening added.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.scale_cases import CASES, IMPORT, QUICK

_ROOT = Path(__file__).parents[1]
_TIMEOUT_S = 900
_SMALL, _LARGE = "small", "large"
_PLAIN = ("open_s", "save_ms", "memory_mb", "resident_mb", "file_mb")
_ACTIONS = (
    "open", "step", "leap", "select", "accept", "undo", "redo", "select_all", "step_all_selected",
    "deselect_all",
)  # fmt: skip


def run(name: str, times: int) -> dict[str, Any]:
    """The figures of one case."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "CELLSAM_HOME": folder, "CELLSAM_WATCHDOG": "1"}
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
        environment.setdefault("OPENBLAS_NUM_THREADS", "1")
        command = [sys.executable, "-m", "benchmarks.scale_case", name, folder, str(times)]
        done = subprocess.run(
            command,
            cwd=_ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{name} ended with {done.returncode}:\n{done.stderr}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def growth(small: dict[str, Any], large: dict[str, Any]) -> dict[str, float]:
    """Each figure of the large project divided by that of the small one."""
    ratios = {name: large[name] / small[name] for name in _PLAIN}
    for action in _ACTIONS:
        ratios[action] = large[action]["work_ms"] / small[action]["work_ms"]
    return ratios


def table(results: dict[str, dict[str, Any]]) -> str:
    """The cases beside each other, as Markdown; actions as "work (longest handler)" in milliseconds."""
    cases = [name for name in results if name in CASES]
    lines = []
    if cases:
        lines += [_row("", cases), f"|---|{'--:|' * len(cases)}"]
        for label in ("cells", "frames", "masks", "visible"):
            lines.append(_row(label, [f"{getattr(CASES[name], label):,}" for name in cases]))
        for figure in _PLAIN:
            lines.append(_row(figure, [f"{results[name][figure]:.2f}" for name in cases]))
        for action in _ACTIONS:
            costs = [results[name][action] for name in cases]
            lines.append(
                _row(f"{action}, ms", [f"{c['work_ms']:.1f} ({c['handler_ms']:.1f})" for c in costs])
            )
    if (found := results.get(IMPORT.name)) is not None:
        lines += [
            "",
            _row(f"{IMPORT.masks:,} masks", ("s", "work, ms", "longest handler, ms")),
            "|---|--:|--:|--:|",
        ]
        for step in ("import", "undo_import", "redo_import"):
            costs = [
                f"{found[f'{step}_s']:.1f}",
                *(f"{found[step][key]:.0f}" for key in ("work_ms", "worst_ms")),
            ]
            lines.append(_row(step, costs))
    return "\n".join(lines)


def _row(label: str, cells: Sequence[str]) -> str:
    return f"| {label} | {' | '.join(cells)} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    names = (*CASES, IMPORT.name)
    parser.add_argument("--cases", nargs="+", choices=names, default=names, help="which to measure")
    parser.add_argument("--times", type=int, default=12, help="how often each action is repeated")
    parser.add_argument("--quick", action="store_true", help="the two smallest cases only, few repetitions")
    arguments = parser.parse_args(argv)
    chosen, times = (QUICK, 4) if arguments.quick else (arguments.cases, arguments.times)
    results = {}
    for name in chosen:
        print(name, file=sys.stderr, flush=True)
        results[name] = run(name, times)
    print(table(results))
    facts: dict[str, Any] = {"benchmark": "scale", "cases": results}
    if _SMALL in results:
        largest = _LARGE if _LARGE in results else QUICK[-1]
        if largest in results:
            facts["ratio"] = growth(results[_SMALL], results[largest])
    print(json.dumps(facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
