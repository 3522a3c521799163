"""Run the probes in processes of their own and collect what they found."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cellsam_desktop import installed, paths

_TIMEOUT_S = 180
Finding = dict[str, Any]


def collect(names: Iterable[str]) -> dict[str, Finding]:
    """Findings by probe name; a probe that failed, crashed or hung has the reason under ``failed``."""
    names = list(names)
    with ThreadPoolExecutor(max_workers=2) as pool:
        return dict(zip(names, pool.map(_run, names), strict=True))


def nvidia_gpu() -> str | None:
    """The NVIDIA GPU as its driver names it, None without a GPU or driver."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    query = [tool, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    environment = installed.outside_environment()
    try:
        answer = subprocess.run(
            query, env=environment, capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    first = answer.stdout.strip().partition("\n")[0]
    return ", driver ".join(part.strip() for part in first.split(",")) if first else None


def _run(name: str) -> Finding:
    command = [*paths.program_command(), "doctor", "--probe", name]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"no answer within {_TIMEOUT_S} seconds"}
    except OSError as error:
        return {"failed": str(error)}
    last = answer.stdout.strip().rpartition("\n")[2]
    try:
        finding: Finding = json.loads(last)
    except ValueError:
        return {"failed": _crash(answer.returncode, answer.stderr)}
    return finding


def _crash(code: int, stderr: str) -> str:
    words = stderr.strip().splitlines()
    how = f"it crashed with signal {-code}" if code < 0 else f"it ended with exit code {code}"
    return f"{how}: {words[0]}" if words else how
