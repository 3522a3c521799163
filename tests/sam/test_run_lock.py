"""A run is under way as long as a process holds its lock, however that process ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cellsam_desktop.sam import run_lock

HOLD = """
import sys, time
from pathlib import Path
from cellsam_desktop.sam import run_lock
lock = run_lock.take(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def test_one_holds_it_at_a_time(tmp_path: Path) -> None:
    assert not run_lock.is_held(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with run_lock.take(tmp_path):
        assert run_lock.is_held(tmp_path)
        assert run_lock.take(tmp_path) is None
    assert not run_lock.is_held(tmp_path)


def test_it_is_free_after_a_kill(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        assert run_lock.is_held(tmp_path)
        process.kill()
    assert not run_lock.is_held(tmp_path)
