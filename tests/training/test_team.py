import json
import os
import socket
import subprocess
import sys

import pytest

from tests.training.processes import losses


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_two_processes_learn_as_one(base, tmp_path):
    """The loss of each step is that of one process with the same batch."""
    alone, folder = tmp_path / "alone", tmp_path / "together"
    alone.mkdir()
    folder.mkdir()
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.training.processes", str(folder)],
            env={**os.environ, **where, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    expected = losses(alone)
    together = []
    for process in processes:
        answer, _ = process.communicate(timeout=240)
        assert process.returncode == 0
        together.append(json.loads(answer.splitlines()[-1]))
    assert len(expected) == 4
    assert together[0] == together[1] == pytest.approx(expected, rel=1e-3)
