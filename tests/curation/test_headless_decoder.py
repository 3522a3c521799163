"""``--decoder``: whose decoder answers, and whether it fits the model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cellsam_desktop import paths
from cellsam_desktop.core.decoder_scores import Scores
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.curation.headless_model import HeadlessModel
from cellsam_desktop.sam.decoder_files import DecoderFiles
from cellsam_desktop.sam.trained import TrainedDecoders
from cellsam_desktop.settings import Settings

NOBODY = Scores(0, 0, {}).to_json()


@pytest.fixture
def run(exported: DecoderFiles, tmp_path: Path, home_with_weights: Path) -> Path:
    """What a training run leaves: MobileSAM's own decoder under another name."""
    folder = tmp_path / "run"
    shutil.copytree(exported.folder, folder)
    describe(folder, base="vit_t", title="Nuclei", better=True, after=NOBODY)
    return folder


def describe(folder: Path, **facts: object) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **facts}), encoding="utf-8")


def folder_of(model: HeadlessModel) -> Path | None:
    return model._decoder


def test_the_folder_of_a_run_serves_and_brings_its_model(run: Path):
    settings = Settings(model="vit_b")  # which is not on this computer
    settings.save()
    model = HeadlessModel.load(decoder=str(run))
    assert folder_of(model) == run
    assert model.decoder.provider == "CPUExecutionProvider"


def test_an_adopted_one_is_named(run: Path):
    added = TrainedDecoders().add(run)
    assert folder_of(HeadlessModel.load(decoder="nuclei")) == added.files.folder
    assert folder_of(HeadlessModel.load(decoder="Nuclei")) == added.files.folder


def test_what_the_window_uses_is_used_unless_a_model_is_named(run: Path):
    added = TrainedDecoders().add(run)
    Settings(decoders={"vit_t": added.name}).save()
    assert folder_of(HeadlessModel.load()) == added.files.folder
    assert folder_of(HeadlessModel.load("vit_t")) is None
    assert folder_of(HeadlessModel.load(decoder="none")) is None
    assert folder_of(HeadlessModel.load("vit_t", "nuclei")) == added.files.folder


def test_one_in_use_that_is_gone_is_done_without(run: Path, caplog: pytest.LogCaptureFixture):
    Settings(decoders={"vit_t": "gone"}).save()
    assert folder_of(HeadlessModel.load()) is None
    assert "'gone'" in caplog.text


def test_one_for_other_embeddings_is_refused(run: Path):
    describe(run, base="vit_b", weights_sha256="0" * 64)
    with pytest.raises(ModelError, match="trained for the model vit_b and cannot be used with vit_t"):
        HeadlessModel.load("vit_t", str(run))


def test_one_that_is_no_better_says_so(run: Path, capsys: pytest.CaptureFixture[str]):
    describe(run, better=False)
    HeadlessModel.load(decoder=str(run))
    assert "no better than the model's own" in capsys.readouterr().err
    assert not (paths.data_dir() / "trained").exists()
