"""What the decoder computes once per image, and what a hint (the mask being refined) changes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx

from cellsam_desktop.sam.decoder_files import HINTED
from cellsam_desktop.sam.decoder_weights import (
    GRID,
    HEAD,
    HEADS,
    INNER,
    PIXELS,
    WIDTH,
    Array,
    AttentionWeights,
    PromptWeights,
    Weights,
)
from cellsam_desktop.sam.onnx_graph import Graph, Value

LOGITS = 4 * GRID
SOURCE = "source"
IMAGE_TENSORS = {
    SOURCE: (PIXELS, WIDTH),  # the embedding, and what SAM adds to it when there is no hint
    "keys": (HEADS, HEAD, PIXELS),  # projections of the first layer
    "values": (HEADS, PIXELS, HEAD),
    "queries": (HEADS, HEAD, PIXELS),
    "upscaled": (PIXELS, WIDTH),  # the source's share in the first convolution
}


@dataclass(frozen=True, eq=False)
class _Projection:
    """A product of image tokens S that is needed for every click: ``arrange(S @ matrix + offset)``."""

    matrix: Array
    offset: Array
    arrange: Callable[[Value], Value]


def image_graph(weights: Weights) -> onnx.ModelProto:
    """From ``embedding`` (256, 4096) to the ``IMAGE_TENSORS``."""
    graph = Graph("image")
    no_hint = PromptWeights(weights.part("prompt_encoder")).no_hint
    source = graph.input("embedding", (WIDTH, PIXELS)).transpose(1, 0) + no_hint
    graph.output(SOURCE, source, IMAGE_TENSORS[SOURCE])
    for name, projection in _projections(weights).items():
        tensor = projection.arrange(source.linear(projection.matrix, projection.offset))
        graph.output(name, tensor, IMAGE_TENSORS[name])
    return graph.model()


def hint_graph(weights: Weights) -> onnx.ModelProto:
    """From ``hint``, logits (256, 256), and the ``IMAGE_TENSORS`` to those for clicks with it (``HINTED``).

    SAM adds 256 features of the hint to the image tokens. They are a product of 16 features, and so is what
    they change of each projection.
    """
    graph = Graph("hint")
    features = _hint_features(graph.input("hint", (LOGITS, LOGITS)), weights)
    last = weights.part("prompt_encoder.mask_downscaling.6")
    matrix = last["weight"][:, :, 0, 0].T
    offset = last.bias - PromptWeights(weights.part("prompt_encoder")).no_hint
    unchanged = _Projection(np.eye(WIDTH), np.zeros(WIDTH), _as_it_is)
    for name, projection in {SOURCE: unchanged, **_projections(weights)}.items():
        change = features.linear(matrix @ projection.matrix, offset @ projection.matrix)
        before = graph.input(name, IMAGE_TENSORS[name])
        graph.output(HINTED + name, before + projection.arrange(change), IMAGE_TENSORS[name])
    return graph.model()


def upscaling_matrix(weights: Weights) -> Array:
    """(256, 256) from the first layer's normed image tokens, not yet scaled, to the first convolution.

    The second layer's norm scales each of them by a number, which is left out here.
    """
    decoder = weights.part("mask_decoder")
    first, second = (decoder[f"transformer.layers.{layer}.norm4.weight"] for layer in (0, 1))
    return (first * second)[:, None] * decoder.part("output_upscaling.0").up_matrix


def _projections(weights: Weights) -> dict[str, _Projection]:
    layer = weights.part("mask_decoder.transformer.layers.0")
    to_image = AttentionWeights(layer.part("cross_attn_token_to_image"))
    to_tokens = AttentionWeights(layer.part("cross_attn_image_to_token"))
    positions = PromptWeights(weights.part("prompt_encoder")).image_positions
    query, bias = to_tokens.query
    return {
        "keys": _Projection(to_image.key, positions @ to_image.key, _as_columns),
        "values": _Projection(to_image.value, np.zeros(INNER), _as_rows),
        "queries": _Projection(query, positions @ query + bias, _as_columns),
        "upscaled": _Projection(upscaling_matrix(weights), np.zeros(WIDTH), _as_it_is),
    }


def _hint_features(hint: Value, weights: Weights) -> Value:
    """(4096, 16), by two 2 x 2 convolutions of stride 2, each with norm and activation."""
    layers = weights.part("prompt_encoder.mask_downscaling")
    quads = hint.reshape(GRID, 2, 2, GRID, 2, 2).transpose(0, 3, 1, 4, 2, 5).reshape(4 * PIXELS, 4)
    return _downscale(layers, 3, _downscale(layers, 0, quads).reshape(PIXELS, 16))


def _downscale(layers: Weights, first: int, quads: Value) -> Value:
    convolution, norm = layers.part(f"{first}"), layers.part(f"{first + 1}")
    return (
        quads.linear(convolution.down_matrix, convolution.bias)
        .layer_norm(norm["weight"], norm.bias, 1e-6)
        .gelu()
    )


def _as_it_is(projected: Value) -> Value:
    return projected


def _as_rows(projected: Value) -> Value:
    """(4096, 128) to (8, 4096, 16)."""
    return projected.reshape(PIXELS, HEADS, HEAD).transpose(1, 0, 2)


def _as_columns(projected: Value) -> Value:
    """(4096, 128) to (8, 16, 4096)."""
    return projected.transpose(1, 0).reshape(HEADS, HEAD, PIXELS)
