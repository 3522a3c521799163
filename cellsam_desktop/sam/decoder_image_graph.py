"""What the decoder computes once per image, and what a hint (the mask being refined) changes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx

from cellsam_desktop.sam.decoder_convolutions import first_up_convolution, hint_features
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
from cellsam_desktop.sam.onnx_graph import Graph, Operand, Value

SOURCE = "source"
IMAGE_TENSORS = {
    SOURCE: (
        PIXELS,
        WIDTH,
    ),  # the embedding, and what SAM adds to it when there is no hint
    "keys": (INNER, PIXELS),  # projections of the first layer
    "values": (HEADS, PIXELS, HEAD),
    "queries": (INNER, PIXELS),
    "upscaled": (PIXELS, WIDTH),  # the source's share in the first convolution
}


@dataclass(frozen=True, eq=False)
class _Projection:
    """What every click needs of the image tokens S: ``S @ matrix + offset``, laid out by ``product``.

    ``product(rows, matrix, offset)`` takes an offset that is laid out already, or one row.
    """

    matrix: Array
    offset: Array
    product: Callable[[Value, Array, Operand], Value]


def image_graph(weights: Weights) -> onnx.ModelProto:
    """From ``embedding`` (256, 4096) to the ``IMAGE_TENSORS``."""
    graph = Graph("image")
    no_hint = PromptWeights(weights.part("prompt_encoder")).no_hint
    source = graph.input("embedding", (WIDTH, PIXELS)).transpose(1, 0) + no_hint
    graph.output(SOURCE, source, IMAGE_TENSORS[SOURCE])
    for name, projection in _projections(weights).items():
        tensor = projection.product(source, projection.matrix, projection.offset)
        graph.output(name, tensor, IMAGE_TENSORS[name])
    return graph.model()


def hint_graph(weights: Weights) -> onnx.ModelProto:
    """From ``hint``, logits (256, 256), and the ``IMAGE_TENSORS`` to those for clicks with it (``HINTED``).

    SAM adds 256 features of the hint to the image tokens. They are products of 16 features, and so is what
    they change of each projection.
    """
    graph = Graph("hint")
    features = hint_features(graph.input("hint", (4 * GRID, 4 * GRID)), weights)
    features = graph.concat([features, np.ones((PIXELS, 1))], axis=1)
    last = weights.part("prompt_encoder.mask_downscaling.6")
    no_hint = PromptWeights(weights.part("prompt_encoder")).no_hint
    change = np.vstack([last["weight"].reshape(WIDTH, -1).T, last.bias - no_hint])
    unchanged = _Projection(np.eye(WIDTH), np.zeros(WIDTH), _rows)
    for name, projection in {SOURCE: unchanged, **_projections(weights)}.items():
        before = graph.input(name, IMAGE_TENSORS[name])
        after = projection.product(features, change @ projection.matrix, before)
        graph.output(HINTED + name, after, IMAGE_TENSORS[name])
    return graph.model()


def _projections(weights: Weights) -> dict[str, _Projection]:
    layer = weights.part("mask_decoder.transformer.layers.0")
    to_image = AttentionWeights(layer.part("cross_attn_token_to_image"))
    to_tokens = AttentionWeights(layer.part("cross_attn_image_to_token"))
    positions = PromptWeights(weights.part("prompt_encoder")).image_positions
    query, bias = to_tokens.query
    norms = [weights[f"mask_decoder.transformer.layers.{layer}.norm4.weight"] for layer in (0, 1)]
    upscaling = (norms[0] * norms[1])[:, None] * first_up_convolution(weights)[0]
    return {
        "keys": _Projection(to_image.key, (positions @ to_image.key).T, _columns),
        "values": _Projection(to_image.value, np.zeros(HEAD), _heads),
        "queries": _Projection(query, (positions @ query + bias).T, _columns),
        "upscaled": _Projection(upscaling, np.zeros(WIDTH), _rows),
    }


def _rows(rows: Value, matrix: Array, offset: Operand) -> Value:
    """(4096, 256)."""
    return rows.linear(matrix, offset)


def _columns(rows: Value, matrix: Array, offset: Operand) -> Value:
    """(128, 4096)."""
    return rows.graph.node("Gemm", matrix.T, rows, offset, transB=1)


def _heads(rows: Value, matrix: Array, offset: Operand) -> Value:
    """(8, 4096, 16)."""
    return rows @ matrix.reshape(-1, HEADS, HEAD).transpose(1, 0, 2) + offset
