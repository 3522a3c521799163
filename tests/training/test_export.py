import json
import shutil

import numpy as np
import pytest
import torch

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.sam.decoder import OnnxDecoder
from cellsam_desktop.sam.trained import TrainedDecoders, read_decoder
from cellsam_desktop.sam.transforms import InputGeometry
from training.answering import TorchDecoder
from training.base import Base
from training.export import export, read_weights, write_decoder
from training.model import TrainableDecoder
from training.run_folder import RunError

GEOMETRY = InputGeometry(Region(5, 3, 60, 80))
PROMPTS = [
    Prompts((Point(20, 30),)),
    Prompts(box=Box(10, 12, 40, 44)),
    Prompts((Point(20, 30), Point(50, 50, positive=False)), Box(10, 12, 40, 44)),
]


@pytest.fixture
def changed(base: Base) -> TrainableDecoder:
    """A decoder that is no longer its base's."""
    torch.manual_seed(0)
    decoder = TrainableDecoder(base.build())
    with torch.no_grad():
        for parameter in decoder.mask_decoder.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.01)
    return decoder


@pytest.fixture
def embedding() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, (256, 64, 64)).astype(np.float16)


def test_what_is_exported_answers_like_the_weights(base, changed, embedding, tmp_path):
    folder = tmp_path / "run"
    files = write_decoder(base, changed.state_for_export(), folder, {"title": "Mine", "better": True})
    theirs, ours = OnnxDecoder(files.onnx), TorchDecoder(changed)
    hint = theirs.decode(embedding, GEOMETRY, PROMPTS[0]).candidates[0].logits
    hints = [None, hint, hint]
    expected = theirs.decode_many(embedding, GEOMETRY, PROMPTS, hints)
    for one, other in zip(
        expected, ours.decode_many(ours.prepare(embedding), GEOMETRY, PROMPTS, hints), strict=True
    ):
        for first, second in zip(one.candidates, other.candidates, strict=True):
            assert np.abs(first.logits - second.logits).max() < 2e-3
            assert abs(first.predicted_iou - second.predicted_iou) < 1e-3
    assert all(answer.trained for answer in expected)
    found = read_decoder(folder)
    assert (found.title, found.base, found.better) == ("Mine", "vit_t", True)
    assert found.base_sha256 == base.sha256
    assert 0 < found.manifest["parity_error"] < 1e-3
    assert not [file for file in folder.iterdir() if file.name.startswith(".")]


def test_an_exported_decoder_can_be_exported_again(base, changed, tmp_path):
    write_decoder(base, changed.state_for_export(), tmp_path / "run", {"title": "Mine", "after": None})
    (tmp_path / "run" / "decoder.onnx").unlink()
    export(tmp_path / "run", tmp_path / "out")
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {"decoder.onnx", "image.onnx", "hint.onnx", "decoder.safetensors", "manifest.json"}
    assert TrainedDecoders().add(tmp_path / "out").title == "Mine"
    state = changed.state_for_export()
    weights = read_weights(tmp_path / "out")
    assert weights
    assert all(torch.equal(weights[name], state[name]) for name in weights)


def test_what_cannot_be_exported_says_so(base, changed, tmp_path):
    with pytest.raises(RunError, match="holds no training run"):
        export(tmp_path, tmp_path / "out")
    run = tmp_path / "run"
    write_decoder(base, changed.state_for_export(), run, {})
    with pytest.raises(ModelError, match="is in use"):
        export(run, tmp_path)
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    (run / "manifest.json").write_text(json.dumps({**manifest, "weights_sha256": "0"}), encoding="utf-8")
    with pytest.raises(ModelError, match="other weights"):
        export(run, tmp_path / "out")
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    shutil.copy(run / "manifest.json", run / "decoder.safetensors")
    with pytest.raises(ModelError, match="cannot be read"):
        export(run, tmp_path / "out")
    (run / "decoder.safetensors").unlink()
    with pytest.raises(ModelError, match="holds no trained decoder"):
        export(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_weights_of_something_else_are_refused(base, tmp_path):
    with pytest.raises(ModelError, match="do not fit"):
        write_decoder(base, {"mask_decoder.iou_token.weight": torch.zeros(3, 3)}, tmp_path / "run", {})
    with pytest.raises(ModelError, match="do not fit"):
        write_decoder(base, {}, tmp_path / "run", {})
    assert not (tmp_path / "run").exists()
