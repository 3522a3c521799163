"""Runs a part of a benchmark in the real window: another process, on a virtual screen if there is one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

_SCREEN = "-screen 0 1680x1050x24"


def in_window(module: str, home: Path, *arguments: str) -> dict[str, Any]:
    """What ``module`` reports in the last line that it prints, and under ``screen`` where it ran."""
    command = [sys.executable, "-m", module, *arguments]
    # The program's own command does this, and it has to be done before NumPy is loaded.
    environment = {**os.environ, "CELLSAM_HOME": str(home), "OPENBLAS_NUM_THREADS": "1"}
    xvfb = shutil.which("xvfb-run")
    environment["QT_QPA_PLATFORM"] = "offscreen" if xvfb is None else "xcb"
    if xvfb is not None:
        command = [xvfb, "-a", "-s", _SCREEN, *command]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {"screen": "off screen, because xvfb-run is missing" if xvfb is None else "xvfb", **report}
