"""Convolutions of 2 x 2 as matrix products, and the norms between them over groups of channels."""

from __future__ import annotations

import numpy as np

from cellsam_desktop.sam.decoder_weights import GRID, WIDTH, Array, Weights
from cellsam_desktop.sam.onnx_graph import Value

_EPSILON = 1e-6  # of LayerNorm2d
_SURE = 8.0  # in float32, its GELU is itself


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


def norm_of_groups(weights: Weights, x: Value, groups: int) -> Value:
    """``LayerNorm2d`` of ``x``, (N, groups * channels); each group has mean 0.

    ONNX Runtime's own norm uses one thread for rows this short.
    """
    blocks = np.repeat(np.eye(groups), weights.bias.size, axis=0)
    variances = (x * x) @ (blocks / weights.bias.size) + np.array([_EPSILON])
    return _scaled(x, variances, blocks, np.tile(weights["weight"], groups)) + np.tile(weights.bias, groups)


def first_up_convolution(weights: Weights) -> tuple[Array, Array]:
    """The decoder's first: matrix (256, 260) and bias (260,), centred for the norm of its four pixels.

    Each pixel has 64 channels, and a constant one more for ``norm_of_pixels``.
    """
    matrix, bias = centred(up_convolution(weights.part("mask_decoder.output_upscaling.0")), 4)
    channels = bias.size // 4
    matrix = np.pad(matrix.reshape(WIDTH, 4, channels), ((0, 0), (0, 0), (0, 1))).reshape(WIDTH, -1)
    epsilon = np.full((4, 1), np.sqrt(_EPSILON * channels))
    return matrix, np.hstack([bias.reshape(4, channels), epsilon]).reshape(-1)


def norm_of_pixels(weights: Weights, x: Value) -> Value:
    """``LayerNorm2d`` of what ``first_up_convolution`` makes, (N, 260), each row times any factor.

    The constant channel adds the norm's epsilon to the variance, with the factor. Then it becomes another
    constant, so that the bias of the second convolution is a row of its matrix: products with a bias of their
    own are slow.
    """
    norm = weights.part("mask_decoder.output_upscaling.1")
    weight, bias = np.append(norm["weight"], 0), np.append(norm.bias, _SURE)
    blocks = np.repeat(np.eye(4), weight.size, axis=0)
    return _scaled(x, (x * x) @ (blocks / norm.bias.size), blocks, np.tile(weight, 4)) + np.tile(bias, 4)


def _scaled(x: Value, variances: Value, blocks: Array, weight: Array) -> Value:
    """(N, C) times ``weight`` (C,), by the roots of ``variances`` (N, G) of the groups ``blocks`` (C, G)."""
    return x * (x.graph.node("Sqrt", variances).inverse() @ (blocks.T * weight))


def second_up_convolution(weights: Weights) -> Array:
    """The decoder's second: matrix (65, 128)."""
    matrix, bias = up_convolution(weights.part("mask_decoder.output_upscaling.3"))
    return np.vstack([matrix, bias / _SURE])


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
