"""The encoders written as ONNX graphs, and ours in PyTorch, against the reference implementations."""

from __future__ import annotations

import copy
from functools import partial

import numpy as np
import pytest
import torch
from segment_anything.modeling import ImageEncoderViT
from segment_anything.modeling.image_encoder import get_rel_pos

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.architectures import build_encoder
from cellsam_desktop.sam.checkpoint_file import load_arrays
from cellsam_desktop.sam.encoder_graph import MappedGraph, Weights
from cellsam_desktop.sam.encoder_graph_vit import add_vit
from cellsam_desktop.sam.onnx_encoder import GraphSession, OnnxEncoder, encoder_graph
from cellsam_desktop.sam.vit import VisionTransformer
from cellsam_desktop.sam.vit_shapes import VitShape
from cellsam_desktop.sam.weights import load_checkpoint

# 20 tokens do not fill two windows of 14; the blocks in the middle look everywhere.
SMALL = VitShape(width=96, depth=3, heads=4, global_blocks=(1,), grid=20)
SIDE = SMALL.grid * SMALL.patch
CHANNELS = 32


@pytest.fixture(scope="module")
def official() -> ImageEncoderViT:
    """segment-anything's own encoder, small, with random weights everywhere."""
    encoder = ImageEncoderViT(
        img_size=SIDE,
        patch_size=SMALL.patch,
        embed_dim=SMALL.width,
        depth=SMALL.depth,
        num_heads=SMALL.heads,
        mlp_ratio=4,
        out_chans=CHANNELS,
        qkv_bias=True,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=SMALL.window,
        global_attn_indexes=SMALL.global_blocks,
    )
    generator = torch.Generator().manual_seed(1)
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.1, generator=generator)
    return encoder.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope="module")
def ours(official) -> VisionTransformer:
    encoder = VisionTransformer(SMALL, CHANNELS)
    encoder.load_state_dict(official.state_dict())
    return encoder.eval().requires_grad_(False)


def test_fused_attention_keeps_the_relative_positions(official, ours, images):
    assert torch.allclose(ours(images), official(images), atol=2e-6)


def test_relative_positions_are_gathered_as_in_the_reference_without_new_indices(ours, images, monkeypatch):
    for block in ours.blocks:
        table, side = block.attn.rel_pos_h, block.window_size or SMALL.grid
        assert torch.equal(table[block.attn.steps], get_rel_pos(side, side, table))
    assert not any("steps" in name for name in ours.state_dict())
    expected = ours(images)
    monkeypatch.setattr(torch, "arange", pytest.fail)  # on the CPU; a graphics card would wait for it
    assert torch.equal(ours(images), expected)


def test_a_batch_equals_single_images(ours, images):
    assert torch.allclose(ours(images)[1:], ours(images[1:]), atol=1e-6)


def test_half_precision_comes_close(official, ours, images):
    half = copy.deepcopy(ours)
    half.use_half()
    expected = official(images)
    assert half.blocks[1].attn.qkv.weight.dtype == torch.float16
    assert half.blocks[1].norm1.weight.dtype == torch.float32
    assert (half(images) - expected).abs().max() < 2e-3 * expected.abs().max()


def test_half_precision_of_mobile_sam_comes_close(weights):
    encoder = build_encoder("vit_t", load_checkpoint(weights))
    image = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(4)) * 4 - 2
    expected = encoder(image)
    encoder.use_half()
    assert (encoder(image) - expected).abs().max() < 0.01 * expected.abs().max()


@pytest.mark.parametrize("grid", [20, 14, 28], ids=["padded", "one window", "four windows"])
def test_the_graph_of_a_vision_transformer(official, images, grid):
    """Other grids have other tables of positions: weights are made for each."""
    shape = VitShape(SMALL.width, SMALL.depth, SMALL.heads, SMALL.global_blocks, grid=grid)
    encoder = VisionTransformer(shape, CHANNELS)
    generator = torch.Generator().manual_seed(grid)
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.1, generator=generator)
    image = images[:1].repeat(1, 1, 2, 2)[:, :, : grid * 16, : grid * 16].contiguous()
    graph = MappedGraph("small")
    weights = Weights({name: value.numpy() for name, value in encoder.state_dict().items()})
    embedding = add_vit(graph.input("image", tuple(image.shape)), weights, shape)
    graph.output("embedding", embedding, (1, CHANNELS, grid, grid))
    assert not weights.unused
    found = GraphSession(graph, 1).run(image.numpy())
    with torch.inference_mode():
        expected = encoder(image).numpy()
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.fixture(scope="session")
def onnx_encoder(weights) -> OnnxEncoder:
    return OnnxEncoder(weights, "vit_t")


def test_the_graph_of_mobile_sam_gives_its_embeddings(onnx_encoder, shown, photo):
    found = onnx_encoder.encode(photo)
    assert found.shape == (256, 64, 64)
    assert found.dtype == np.float32
    assert np.abs(found - shown.get_image_embedding()[0].numpy()).max() < 1e-5


def test_most_weights_stay_in_the_file(weights):
    """Batch norms are folded into copies, and the parts of queries, keys and values brought together."""
    arrays = encoder_graph(load_arrays(weights), "vit_t").weights.values()
    assert sum(array.nbytes for array in arrays if array.flags.owndata) < 0.3 * sum(a.nbytes for a in arrays)


def test_weights_of_another_architecture_are_refused(weights):
    with pytest.raises(ModelError, match="do not fit the architecture vit_b"):
        OnnxEncoder(weights, "vit_b")
    with pytest.raises(ModelError, match="'vit_x' is not known"):
        OnnxEncoder(weights, "vit_x")


def test_weights_that_the_graph_does_not_know_are_refused(weights):
    """An adapter in the encoder, say, without which the embeddings would be wrong."""
    state = {**load_arrays(weights), "image_encoder.layers.1.adapter.weight": np.ones(3, np.float32)}
    with pytest.raises(ModelError, match="do not fit"):
        encoder_graph(state, "vit_t")
