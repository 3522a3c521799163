"""A training process is heard, steered and ended: real processes, which only pretend to learn."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cellsam_desktop import installed
from cellsam_desktop.core.training_messages import (
    Control,
    Failed,
    Finished,
    Planned,
    Stepped,
    Validated,
    from_line,
)
from cellsam_desktop.jobs import training_main
from cellsam_desktop.jobs.post import PostQueue
from cellsam_desktop.jobs.training_process import TrainingProcess, training_command
from tests.jobs.helpers import LONG, is_running

TRAINEE = Path(__file__).with_name("trainee.py")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and priorities")


class Listener:
    """A process, what it said, and how it ended."""

    def __init__(self, post: PostQueue, command: list[str], words: list[str]) -> None:
        self.post = post
        self.said: list[object] = []
        self.codes: list[int] = []
        self.process = TrainingProcess(post, words, command)
        self.process.said.connect(self.said.append)
        self.process.ended.connect(self.codes.append)

    def wait(self, condition: Callable[[], object]) -> None:
        assert self.post.wait_for(lambda: bool(condition()), LONG), (self.said, self.codes)

    def heard(self, kind: type) -> list:
        return [event for event in self.said if isinstance(event, kind)]


@pytest.fixture
def trainee(post: PostQueue, tmp_path: Path) -> Iterator[Callable[[str], Listener]]:
    listeners: list[Listener] = []

    def start(mode: str) -> Listener:
        words = ["--out", str(tmp_path)]
        listeners.append(Listener(post, [sys.executable, str(TRAINEE), mode], words))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.process.stop()


def test_everything_it_says_is_heard_in_order_and_then_its_end(trainee, tmp_path):
    listener = trainee("better")
    listener.wait(lambda: listener.codes)
    assert listener.codes == [0]
    kinds = [type(event).__name__ for event in listener.said]
    assert kinds[:4] == ["Planned", "Embedded", "Embedded", "Judged"]
    assert kinds[-1] == "Finished"
    [planned], [finished] = listener.heard(Planned), listener.heard(Finished)
    assert planned.data["data_sets"]["movie"]["test"] == {"cells": 2, "frames": ["frame 0"]}
    assert finished.folder == str(tmp_path)
    assert finished.after.iou("point") == pytest.approx(0.8)


def test_what_is_no_message_is_passed_over(trainee):
    listener = trainee("dumb")
    listener.wait(lambda: listener.codes)
    assert len(listener.heard(Finished)) == 1


def test_control_words_reach_it(trainee):
    listener = trainee("waiting")
    listener.process.tell(Control.PAUSE)
    listener.process.tell(Control.RESUME)
    listener.wait(lambda: len([step for step in listener.heard(Stepped) if step.step >= 10]) == 2)
    listener.process.tell(Control.STOP)
    listener.wait(lambda: listener.codes)
    assert listener.codes == [0]
    assert listener.heard(Finished)
    listener.process.tell(Control.PAUSE)  # nobody listens any more


def test_stopping_gives_it_time_to_write_down_how_far_it_is(trainee, tmp_path):
    listener = trainee("waiting")
    listener.wait(lambda: listener.heard(Validated))
    pid = listener.process.pid
    listener.process.stop()
    assert not is_running(pid)
    assert (tmp_path / "state.pt").read_text() == "how far it was"
    listener.post.pump()
    assert not listener.codes


def test_one_that_does_not_listen_is_ended(trainee):
    listener = trainee("deaf")
    listener.wait(lambda: listener.heard(Validated))
    pid = listener.process.pid
    begun = time.monotonic()
    listener.process.stop()
    assert time.monotonic() - begun < 10
    assert not is_running(pid)


@POSIX
def test_killed_it_says_by_what(trainee):
    listener = trainee("waiting")
    listener.wait(lambda: listener.heard(Validated))
    os.kill(listener.process.pid, signal.SIGKILL)
    listener.wait(lambda: listener.codes)
    assert listener.codes == [-signal.SIGKILL]


def test_what_cannot_be_started_is_a_sentence(post, tmp_path):
    listener = Listener(post, [str(tmp_path / "nowhere")], [])
    listener.wait(lambda: listener.codes)
    [failed] = listener.heard(Failed)
    assert "install the program again" in failed.text
    listener.process.stop()


@POSIX
def test_it_does_not_outlive_the_window(tmp_path):
    """The window's process is killed: the pipe closes, and training ends after writing down how far it is."""
    script = textwrap.dedent(f"""
        import sys, time
        from cellsam_desktop.core.training_messages import Validated
        from cellsam_desktop.jobs.post import PostQueue
        from cellsam_desktop.jobs.training_process import TrainingProcess
        post, said = PostQueue(), []
        words = ["waiting", "--out", {str(tmp_path)!r}]
        process = TrainingProcess(post, words, [sys.executable, {str(TRAINEE)!r}])
        process.said.connect(said.append)
        assert post.wait_for(lambda: any(isinstance(e, Validated) for e in said), 120)
        print(process.pid, flush=True)
        time.sleep(1000)
    """)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as window:
        assert window.stdout is not None
        pid = int(window.stdout.readline())
        window.kill()
    deadline = time.monotonic() + 30
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(pid)
    assert (tmp_path / "state.pt").is_file()


def test_a_build_without_pytorch_says_so(monkeypatch, capsys, quiet_root):
    monkeypatch.setattr(installed, "has_torch", lambda: False)
    monkeypatch.setattr(os, "nice", lambda step: 0)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert training_main.main(["plan"]) == 2
    failed = from_line(capsys.readouterr().out)
    assert failed == Failed(
        "Training needs PyTorch, which this build is without: install the full build of CellSAM Desktop."
    )


@POSIX
def test_the_real_one_runs_with_low_priority_and_answers(post):
    listener = Listener(post, training_command(), ["--version"])
    listener.wait(lambda: listener.codes)
    assert listener.codes == [0]
    script = textwrap.dedent("""
        import contextlib, os
        from cellsam_desktop.jobs import training_main
        with contextlib.suppress(SystemExit):
            training_main.main(["--version"])
        print(os.nice(0))
    """)
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=LONG)
    assert answer.stdout.split()[-1] == str(min(19, os.nice(0) + 15)), answer.stderr
