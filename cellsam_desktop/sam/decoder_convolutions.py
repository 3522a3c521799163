"""Convolutions of 2 x 2 as matrix products, and the norms between them over groups of channels."""

from __future__ import annotations

import numpy as np

from cellsam_desktop.sam.decoder_weights import GRID, Array, Weights
from cellsam_desktop.sam.onnx_graph import Value

_EPSILON = 1e-6  # of LayerNorm2d


def up_convolution(weights: Weights) -> tuple[Array, Array]:
    """A transposed 2 x 2 convolution of stride 2: matrix (inputs, 4 * outputs) and bias (4 * outputs,).

    Outputs are ordered by row, column, channel.
    """
    weight = weights["weight"]
    return weight.transpose(0, 2, 3, 1).reshape(len(weight), -1), np.tile(weights.bias, 4)


def down_convolution(weights: Weights) -> tuple[Array, Array]:
    """A 2 x 2 convolution of stride 2: matrix (4 * inputs, outputs), inputs so ordered, and bias."""
    weight = weights["weight"]
    return weight.transpose(2, 3, 1, 0).reshape(-1, len(weight)), weights.bias


def centred(convolution: tuple[Array, Array], groups: int) -> tuple[Array, Array]:
    """The same less the mean over the outputs of each group, which a norm that follows would subtract."""
    stacked = np.vstack(convolution)
    grouped = stacked.reshape(len(stacked), groups, -1)
    result = (grouped - grouped.mean(axis=2, keepdims=True)).reshape(stacked.shape)
    return result[:-1], result[-1]


def norm_of_groups(weights: Weights, x: Value, groups: int, factor: Value | None = None) -> Value:
    """``LayerNorm2d`` of ``x / factor``, (N, groups * channels) and (N, 1); each group of x has mean 0.

    ONNX Runtime's own norm uses one thread for rows this short.
    """
    channels = weights.bias.size
    blocks = np.repeat(np.eye(groups), channels, axis=0)
    epsilon = np.array([_EPSILON]) if factor is None else factor * factor * np.array([_EPSILON])
    deviations = x.graph.node("Sqrt", (x * x) @ (blocks / channels) + epsilon)
    scales = deviations.inverse() @ (blocks.T * np.tile(weights["weight"], groups))
    return x * scales + np.tile(weights.bias, groups)


def first_up_convolution(weights: Weights) -> tuple[Array, Array]:
    """The decoder's first: matrix (256, 256) and bias (256,), centred for the norm of its four pixels."""
    return centred(up_convolution(weights.part("mask_decoder.output_upscaling.0")), 4)


def hint_features(hint: Value, weights: Weights) -> Value:
    """The 16 features (4096, 16) that SAM makes of a hint (256, 256), by two convolutions to 64 x 64."""
    layers = weights.part("prompt_encoder.mask_downscaling")
    matrix, bias = down_convolution(layers.part("0"))
    # Each token's 4 x 4 logits are four quads; the first convolution makes four channels of each.
    spread = np.einsum("ac,bd,ijo->aibjcdo", np.eye(2), np.eye(2), matrix.reshape(2, 2, -1)).reshape(16, 16)
    tokens = hint.graph.node("SpaceToDepth", hint.reshape(1, 1, 4 * GRID, 4 * GRID), blocksize=4).reshape(
        16, -1
    )
    x = tokens.transposed_linear(*centred((spread, np.tile(bias, 4)), 4))
    x = norm_of_groups(layers.part("1"), x, 4).gelu()
    x = x.linear(*centred(down_convolution(layers.part("3")), 1))
    return norm_of_groups(layers.part("4"), x, 1).gelu()
