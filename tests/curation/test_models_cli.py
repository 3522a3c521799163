import argparse
import json
import re
import shutil

import pytest

from cellsam_desktop import cli, paths
from cellsam_desktop.core.decoder_scores import KindScores, Scores
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.curation.models_cli import add_models_parser, run_models
from cellsam_desktop.settings import Settings


@pytest.fixture
def decoder_folder(exported, tmp_path):
    """MobileSAM's own decoder with figures, as a training run leaves it."""
    folder = tmp_path / "run"
    shutil.copytree(exported.folder, folder)
    manifest = json.loads(exported.manifest.read_text(encoding="utf-8"))
    point = [KindScores((iou,), (iou,)) for iou in (0.5, 0.7)]
    before, after = (Scores(1, 3, {"point": own}).to_json() for own in point)
    manifest |= {"base": "vit_t", "before": before, "after": after}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    add_models_parser(parser.add_subparsers())
    return run_models(parser.parse_args(["models", *map(str, words)]))


def test_list_shows_what_is_here(home_with_weights, capsys):
    assert run("list") == 0
    table = capsys.readouterr().out
    assert re.search(r"^vit_t +yes +41 MB +Apache-2.0 +MobileSAM", table, re.MULTILINE)
    assert re.search(r"^vit_b +no +375 MB", table, re.MULTILINE)
    assert re.search(r"^vit_b_lm +no +unknown", table, re.MULTILINE)


def test_fetch_takes_a_given_file(home, weights, capsys):
    assert run("fetch", "vit_t", "--file", weights) == 0
    installed = paths.models_dir() / "mobile_sam.pt"
    assert capsys.readouterr().out.strip() == str(installed)
    assert installed.read_bytes() == weights.read_bytes()


def test_fetch_refuses_a_wrong_file(home, tmp_path):
    file = tmp_path / "mobile_sam.pt"
    file.write_bytes(b"something else")
    with pytest.raises(ModelError, match="is cut short"):
        run("fetch", "vit_t", "--file", file)
    assert list(paths.models_dir().iterdir()) == []


def test_own_weights_are_added_and_removed(home, weights, capsys):
    assert run("add", "mine", weights, "--architecture", "vit_t") == 0
    assert run("list") == 0
    assert re.search(r"^mine +yes +41 MB", capsys.readouterr().out, re.MULTILINE)
    assert run("remove", "mine") == 0
    assert run("list") == 0
    assert "mine" not in capsys.readouterr().out


def test_weights_of_another_architecture_are_not_added(home, weights):
    with pytest.raises(ModelError, match="do not fit the architecture vit_b"):
        run("add", "mine", weights, "--architecture", "vit_b")
    assert list(paths.models_dir().iterdir()) == []


def test_trained_decoders_are_listed_renamed_exported_and_removed(decoder_folder, tmp_path, capsys):
    assert run("add", "Nuclei, day 1", decoder_folder) == 0
    assert capsys.readouterr().out == "nuclei-day-1\n"
    Settings(decoders={"vit_t": "nuclei-day-1"}).save()
    assert run("rename", "nuclei-day-1", "Nuclei") == 0
    assert run("list") == 0
    table = capsys.readouterr().out
    assert re.search(
        r"^nuclei-day-1 +vit_t +yes +0.500 -> 0.700 +unknown +2\d{3}-\d\d-\d\d +Nuclei$", table, re.M
    )
    assert run("export", "Nuclei", "--out", tmp_path / "copy") == 0
    assert (tmp_path / "copy" / "decoder.onnx").is_file()
    assert run("remove", "nuclei-day-1") == 0
    assert run("list") == 0
    assert "nuclei" not in capsys.readouterr().out


def test_a_checkpoint_needs_an_architecture(home, weights):
    with pytest.raises(ModelError, match="--architecture"):
        run("add", "mine", weights)


def test_a_sentence_and_exit_code_2(home, capsys):
    assert cli.main(["models", "fetch", "vit_x"]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("There is no model called 'vit_x': choose one of vit_t")
    assert "\n" not in said
