"""What is said to a person and to a program, and how a run is steered from outside."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time

import pytest

from cellsam_desktop.core.decoder_scores import KindScores, Scores
from cellsam_desktop.core.training_messages import (
    Control,
    Embedded,
    Finished,
    Noticed,
    Planned,
    Stepped,
    from_line,
)
from training.__main__ import main
from training.commands import Commands
from training.telling import Console, Lines, interrupts, listen

SCORES = Scores(2, 9, {"point": KindScores((0.5, 0.6, 0.65, 0.7), (0.6, 0.7, 0.75, 0.8))})
STEP = Stepped(120, 0.412, 0.7, 88.0, 60.0, 90.0)


def wait_for(condition) -> bool:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_progress_on_one_line():
    out = Terminal()
    say = Console(out)
    for number in range(1, 4):
        say(Embedded(number, 3))
    say(Noticed("One image was left out."))
    assert out.getvalue().count("\n") == 2
    assert out.getvalue().endswith("\nOne image was left out.\n")


def test_a_file_gets_few_lines_of_progress():
    out = io.StringIO()
    say = Console(out)
    for number in range(1, 101):
        say(Embedded(number, 100))
    for _ in range(100):
        say(STEP)
    lines = out.getvalue().splitlines()
    assert lines[0] == "Encoding: 1 of 100 views"
    assert lines[-2] == "Encoding: 100 of 100 views"
    assert lines[-1] == "Step 120: loss 0.412, held-out IoU 0.700, 88 prompts/s, 1.5 minutes left"


def test_the_plan_and_the_end_are_sentences():
    out = io.StringIO()
    say = Console(out)
    parts = {"train": {"cells": 30, "frames": 4}, "test": {"cells": 9, "frames": 2}, "notes": ["Few."]}
    say(Planned("curator", "cpu", parts, minutes=5.0))
    say(Finished(True, "run", "run/report.html", SCORES, SCORES, "The new decoder is better."))
    assert out.getvalue() == (
        "Preset curator on cpu, 5 minutes: 30 cells on 4 frames to learn from, "
        "9 cells on 2 frames to judge by.\nFew.\nThe new decoder is better.\nReport: run/report.html\n"
    )


def test_lines_nobody_reads_end_the_run():
    commands = Commands()
    reading, writing = os.pipe()
    with io.TextIOWrapper(open(writing, "wb", buffering=0), write_through=True) as out:
        say = Lines(commands, out)
        say(STEP)
        with os.fdopen(reading) as heard:
            assert from_line(heard.readline()) == STEP
        say(STEP)
        say(STEP)
        assert commands.ending is Control.CANCEL


def test_words_come_through_a_pipe_and_its_end_cancels():
    commands = Commands()
    reading, writing = os.pipe()
    assert listen(commands, reading)
    os.write(writing, b"nonsense\npau")
    os.write(writing, b"se\n")
    assert wait_for(lambda: commands.paused)
    os.write(writing, b"resume\r\n")
    assert wait_for(lambda: not commands.paused)
    assert commands.ending is None
    os.close(writing)
    assert wait_for(lambda: commands.ending is Control.CANCEL)
    os.close(reading)


def test_a_file_does_not_steer():
    commands = Commands()
    with open(os.devnull, "rb") as nothing:
        assert not listen(commands, nothing.fileno())
    assert commands.ending is None


@pytest.fixture
def interruptible():
    """Programs begun in the background of a shell script ignore interrupts; ours is to hear them here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_interrupting_stops_then_ends(interruptible):
    commands = Commands()
    with interrupts(commands):
        signal.raise_signal(signal.SIGINT)
        assert commands.ending is Control.STOP
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["fit", "nowhere", "--out", "run"], "nowhere"),
        (["fit", "--out", "run"], "nothing to learn from"),
        (["fit", ".", "--preset", "magic", "--out", "run"], "curator"),
        (["fit", "--resume", "--out", "."], "holds no training run"),
        (["fit", ".", "--out", "used"], "in use"),
        (["evaluate", "nowhere", "--json", "no/where.json"], "does not exist"),
        (["evaluate", ".", "--decoder", "mine", "--json", "out.json"], "mine"),
        (["export", ".", "--out", "out"], "holds no training run"),
        (["plan", "nowhere"], "nowhere"),
    ],
)
def test_mistakes_end_with_one_sentence(words, named, home_with_weights, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "something.txt").write_text("kept", encoding="utf-8")
    assert main(words) == 2
    said = capsys.readouterr()
    assert named in said.err
    assert said.err.count("\n") == 1
    assert not said.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["used"]


def test_a_program_hears_of_mistakes_too(home, capsys):
    assert main(["fit", "nowhere", "--out", "run", "--json-lines"]) == 2
    assert "nowhere" in from_line(capsys.readouterr().out).text


@pytest.mark.parametrize("words", [[], ["fit", "data"], ["fit", "data", "--minutes", "0", "--out", "run"]])
def test_wrong_words_show_how_it_is_called(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: cellsam-train" in capsys.readouterr().err


def test_help_loads_no_torch():
    code = (
        "import sys, training.__main__ as m\ntry: m.main(['--help'])\nfinally: print('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.rstrip().endswith("False")
