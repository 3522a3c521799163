"""Training with the built program: two minutes in the full build, one sentence in the lean one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from cellsam_desktop.images.sample import SampleMovie
from tests.bundle.program import Program

_MINUTES = 2
_FRAMES = range(0, 44, 5)


@pytest.fixture
def examples(bundle: Path, tmp_path: Path) -> Path:
    """Some frames of the sample movie and their true labels, as folders of images."""
    sample = SampleMovie.in_folder(bundle / "_internal" / "bundled" / "sample")
    folder = tmp_path / "examples"
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for frame in _FRAMES:
        file = f"frame{frame:03}.tif"
        tifffile.imwrite(folder / "images" / file, tifffile.imread(sample.movie, key=frame))
        tifffile.imwrite(folder / "labels" / file, tifffile.imread(sample.tracks, key=frame))
    return folder


def train(program: Program, *words: object) -> tuple[int, list[dict[str, Any]]]:
    """Train as the window does; the exit code, and what it said."""
    process = program.popen("--worker", "training", *words, "--json-lines")
    try:  # its input stays open: a training whose window has gone ends
        lines = list(process.stdout or ())
        return process.wait(60), [json.loads(line) for line in lines]
    finally:
        process.kill()
        process.communicate()


def test_two_minutes_of_training(program: Program, flavour: str, examples: Path, tmp_path: Path):
    if flavour != "full":
        pytest.skip("the lean build does not train")
    run = tmp_path / "Läufe" / "one"
    run.parent.mkdir()
    code, said = train(program, "fit", examples, "--minutes", _MINUTES, "--out", run)
    assert code == 0, said[-3:]
    finished = said[-1]
    assert finished["event"] == "finished"
    assert {"planned", "embedded", "judged", "stepped"} <= {event["event"] for event in said}
    assert Path(finished["report"]).is_file()
    losses = [event["loss"] for event in said if event["event"] == "stepped"]
    assert np.isfinite(losses).all()

    image = sorted((examples / "images").iterdir())[0]
    truth = tifffile.imread(sorted((examples / "labels").iterdir())[0])
    label = int(truth.max())
    y, x = (int(np.median(axis)) for axis in np.nonzero(truth == label))
    prompts = tmp_path / "prompts.json"
    prompts.write_text(json.dumps([{"id": label, "points": [{"x": x, "y": y, "label": 1}]}]))
    words = ["segment", image, "--prompts", prompts, "--decoder", run, "--out", tmp_path / "labels.tif"]
    answer = program.run(*words)
    assert answer.returncode == 0, answer.stderr
    found = tifffile.imread(tmp_path / "labels.tif") == label
    assert (found & (truth == label)).sum() / (found | (truth == label)).sum() > 0.7


def test_the_lean_build_says_how_to_train(program: Program, flavour: str, examples: Path, tmp_path: Path):
    if flavour != "lean":
        pytest.skip("the full build trains")
    code, said = train(program, "fit", examples, "--minutes", _MINUTES, "--out", tmp_path / "run")
    assert code == 2
    assert [event["event"] for event in said] == ["failed"]
    assert "install the full build of CellSAM Desktop" in said[0]["text"]
    assert not (tmp_path / "run").exists()


def test_training_ends_with_its_window(program: Program, flavour: str, examples: Path, tmp_path: Path):
    if flavour != "full":
        pytest.skip("the lean build does not train")
    process = program.popen(
        "--worker", "training", "fit", examples, "--out", tmp_path / "run", "--json-lines"
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline()  # it has begun
    process.stdin.close()
    try:
        process.wait(120)
    except subprocess.TimeoutExpired:
        pytest.fail("it goes on without its window")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
