"""What an installed build brings is found and used; a folder plays the part of the installed program."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from cellsam_desktop import installed, paths
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.images.sample import SampleMovie, provide_sample
from cellsam_desktop.sam.checkpoint_file import UnreadableWithoutTorch, load_arrays
from cellsam_desktop.sam.decoder_files import decoder_files, decoder_path, found_decoder
from cellsam_desktop.sam.encoder import open_encoder
from cellsam_desktop.sam.encoder_choice import Choices
from cellsam_desktop.sam.fetch import fetch
from cellsam_desktop.sam.registry import ModelRegistry


@pytest.fixture
def program(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a lean build with weights, a decoder and the sample; its ``bundled``."""
    bundled = tmp_path / "program" / "_internal" / "bundled"
    (bundled / "models").mkdir(parents=True)
    shutil.copyfile(weights, bundled / "models" / weights.name)
    decoder = decoder_files(weights, bundled / "decoders")
    decoder.folder.mkdir(parents=True)
    for file in (decoder.onnx, decoder.image, decoder.hint, decoder.manifest):
        file.write_bytes(b"a part of a decoder")
    sample = SampleMovie.in_folder(bundled / "sample")
    sample.movie.parent.mkdir()
    for name, file in vars(sample).items():
        file.write_text(name)
    (bundled / "build.json").write_text(json.dumps({"flavour": "lean", "version": "1.2.3"}))
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(bundled.parent), raising=False)
    monkeypatch.setattr(installed, "has_torch", lambda: False)
    return bundled


def test_the_sources_bring_nothing():
    assert installed.flavour() == "sources"
    assert installed.bundled_dir() is None
    assert installed.has_torch()


@pytest.mark.parametrize("flavour", ["lean", "full"])
def test_a_build_knows_what_it_is(program: Path, flavour: str):
    (program / "build.json").write_text(json.dumps({"flavour": flavour}))
    assert installed.flavour() == flavour


def test_the_weights_inside_serve_until_the_user_has_her_own(program: Path, weights: Path):
    registry = ModelRegistry()
    assert registry.path("vit_t") == program / "models" / weights.name
    assert fetch(registry.get("vit_t"), registry) == program / "models" / weights.name
    with pytest.raises(ModelError, match="vit_t is part of the program"):
        registry.remove("vit_t")
    own = paths.models_dir() / weights.name
    shutil.copyfile(weights, own)
    assert registry.path("vit_t") == own
    registry.remove("vit_t")
    assert registry.path("vit_t") == program / "models" / weights.name


def test_the_decoder_inside_is_found(program: Path, weights: Path):
    expected = decoder_files(weights, program / "decoders")
    assert found_decoder(weights, paths.decoders_dir()) == expected
    assert decoder_path(weights, paths.decoders_dir()) == expected.onnx


def test_a_model_from_elsewhere_says_what_to_do(program: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    registry = ModelRegistry()
    with pytest.raises(ModelError, match=r"check the network, or get sam_vit_b_01ec64\.pth") as told:
        fetch(registry.get("vit_b"), registry)
    assert "pip" not in str(told.value)


def test_the_sample_inside_is_copied(program: Path, tmp_path: Path):
    sample = provide_sample(tmp_path / "sample")
    assert {name: file.read_text() for name, file in vars(sample).items()} == {
        name: name for name in vars(sample)
    }


def test_what_needs_pytorch_says_how_to_get_it(program: Path, weights: Path, tmp_path: Path):
    assert Choices().backend("vit_t", None) == "onnxruntime"
    with pytest.raises(ModelError, match=r"needs PyTorch.*install the full build of CellSAM Desktop"):
        open_encoder(weights, "vit_t", "cuda")


def test_a_checkpoint_of_another_kind_says_so(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "cellsam_desktop.sam.weights", None)
    file = tmp_path / "old.pth"
    file.write_bytes(b"no zip archive")
    with pytest.raises(UnreadableWithoutTorch, match="install the full build of CellSAM Desktop"):
        load_arrays(file)


def test_programs_of_the_system_get_their_own_libraries(program: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LD_LIBRARY_PATH", "/ours")
    assert "LD_LIBRARY_PATH" not in installed.outside_environment()
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/theirs")
    assert installed.outside_environment()["LD_LIBRARY_PATH"] == "/theirs"
    assert os.environ["LD_LIBRARY_PATH"] == "/ours"
