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
    PIXELS,
    WIDTH,
    Array,
    AttentionWeights,
    PromptWeights,
    Weights,
)
from cellsam_desktop.sam.onnx_graph import Graph, Value

SOURCE, UPSCALED, FEATURES, CHANGE = "source", "upscaled", "features", "change"
IMAGE_TENSORS: dict[str, tuple[int | str, ...]] = {
    SOURCE: (PIXELS, WIDTH),  # the embedding
    UPSCALED: (PIXELS, 4 * (WIDTH // 4 + 1)),  # the source's share in the first convolution
    # What SAM adds to the source for a hint, or for none, is features' @ change.
    FEATURES: ("features", PIXELS),
    CHANGE: ("features", WIDTH),
    "keys": (HEADS, HEAD, PIXELS),  # projections, for the first layer, of the source and what is added
    "values": (HEADS, PIXELS, HEAD),
    "queries": (HEADS, HEAD, PIXELS),
}


@dataclass(frozen=True, eq=False)
class _Projection:
    """What every click needs of the image tokens S: ``S @ matrix + offset``, laid out by ``product``.

    ``product(rows, matrix)`` is the product, and ``offset`` is laid out as it is.
    """

    matrix: Array
    offset: Array
    product: Callable[[Value, Array], Value]


def image_graph(weights: Weights) -> onnx.ModelProto:
    """From ``embedding`` (256, 4096) to the ``IMAGE_TENSORS``, for clicks without a hint."""
    graph = Graph("image")
    no_hint = PromptWeights(weights.part("prompt_encoder")).no_hint[None]
    source = graph.input("embedding", (WIDTH, PIXELS)).transpose(1, 0)
    tensors = {
        SOURCE: source,
        UPSCALED: source @ _upscaling(weights),
        FEATURES: graph.node("Identity", np.ones((1, PIXELS))),
        CHANGE: graph.node("Identity", no_hint),
    }
    without_hint = source + no_hint
    for name, projection in _projections(weights).items():
        tensors[name] = projection.product(without_hint, projection.matrix) + projection.offset
    for name, tensor in tensors.items():
        graph.output(name, tensor, IMAGE_TENSORS[name])
    return graph.model()


def hint_graph(weights: Weights) -> onnx.ModelProto:
    """From ``hint``, logits (256, 256), and the projections to what differs for clicks with it (``HINTED``).

    SAM adds 256 features of the hint to the image tokens. They are products of 16 features, and so is what
    they change of each projection.
    """
    graph = Graph("hint")
    features = hint_features(graph.input("hint", (4 * GRID, 4 * GRID)), weights)
    features = graph.concat([features, np.ones((PIXELS, 1))], axis=1)
    last = weights.part("prompt_encoder.mask_downscaling.6")
    added = np.vstack([last["weight"].reshape(WIDTH, -1).T, last.bias])
    change = np.vstack([added[:-1], last.bias - PromptWeights(weights.part("prompt_encoder")).no_hint])
    tensors = {FEATURES: features.transpose(1, 0), CHANGE: graph.node("Identity", added)}
    for name, projection in _projections(weights).items():
        before = graph.input(name, IMAGE_TENSORS[name])
        tensors[name] = projection.product(features, change @ projection.matrix) + before
    for name, tensor in tensors.items():
        graph.output(HINTED + name, tensor, IMAGE_TENSORS[name])
    return graph.model()


def _projections(weights: Weights) -> dict[str, _Projection]:
    layer = weights.part("mask_decoder.transformer.layers.0")
    to_image = AttentionWeights(layer.part("cross_attn_token_to_image"))
    to_tokens = AttentionWeights(layer.part("cross_attn_image_to_token"))
    positions = PromptWeights(weights.part("prompt_encoder")).image_positions
    query, bias = to_tokens.query
    shape = (HEADS, HEAD, PIXELS)
    return {
        "keys": _Projection(to_image.key, (positions @ to_image.key).T.reshape(shape), _columns),
        "values": _Projection(to_image.value, np.zeros(HEAD), _heads),
        "queries": _Projection(query, (positions @ query + bias).T.reshape(shape), _columns),
    }


def _upscaling(weights: Weights) -> Array:
    """(256, 260): from the source to its share in the first convolution."""
    norms = [weights[f"mask_decoder.transformer.layers.{layer}.norm4.weight"] for layer in (0, 1)]
    return np.asarray((norms[0] * norms[1])[:, None] * first_up_convolution(weights)[0])


def _columns(rows: Value, matrix: Array) -> Value:
    """(8, 16, 4096)."""
    return rows.graph.constant(matrix.T).times_transposed(rows).reshape(HEADS, HEAD, PIXELS)


def _heads(rows: Value, matrix: Array) -> Value:
    """(8, 4096, 16)."""
    return rows @ matrix.reshape(-1, HEADS, HEAD).transpose(1, 0, 2)
