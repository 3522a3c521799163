import pickle
from pathlib import Path

import pytest
import torch

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.weights import load_checkpoint


class Harmful:
    """A stand-in for a file that does something when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return (Path.touch, (self.trace,))


def saved(content: object, folder: Path) -> Path:
    file = folder / "checkpoint.pt"
    torch.save(content, file)
    return file


def test_real_weights_load(weights):
    state = load_checkpoint(weights)
    assert {name.split(".")[0] for name in state} == {"image_encoder", "prompt_encoder", "mask_decoder"}


def test_code_is_refused_and_does_not_run(tmp_path):
    trace = tmp_path / "ran"
    file = saved({"image_encoder.x": Harmful(trace)}, tmp_path)
    with pytest.raises(ModelError, match=r"checkpoint\.pt would run code"):
        load_checkpoint(file)
    assert not trace.exists()


def test_plain_pickles_are_refused(tmp_path):
    file = tmp_path / "checkpoint.pkl"
    file.write_bytes(pickle.dumps(Harmful(tmp_path / "ran")))
    with pytest.raises(ModelError):
        load_checkpoint(file)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "nested",
    [
        lambda state: state,
        lambda state: {"model_state": {f"sam.{name}": value for name, value in state.items()}},
        lambda state: {"model": {f"module.{name}": value for name, value in state.items()}, "epoch": 3},
        lambda state: {"state_dict": {f"model.{name}": value for name, value in state.items()}},
    ],
    ids=["plain", "micro-sam", "MedSAM", "Lightning"],
)
def test_known_nestings_are_opened(nested, tmp_path):
    state = {"image_encoder.a": torch.ones(2), "mask_decoder.b": torch.zeros(1)}
    loaded = load_checkpoint(saved(nested({**state, "decoder.samplers.0": torch.ones(1)}), tmp_path))
    assert set(loaded) == set(state)
    assert torch.equal(loaded["image_encoder.a"], torch.ones(2))


@pytest.mark.parametrize("content", [{"weight": torch.ones(1)}, [torch.ones(1)], {}])
def test_foreign_weights_are_refused(content, tmp_path):
    with pytest.raises(ModelError, match="holds no weights of a Segment Anything model"):
        load_checkpoint(saved(content, tmp_path))


@pytest.mark.parametrize("content", [b"", b"not a checkpoint at all", b"PK\x03\x04 cut short"])
def test_other_files_are_refused(content, tmp_path):
    file = tmp_path / "checkpoint.pt"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=r"checkpoint\.pt"):
        load_checkpoint(file)


def test_truncated_weights_are_refused(weights, tmp_path):
    file = tmp_path / "checkpoint.pt"
    file.write_bytes(weights.read_bytes()[:1_000_000])
    with pytest.raises(ModelError, match="not a readable PyTorch checkpoint"):
        load_checkpoint(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        load_checkpoint(tmp_path / "none.pt")
