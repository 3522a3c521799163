import numpy as np
import pytest
import segment_anything
import torch

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam import architectures
from cellsam_desktop.sam.torch_encoder import TorchEncoder
from cellsam_desktop.sam.vit import VisionTransformer
from cellsam_desktop.sam.vit_shapes import VIT_SHAPES
from cellsam_desktop.sam.weights import load_checkpoint


@pytest.mark.parametrize("kind", VIT_SHAPES)
def test_vision_transformers_are_the_official_ones(kind):
    with torch.device("meta"):  # shapes only: vit_h has 600 million numbers
        official = segment_anything.sam_model_registry[kind]()
        own = VisionTransformer(VIT_SHAPES[kind])
    expected = {name: value.shape for name, value in official.image_encoder.state_dict().items()}
    assert {name: value.shape for name, value in own.state_dict().items()} == expected
    blocks = zip(own.blocks, official.image_encoder.blocks, strict=True)
    assert all(ours.window_size == theirs.window_size for ours, theirs in blocks)
    assert own.blocks[0].attn.num_heads == official.image_encoder.blocks[0].attn.num_heads


def test_embeddings_agree_with_the_reference(embedding, shown):
    expected = shown.get_image_embedding()[0].numpy()
    assert embedding.shape == (256, 64, 64)
    assert embedding.dtype == np.float32
    assert np.abs(embedding - expected).max() < 1e-4


def test_weights_of_another_architecture_are_refused(weights):
    with pytest.raises(ModelError, match="do not fit the architecture vit_b"):
        architectures.build("vit_b", load_checkpoint(weights))


def test_unknown_architectures_are_refused(weights):
    with pytest.raises(ModelError, match="'vit_x' is not known"):
        architectures.build("vit_x", {})


def test_unknown_devices_are_refused(weights):
    with pytest.raises(ModelError, match="no device called 'tpu'"):
        TorchEncoder(weights, "vit_t", "tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this computer has CUDA")
def test_missing_devices_are_named(weights):
    with pytest.raises(ModelError, match="finds no cuda device"):
        TorchEncoder(weights, "vit_t", "cuda")


def test_auto_chooses_what_is_there(encoder):
    assert encoder.device == "cpu"
