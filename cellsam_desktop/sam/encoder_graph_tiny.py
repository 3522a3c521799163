"""MobileSAM's TinyViT as an ONNX graph (Wu et al., ECCV 2022; Zhang et al. 2023), from MobileSAM's own names.

The same numbers as ``tiny_vit.TinyVitEncoder``, reordered where algebra allows: batch norms are folded into
their convolutions; what the layer norm adds to keys and values, and their biases, are left out or moved
behind the attention as in ``encoder_graph_vit``, which makes padding tokens zero.
"""

from __future__ import annotations

import numpy as np

from cellsam_desktop.sam.encoder_graph import FloatArray, Weights, convolve, dense
from cellsam_desktop.sam.encoder_graph_vit import add_neck
from cellsam_desktop.sam.encoder_graph_windows import Windows, project_out
from cellsam_desktop.sam.onnx_graph import Value

_GRIDS = (256, 128, 64, 64)  # MobileSAM does not halve the last one, so that it is SAM's
_DEPTHS = (2, 2, 6, 2)
_HEADS = (2, 4, 5, 10)
_SIDES = (7, 7, 14, 7)
_SIZE = 32  # of a head
_EPSILON = 1e-5


def add_tiny_vit(image: Value, weights: Weights) -> Value:
    """From ``image`` (1, 3, 1024, 1024) to the embedding (1, 256, 64, 64)."""
    image = _convolve(image, weights, "patch_embed.seq.0", stride=2).gelu()
    image = _convolve(image, weights, "patch_embed.seq.2", stride=2)
    for number in range(_DEPTHS[0]):
        image = (image + _squeeze(image, weights.part(f"layers.0.blocks.{number}"))).gelu()
    for stage in (1, 2, 3):
        grid, stride = _GRIDS[stage], _GRIDS[stage - 1] // _GRIDS[stage]
        image = _squeeze(image, weights.part(f"layers.{stage - 1}.downsample"), stride)
        tokens = _to_tokens(image, grid)
        windows = Windows(grid, _SIDES[stage], _HEADS[stage], _SIZE)
        for number in range(_DEPTHS[stage]):
            tokens = _add_block(tokens, weights.part(f"layers.{stage}.blocks.{number}"), windows)
        image = _to_image(tokens, grid)
    return add_neck(tokens, weights.part("neck"), _GRIDS[-1])


def _squeeze(image: Value, own: Weights, stride: int = 1) -> Value:
    """Convolutions by point, by channel and by point: the inside of an MBConv, or a down-sampling."""
    image = _convolve(image, own, "conv1").gelu()
    image = _convolve(image, own, "conv2", stride, by_channel=True).gelu()
    return _convolve(image, own, "conv3")


def _convolve(image: Value, own: Weights, name: str, stride: int = 1, by_channel: bool = False) -> Value:
    """A convolution with its batch norm folded in."""
    kernel, norm = own[f"{name}.c.weight"], own.part(f"{name}.bn")
    scale = norm["weight"] / np.sqrt(norm["running_var"].astype(np.float64) + _EPSILON)
    shift = (norm["bias"] - norm["running_mean"] * scale).astype(np.float32)
    folded = (kernel * scale[:, None, None, None]).astype(np.float32)
    return convolve(image, folded, shift, stride, groups=len(kernel) if by_channel else 1)


def _add_block(tokens: Value, own: Weights, windows: Windows) -> Value:
    tokens = tokens + _add_attention(tokens, own.part("attn"), windows)
    image = _convolve(_to_image(tokens, windows.grid), own, "local_conv", by_channel=True)
    tokens, mlp = _to_tokens(image, windows.grid), own.part("mlp")
    normed = tokens.layer_norm(mlp["norm.weight"], mlp["norm.bias"], _EPSILON)
    hidden = dense(normed, mlp["fc1.weight"], mlp["fc1.bias"]).gelu()
    return tokens + dense(hidden, mlp["fc2.weight"], mlp["fc2.bias"])


def _add_attention(tokens: Value, own: Weights, windows: Windows) -> Value:
    """MobileSAM pads before the norm, so that a padding token holds the shift of the norm."""
    shape = (windows.heads, 3, windows.size)
    weight, shift = own["qkv.weight"], own["norm.bias"].astype(np.float64)
    query, key, value = np.moveaxis(weight.reshape(*shape, -1), 1, 0).reshape(3, -1, weight.shape[1])
    biases = (weight.astype(np.float64) @ shift + own["qkv.bias"]).reshape(shape)
    query_bias, _, value_bias = np.moveaxis(biases, 1, 0).reshape(3, -1).astype(np.float32)
    normed = tokens.layer_norm(own["norm.weight"], np.zeros_like(own["norm.bias"]), _EPSILON)
    queries = windows.enter(dense(normed, query, query_bias))
    keys, values = windows.enter(dense(normed, key)), windows.enter(dense(normed, value))
    positions = _position_table(own["attention_biases"], windows.side)
    scores = queries.times_transposed(keys, windows.scale) + positions
    attended = windows.leave(scores.softmax() @ values)
    return project_out(attended, own["proj.weight"], own["proj.bias"], value_bias)


def _position_table(biases: FloatArray, side: int) -> FloatArray:
    """What is added to the scores, (heads, tokens, tokens), learned by distance down and across."""
    y, x = np.divmod(np.arange(side * side), side)
    distance = np.abs(y[:, None] - y) * side + np.abs(x[:, None] - x)
    return biases[:, distance]


def _to_tokens(image: Value, grid: int) -> Value:
    return image.transpose(0, 2, 3, 1).reshape(grid * grid, -1)


def _to_image(tokens: Value, grid: int) -> Value:
    return tokens.reshape(1, grid, grid, -1).transpose(0, 3, 1, 2)
