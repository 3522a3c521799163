"""Two processes, begun by torchrun."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cellsam_desktop.sam.trained import read_decoder
from tests.training.processes import losses
from tests.training.test_run import write_data
from training.base import Base
from training.run_folder import RunFolder

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]


def together(*words: str) -> str:
    """What two processes said, which ended well."""
    answer = subprocess.run([*TORCHRUN, *words], capture_output=True, text=True, timeout=480, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stderr


def test_two_processes_learn_as_one(base: Base, tmp_path: Path) -> None:
    """The loss of each step is that of one process with the same batch."""
    alone, folder = tmp_path / "alone", tmp_path / "together"
    alone.mkdir()
    folder.mkdir()
    together("tests.training.processes", str(folder))
    expected = losses(alone)
    assert len(expected) == 4
    found = [json.loads((folder / f"{rank}" / "losses.json").read_text()) for rank in (0, 1)]
    assert found[0] == found[1] == pytest.approx(expected, rel=1e-3)


def test_a_whole_run_of_two_processes(home_with_weights: Path, tmp_path: Path) -> None:
    """One of them encodes, judges and writes; the other one learns with it."""
    run = RunFolder(tmp_path / "run")
    words = ("--epochs", "1", "--device", "cpu", "--out", str(run.path))
    together("training", "fit", str(write_data(tmp_path / "discs")), *words)
    record = run.read()
    assert (record.state, record.outcome["end"]) == ("finished", "budget")
    assert record.outcome["steps"] > 0
    assert read_decoder(run.path).files.complete
