from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cellsam_desktop import __version__, cli
from cellsam_desktop.core.errors import CellSamError
from tests.conftest import ROOT
from training.__main__ import main as train

SEGMENT = ("segment", "image.tif", "--prompts", "prompts.json", "--out", "labels.tif")


def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program as a user starts it."""
    command = [sys.executable, "-m", "cellsam_desktop", *map(str, words)]
    settings = {"env": os.environ | environment, "stdin": subprocess.DEVNULL}
    return subprocess.run(command, **settings, capture_output=True, text=True, check=False)


def test_version():
    answer = run("--version")
    assert (answer.returncode, answer.stdout) == (0, f"cellsam-desktop {__version__}\n")


def test_help_names_every_verb():
    answer = run("--help")
    assert answer.returncode == 0
    for verb in cli.VERBS:
        assert f"\n    {verb} " in answer.stdout
    assert "probe" not in answer.stdout


@pytest.mark.parametrize("verb", list(cli.VERBS))
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        cli.main([verb, "--help"])
    assert ended.value.code == 0
    assert f"usage: cellsam-desktop {verb}" in capsys.readouterr().out


def documented() -> dict[str, set[str]]:
    """The options of every command in the first block of docs/command-line.md, by program and verb."""
    block = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8").split("```")[1]
    commands = re.split(r"^(?=cellsam)", block, flags=re.MULTILINE)[1:]
    return {" ".join(text.split()[:2]): set(re.findall(r"--[a-z-]+", text)) for text in commands}


@pytest.mark.parametrize("command", documented())
def test_the_page_about_the_command_line_names_every_option(command: str, capsys: pytest.CaptureFixture[str]):
    program, verb = command.split()
    with pytest.raises(SystemExit):
        (cli.main if program == "cellsam-desktop" else train)([verb, "--help"])
    usage = capsys.readouterr().out.partition("\n\n")[0]
    assert documented()[command] == set(re.findall(r"--[a-z-]+", usage))


def test_the_page_about_the_command_line_names_every_verb():
    named = {command.split()[1] for command in documented() if command.startswith("cellsam-desktop")}
    assert named == cli.VERBS.keys()


@pytest.mark.parametrize("words", [["nosuch.tif"], ["-v", "nosuch.tif"], ["gui", "nosuch.tif"], ["segmnet"]])
@pytest.mark.usefixtures("quiet_root")
def test_what_is_no_verb_is_opened_in_the_window(words: list[str], capsys: pytest.CaptureFixture[str]):
    assert cli.main(words) == 2
    sentence = f"There is neither a file nor a command '{words[-1]}': "
    assert sentence in capsys.readouterr().err


def test_an_error_of_the_user_is_one_sentence_and_exit_code_2():
    answer = run("models", "fetch", "nosuch")
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith("There is no model called 'nosuch'")
    assert answer.stderr.count("\n") == 1


def test_a_broken_package_points_to_the_doctor(tmp_path: Path):
    (tmp_path / "numpy.py").write_text("raise ImportError('numpy is broken')")
    answer = run(*SEGMENT, PYTHONPATH=str(tmp_path))
    assert answer.returncode == 2
    assert answer.stderr.startswith("A package cannot be loaded (numpy is broken)")
    assert "cellsam-desktop doctor" in answer.stderr


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (CellSamError("One sentence."), 2)])
@pytest.mark.usefixtures("quiet_root")
def test_exit_codes(error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch):
    def fail(_: argparse.Namespace) -> int:
        raise error

    monkeypatch.setitem(cli.VERBS, "gui", cli.Verb("", "cellsam_desktop.cli", "add_gui_parser", fail))
    assert cli.main(["gui"]) == code


@pytest.mark.usefixtures("quiet_root")
def test_the_unexpected_is_not_hidden(monkeypatch: pytest.MonkeyPatch):
    def fail(_: argparse.Namespace) -> int:
        raise ZeroDivisionError

    monkeypatch.setitem(cli.VERBS, "gui", cli.Verb("", "cellsam_desktop.cli", "add_gui_parser", fail))
    with pytest.raises(ZeroDivisionError):
        cli.main([])


def test_the_worker_ends_when_nobody_speaks_to_it():
    assert run("--worker").returncode == 0


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["--version"], 0), ([], 2), (["fit"], 2)])
def test_training_has_a_command_line(words: list[str], code: int, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        train(words)
    assert ended.value.code == code
    printed = capsys.readouterr()
    assert "cellsam-train" in (printed.err if code else printed.out)


@pytest.mark.usefixtures("quiet_root")
def test_training_on_nothing_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert train(["fit", "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err.startswith("There is nothing to learn from: name projects or folders")
