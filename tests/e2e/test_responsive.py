"""The window never makes one wait while a movie is encoded in the background."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TARGET_MS = 16.0
"""What no handler shall work longer for, on the main thread's own clock: its waiting for a turn on a machine
busy with encoding is reported, not judged.
"""
BUSY_MACHINE = 2.0
"""The same work takes so much longer on cores shared with a computing neighbour (caches, hyper-threads)."""
RARE = 0.002


@pytest.mark.timeout(1200)
def test_no_handler_works_longer_than_a_screen_frame(sample, home_with_weights: Path):
    script = Path(__file__).with_name("work_while_encoding.py")
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "CELLSAM_WATCHDOG": "1"}
    command = [sys.executable, str(script), str(sample.movie), str(sample.tracks)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=1100)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["cells"] > 3
    assert report["frames_encoded_at_the_end"] < report["frames_to_encode"], "nothing was encoded meanwhile"
    print("\n".join(table(report)))
    over = [entry for entry in report["busiest"] if entry["busy_ms"] > TARGET_MS]
    assert len(over) <= RARE * report["events"], table(report)
    assert report["busiest"][0]["busy_ms"] <= BUSY_MACHINE * TARGET_MS, table(report)


def table(report: dict[str, Any]) -> list[str]:
    """The handlers by work and by the clock, longest first."""
    lines = [f"{report['events']} events; work ms, clock ms"]
    for order in ("busiest", "slowest"):
        lines += [
            f"{order}: {entry['busy_ms']:.1f} {entry['ms']:.1f} {entry['event']} of {entry['receiver']}"
            for entry in report[order][:8]
        ]
    return lines
