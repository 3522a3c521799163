"""Which encoder serves, and that it does not matter for the masks."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from cellsam_desktop import paths
from cellsam_desktop.core.devices import EXACT_CUDA
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Point, Prompts
from cellsam_desktop.sam import encoder_choice, torch_encoder
from cellsam_desktop.sam.encoder import open_encoder
from cellsam_desktop.sam.encoder_choice import Choices, Comparison
from cellsam_desktop.sam.encoder_trial import try_both
from cellsam_desktop.sam.postprocess import logits_to_mask
from cellsam_desktop.sam.providers import has_cuda_driver
from cellsam_desktop.sam.torch_encoder import TorchEncoder
from cellsam_desktop.sam.transforms import InputGeometry, preprocess
from cellsam_desktop.sam.vit import VisionTransformer
from cellsam_desktop.sam.vit_shapes import VIT_SHAPES, VitShape

IMAGE = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
PYTORCH = Comparison(pytorch_s=1.0, onnxruntime_s=2.0, difference=1e-6)
ONNX = Comparison(pytorch_s=2.0, onnxruntime_s=1.0, difference=1e-6)
NO_GPU = pytest.mark.skipif(has_cuda_driver() or sys.platform == "darwin", reason="there may be a GPU here")


@NO_GPU
def test_pytorch_is_not_loaded_where_onnx_runtime_serves(weights):
    program = (
        "import sys\nfrom pathlib import Path\nimport numpy as np\n"
        "from cellsam_desktop.sam.encoder import open_encoder\n"
        f"encoder = open_encoder(Path({str(weights)!r}), 'vit_t')\n"
        "embedding = encoder.encode(np.zeros((20, 30, 3), np.uint8))\n"
        "print(encoder.device, encoder.backend, embedding.shape, 'torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "cpu onnxruntime (256, 64, 64) False"


def test_masks_of_both_are_the_same(weights, decoder, embedding, photo):
    """``embedding`` is PyTorch's."""
    height, width = photo.shape[:2]
    geometry = InputGeometry(Region.whole(height, width))
    found = open_encoder(weights, "vit_t", "cpu").encode(photo)
    for y, x in ((0.3, 0.3), (0.5, 0.6), (0.8, 0.4)):
        prompts = Prompts((Point(x * width, y * height),))
        both = [decoder.decode(one, geometry, prompts).candidates for one in (found, embedding)]
        for ours, theirs in zip(*both, strict=True):
            one, other = (logits_to_mask(candidate.logits, geometry) for candidate in (ours, theirs))
            assert (one is None) == (other is None)
            assert one is None or one.iou(other) > 0.999


def test_the_quicker_one_serves(weights):
    Choices().remember("vit_t", 1, PYTORCH)
    assert open_encoder(weights, "vit_t", "cpu", 1).backend == "pytorch"
    Choices().remember("vit_t", 1, ONNX)
    assert open_encoder(weights, "vit_t", "cpu", 1).backend == "onnxruntime"


def test_a_graph_that_cannot_run_is_replaced_by_pytorch(weights, monkeypatch, caplog):
    def refuse(*_: object, **__: object) -> None:
        raise onnxruntime.capi.onnxruntime_pybind11_state.Fail("no such kernel")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
    encoder = open_encoder(weights, "vit_t", "cpu")
    assert (encoder.device, encoder.backend) == ("cpu", "pytorch")
    assert "no such kernel" in caplog.text


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(ModelError, match=r"none\.pt cannot be read"):
        open_encoder(tmp_path / "none.pt", "vit_t", "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this computer has CUDA")
def test_missing_devices_are_named(weights):
    with pytest.raises(ModelError, match="finds no cuda device"):
        open_encoder(weights, "vit_t", "cuda")


def test_choices_are_kept_apart_by_architecture_threads_and_version(monkeypatch):
    choices = Choices()
    choices.remember("vit_t", 1, ONNX)
    choices.remember("vit_b", 2, PYTORCH)
    assert choices.find("vit_t", 1) == ONNX
    assert choices.find("vit_t", 2) is None
    assert choices.find("vit_b", 2) == choices.find("vit_h", 2) == PYTORCH
    assert Choices().backend("vit_h", 2) == Choices().backend("vit_b", 1) == "pytorch"
    monkeypatch.setattr(encoder_choice, "_version", lambda package: "0.1")
    assert choices.find("vit_t", 1) is None


def test_embeddings_that_differ_speak_for_pytorch():
    assert Comparison(pytorch_s=2.0, onnxruntime_s=1.0, difference=0.01).backend == "pytorch"
    assert Comparison(pytorch_s=2.0, onnxruntime_s=1.0, difference=float("nan")).backend == "pytorch"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"found": 3}', '{"found": {}}', "damaged"])
def test_a_damaged_file_of_choices_is_begun_anew(content):
    file = paths.cache_dir() / "encoders.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    if content == "damaged":
        Choices().remember("vit_t", 1, ONNX)
        content = file.read_text().replace("pytorch_s", "seconds")
    file.write_text(content)
    assert Choices().find("vit_t", 1) is None
    Choices().remember("vit_t", 1, ONNX)
    assert Choices().find("vit_t", 1) == ONNX


def test_choices_that_cannot_be_kept_are_logged(tmp_path, caplog):
    (tmp_path / "file").write_text("not a folder")
    choices = Choices(tmp_path / "file" / "encoders.json")
    choices.remember("vit_t", 1, ONNX)
    assert "cannot be written" in caplog.text
    assert choices.find("vit_t", 1) is None


def test_both_are_tried_once(weights, caplog):
    waits: list[None] = []
    threads = torch.get_num_threads()
    with caplog.at_level(logging.INFO):
        assert try_both(weights, "vit_t", threads, lambda: waits.append(None))
    assert len(waits) >= 3
    found = Choices().find("vit_t", threads)
    assert found is not None
    assert found.difference < 1e-5
    assert min(found.pytorch_s, found.onnxruntime_s) > 0
    assert f"so {found.backend} serves" in caplog.text
    assert not try_both(weights, "vit_t", threads, pytest.fail)
    assert not try_both(weights, "vit_h", threads, pytest.fail)  # too large to try
    assert json.loads((paths.cache_dir() / "encoders.json").read_text())["version"] == 1


def test_pytorch_gets_the_same_input(encoder, photo):
    assert np.array_equal(encoder._input(photo).numpy(), preprocess(photo))


@pytest.fixture
def small(tmp_path, monkeypatch) -> Path:
    """Random weights of a small vision transformer, known as ``vit_s``."""
    shape = VitShape(width=32, depth=2, heads=2, global_blocks=(1,))
    monkeypatch.setitem(VIT_SHAPES, "vit_s", shape)
    state = VisionTransformer(shape).state_dict()
    generator = torch.Generator().manual_seed(3)
    file = tmp_path / "small.pt"
    names = {f"image_encoder.{name}": value for name, value in state.items()}
    torch.save({name: torch.randn(v.shape, generator=generator) * 0.1 for name, v in names.items()}, file)
    return file


def test_several_images_are_encoded_as_each_by_itself(small):
    images = [IMAGE, IMAGE[::-1], IMAGE[:, ::-1]]
    alone = TorchEncoder(small, "vit_s", "cpu")
    together = TorchEncoder(small, "vit_s", "cpu")
    together.batch = 2
    single = [alone.encode(image) for image in images]
    assert np.abs(np.stack(together.encode_many(images)) - single).max() < 1e-5
    ours = open_encoder(small, "vit_s", "cpu").encode_many(images)
    assert np.abs(np.stack(ours) - single).max() < 1e-5


def test_the_memory_of_a_batch_that_was_too_large_is_free_for_single_images(small, monkeypatch):
    encoder = TorchEncoder(small, "vit_s", "cpu")
    single, compute = encoder.encode(IMAGE), encoder._encoder
    computed: list[weakref.ref[torch.Tensor]] = []
    left: list[int] = []

    def compute_one(images: torch.Tensor) -> torch.Tensor:
        activations = images + 1
        computed.append(weakref.ref(activations))
        if len(images) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return compute(images)

    def empty_cache() -> None:
        left.append(sum(held() is not None for held in computed))

    encoder._encoder, encoder.batch = compute_one, 2
    monkeypatch.setattr(torch.cuda, "empty_cache", empty_cache)
    both = encoder.encode_many([IMAGE, IMAGE])
    assert np.array_equal(both, [single, single])
    assert left == [0]


@pytest.mark.parametrize(("device", "half"), [("cuda", True), (EXACT_CUDA, False)])
def test_a_card_computes_in_half_precision_unless_it_is_to_be_exact(small, monkeypatch, device, half):
    monkeypatch.setattr(torch_encoder, "choose_device", lambda _: "cpu")  # there is no card here
    monkeypatch.setattr(torch_encoder, "_halves_well", lambda _: True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    expected = TorchEncoder(small, "vit_s", "cpu", half=half).encode(IMAGE)
    assert np.array_equal(TorchEncoder(small, "vit_s", device).encode(IMAGE), expected)
    assert torch.backends.cudnn.allow_tf32 is half


def test_where_half_precision_does_not_suffice_float32_does(small, caplog):
    expected = TorchEncoder(small, "vit_s", "cpu").encode(IMAGE)
    half = TorchEncoder(small, "vit_s", "cpu", half=True).encode(IMAGE)
    assert 0 < np.abs(half - expected).max() < 0.01 * np.abs(expected).max()
    state = torch.load(small)
    state["image_encoder.blocks.0.mlp.lin1.weight"] *= 1e6
    torch.save(state, small)
    embedding = TorchEncoder(small, "vit_s", "cpu", half=True).encode(IMAGE)
    assert "Half precision does not suffice" in caplog.text
    assert np.array_equal(embedding, TorchEncoder(small, "vit_s", "cpu").encode(IMAGE))
