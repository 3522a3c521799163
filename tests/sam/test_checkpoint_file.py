"""Checkpoints read without PyTorch hold what PyTorch reads, and run nothing."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.checkpoint_file import UnreadableWithoutTorch, load_arrays, read_arrays
from cellsam_desktop.sam.weights import load_checkpoint


class Harmful:
    """A stand-in for a file that does something when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return (Path.touch, (self.trace,))


def saved(content: object, folder: Path, **options: bool) -> Path:
    file = folder / "checkpoint.pt"
    torch.save(content, file, **options)
    return file


def test_real_weights_are_those_pytorch_reads_without_being_copied(weights):
    ours, theirs = load_arrays(weights), load_checkpoint(weights)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name].numpy()) for name in ours)
    big = ours["image_encoder.layers.3.blocks.0.mlp.fc1.weight"]
    assert not big.flags.owndata
    assert not big.flags.writeable


def test_pytorch_is_not_loaded(weights):
    program = (
        "import sys\nfrom pathlib import Path\nfrom cellsam_desktop.sam.checkpoint_file import load_arrays\n"
        f"load_arrays(Path({str(weights)!r}))\nprint('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(12.0).reshape(3, 4).T,
        torch.arange(12.0).reshape(3, 4)[1:, 2:],
        torch.tensor(2.5),
        torch.zeros(0, 3),
        torch.nn.Parameter(torch.ones(2, 2)),
        torch.arange(5, dtype=torch.float16),
        torch.arange(5, dtype=torch.float64),
        torch.arange(5),
        torch.tensor([True, False]),
    ],
    ids=["transposed", "view", "scalar", "empty", "parameter", "half", "double", "integers", "flags"],
)
def test_all_kinds_of_tensors(tensor, tmp_path):
    content = OrderedDict({"mask_decoder.a": tensor, "epoch": 3})
    read = read_arrays(saved(content, tmp_path))
    assert np.array_equal(read["mask_decoder.a"], tensor.detach().numpy())
    assert read["epoch"] == 3


def test_unusual_files_are_left_to_pytorch(tmp_path):
    state = {"mask_decoder.a": torch.arange(4.0)}
    old = saved(state, tmp_path, _use_new_zipfile_serialization=False)
    with pytest.raises(UnreadableWithoutTorch):
        read_arrays(old)
    assert np.array_equal(load_arrays(old)["mask_decoder.a"], [0, 1, 2, 3])
    brain = saved({"mask_decoder.a": torch.arange(4.0).bfloat16()}, tmp_path)
    assert np.array_equal(load_arrays(brain)["mask_decoder.a"], [0, 1, 2, 3])


def test_code_is_refused_and_does_not_run(tmp_path):
    trace = tmp_path / "ran"
    file = saved({"image_encoder.x": Harmful(trace)}, tmp_path)
    with pytest.raises(ModelError, match=r"checkpoint\.pt would run code"):
        load_arrays(file)
    assert not trace.exists()


def test_tensors_beyond_their_storage_are_refused(tmp_path):
    tensor = torch.arange(4.0)
    file = saved({"mask_decoder.a": tensor}, tmp_path)
    data = file.read_bytes()
    assert data.count(b"K\x04\x85") == 1  # the shape (4,), in pickle's words
    file.write_bytes(data.replace(b"K\x04\x85", b"K\x09\x85"))
    with pytest.raises(UnreadableWithoutTorch):
        read_arrays(file)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint at all", b"PK\x03\x04 cut", pickle.dumps([1])])
def test_other_files_are_refused(content, tmp_path):
    file = tmp_path / "checkpoint.pt"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=r"checkpoint\.pt"):
        load_arrays(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"none\.pt cannot be read"):
        load_arrays(tmp_path / "none.pt")
