"""A whole run with real weights on a few small images: what it leaves, and what can be done with that."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellsam_desktop import cli, paths
from cellsam_desktop.core.decoder_scores import Scores
from cellsam_desktop.core.errors import Cancelled
from cellsam_desktop.core.training_messages import (
    Control,
    Embedded,
    Finished,
    Judged,
    Pictured,
    Planned,
    Validated,
    from_line,
)
from cellsam_desktop.sam.trained import TrainedDecoders, read_decoder
from training.__main__ import main
from training.commands import Commands
from training.config import PRESETS
from training.request import Request
from training.run import Run
from training.run_folder import RunError, RunFolder

SIDE = 160


def write_data(folder: Path, images: int = 4) -> Path:
    """Images with four bright discs each, and their labels."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    y, x = np.mgrid[:SIDE, :SIDE]
    rng = np.random.default_rng(1)
    for number in range(images):
        image, labels = rng.normal(30, 6, (SIDE, SIDE)), np.zeros((SIDE, SIDE), np.uint16)
        for cell, (cy, cx) in enumerate([(40, 40), (40, 120), (120, 40), (120, 120)], start=1):
            inside = np.hypot(y - cy - rng.uniform(-9, 9), x - cx) < rng.uniform(12, 22)
            image[inside] += 90
            labels[inside] = cell
        tifffile.imwrite(folder / "images" / f"{number}.tif", image.clip(0, 255).astype(np.uint8))
        tifffile.imwrite(folder / "labels" / f"{number}.tif", labels)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> tuple[Path, Path, list[str]]:
    """Data, the folder of a run, and what the run said; made once, in a home of its own."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CELLSAM_HOME", str(folder / "home"))
        (paths.models_dir() / weights.name).symlink_to(weights)
        data, said = write_data(folder / "discs"), []
        run = Run.begin(RunFolder(folder / "run"), request(data), said.append, Commands())
        run.carry_out()
    return data, folder / "run", said


def request(data: Path, epochs: int = 1) -> Request:
    return Request((data,), "vit_t", PRESETS["curator"], epochs=epochs, device="cpu", title="Discs")


@pytest.fixture
def run(trained, tmp_path: Path, home_with_weights: Path) -> Path:
    """A copy of the run, to change."""
    return Path(shutil.copytree(trained[1], tmp_path / "run"))


def test_it_tells_what_happens_in_order(trained):
    said = trained[2]
    kinds = [type(event) for event in said]
    assert kinds[0] is Planned
    assert kinds[-1] is Finished
    assert {Validated, Pictured} <= set(kinds)
    assert [event.when for event in said if isinstance(event, Judged)] == ["before", "after"]
    last = said[-1]
    assert last.before.cells == last.after.cells > 0
    assert str(last.before.cells) in last.verdict
    assert Path(said[kinds.index(Pictured)].path).read_bytes().startswith(b"\x89PNG")


def test_everything_is_written_down(trained):
    data, folder, said = trained
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["state"] == "finished"
    assert record["data"] == [str(data)]
    assert record["config"] == PRESETS["curator"].to_json()
    parts = {name: set(part["frames"]) for name, part in record["split"]["data_sets"]["discs"].items()}
    assert parts["train"].isdisjoint(parts["validate"] | parts["test"])
    assert {"before", "embedding", "training", "export", "after"} == set(record["seconds"])
    lines = (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()
    assert from_line(lines[-1]) == said[-1]
    cells = json.loads((folder / "cells.json").read_text(encoding="utf-8"))
    assert len(cells["before"]) == len(cells["after"]) == 2 * said[-1].before.cells


def test_a_finished_run_is_not_gone_on_with(trained):
    folder = RunFolder(trained[1])
    assert not folder.state.exists()
    with pytest.raises(RunError, match="has finished"):
        Run.resume(folder, lambda _: None, Commands())


def test_the_page_holds_everything_itself(trained):
    page = (trained[1] / "report.html").read_text(encoding="utf-8")
    assert "<h1>Discs</h1>" in page
    assert page.count("<svg") >= 3  # a short run may have no losses to draw
    assert page.count("data:image/png;base64,") >= 3
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)


def test_the_decoder_answers_in_segment(run, trained, capsys, monkeypatch):
    monkeypatch.chdir(run.parent)
    prompts = [{"id": 7, "points": [{"x": 40, "y": 40}]}]
    Path("prompts.json").write_text(json.dumps(prompts), encoding="utf-8")
    words = ["segment", str(trained[0] / "images" / "0.tif"), "--prompts", "prompts.json"]
    assert cli.main([*words, "--out", "labels.tif", "--decoder", str(run)]) == 0
    truth = tifffile.imread(trained[0] / "labels" / "0.tif") == 1
    found = tifffile.imread("labels.tif") == 7
    assert (truth & found).sum() / (truth | found).sum() > 0.7
    capsys.readouterr()


def test_it_can_be_evaluated_exported_and_adopted(run, trained, tmp_path, capsys):
    out = tmp_path / "figures.json"
    words = ["evaluate", str(trained[0]), "--decoder", str(run), "--cells", "3", "--clicks", "2"]
    assert main([*words, "--json", str(out)]) == 0
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert figures["data_sets"]["discs"]["cells"] == 3
    for kind in ("point", "box"):
        own = figures["data_sets"]["discs"][kind]
        assert len(own["iou"]) == len(own["dice"]) == 2
        assert 1 <= own["clicks_to_0.8"] <= own["clicks_to_0.9"] <= 2
    assert "| discs | 3 | point |" in capsys.readouterr().out
    assert main(["export", str(run), "--out", str(tmp_path / "out")]) == 0
    assert read_decoder(tmp_path / "out").after == read_decoder(run).after
    assert TrainedDecoders().add(tmp_path / "out").title == "Discs"


def test_crops_are_evaluated_as_the_window_looks(trained, home_with_weights, tmp_path, capsys):
    out = tmp_path / "figures.json"
    words = ["evaluate", str(trained[0]), "--looks", "crops", "--cells", "2", "--clicks", "2"]
    words += ["--cache-gb", "1"]
    assert main([*words, "--json", str(out)]) == 0
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert figures["looks"] == "crops"
    assert figures["data_sets"]["discs"]["point"]["iou"][1] > 0.8
    capsys.readouterr()
    assert main([*words, "--json-lines"]) == 0
    said = from_line(capsys.readouterr().out)
    assert said == Judged("now", Scores.from_json(figures["all"]))


def test_a_cancelled_run_is_gone_on_with(home_with_weights, tmp_path):
    """Cancelled while it learns, before it learns again, and when it has learned; then stopped."""
    data, folder = write_data(tmp_path / "discs"), RunFolder(tmp_path / "run")

    def begun(hear, commands):
        return Run.begin(folder, request(data), hear, commands)

    def resumed(hear, commands):
        return Run.resume(folder, hear, commands)

    for begin, last in ((begun, [Validated]), (resumed, [Judged]), (resumed, [Pictured, Embedded])):
        with pytest.raises(Cancelled):
            told(begin, Control.CANCEL, last)
        assert folder.state.is_file()
        assert folder.read().state == "training"
    record, said = told(resumed, Control.STOP, [Pictured, Embedded])
    assert record.state == "finished"
    assert isinstance(said[-1], Finished)
    assert record.outcome["steps"] > 0


def told(begin, word: Control, kinds: list[type]):
    """Carry out a run that is told ``word`` when it has said events of these kinds, one after the other."""
    commands, left, said = Commands(), list(kinds), []

    def hear(event):
        said.append(event)
        if left and isinstance(event, left[0]):
            left.pop(0)
            if not left:
                commands.tell(word)

    return begin(hear, commands).carry_out(), said
