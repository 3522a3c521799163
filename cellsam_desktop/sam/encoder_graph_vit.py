"""SAM's vision transformer as an ONNX graph (Kirillov et al. 2023; ViTDet: Li et al. 2022).

The same numbers as ``segment_anything.modeling.ImageEncoderViT``, reordered where algebra allows:

- The bias of the keys moves all scores of a query alike, which softmax ignores, so it is left out. The bias
  of the values passes through the attention unchanged, so it joins that of the projection. Both together
  make padding tokens zero, and only real tokens are projected.
- Global attention runs head by head over a few rows of queries at a time, so that the scores stay in the
  processor's cache; whole, they take 800 MB. Windows are attended to one after the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cellsam_desktop.sam.encoder_graph import Body, Weights, convolve, dense, scan
from cellsam_desktop.sam.encoder_graph_windows import Windows, project_out
from cellsam_desktop.sam.onnx_graph import Value
from cellsam_desktop.sam.vit_shapes import VitShape

_EPSILON = 1e-6
_ROWS = 4  # of queries at a time look at the whole image, or as many as divide it


@dataclass(frozen=True, eq=False)
class _Heads:
    """What attention works on: one or several axes of batches, then tokens (the same for keys and values).

    Queries, keys and values end in the size of a head, ``down`` and ``across`` in the side of the window:
    what the positions of the rows and the columns of keys add to a query's scores.
    """

    queries: Value
    keys: Value
    values: Value
    down: Value
    across: Value


def add_vit(image: Value, weights: Weights, shape: VitShape) -> Value:
    """From ``image`` (1, 3, grid * patch, grid * patch) to the embedding (1, 256, grid, grid)."""
    tokens = _embed_patches(image, weights, shape)
    for number in range(shape.depth):
        side = shape.grid if number in shape.global_blocks else shape.window
        windows = Windows(shape.grid, side, shape.heads, shape.width // shape.heads)
        tokens = _add_block(tokens, weights.part(f"blocks.{number}"), windows)
    return add_neck(tokens, weights.part("neck"), shape.grid)


def _embed_patches(image: Value, weights: Weights, shape: VitShape) -> Value:
    """A patch's convolution does not overlap the next one's, so it is a matrix product."""
    grid, patch, width = shape.grid, shape.patch, shape.width
    patches = image.reshape(3, grid, patch, grid, patch).transpose(1, 3, 0, 2, 4)
    rows = patches.reshape(grid * grid, 3 * patch * patch)
    projection = weights.part("patch_embed.proj")
    tokens = dense(rows, projection["weight"].reshape(width, -1), projection["bias"])
    return tokens + weights["pos_embed"].reshape(grid * grid, width)


def _add_block(tokens: Value, own: Weights, windows: Windows) -> Value:
    normed = tokens.layer_norm(own["norm1.weight"], own["norm1.bias"], _EPSILON)
    tokens = tokens + _add_attention(normed, own.part("attn"), windows)
    normed = tokens.layer_norm(own["norm2.weight"], own["norm2.bias"], _EPSILON)
    hidden = dense(normed, own["mlp.lin1.weight"], own["mlp.lin1.bias"]).gelu()
    return tokens + dense(hidden, own["mlp.lin2.weight"], own["mlp.lin2.bias"])


def _add_attention(tokens: Value, own: Weights, windows: Windows) -> Value:
    query, key, value = np.split(own["qkv.weight"], 3)
    query_bias, _, value_bias = np.split(own["qkv.bias"], 3)
    queries = windows.enter(dense(tokens, query, query_bias))
    keys, values = windows.enter(dense(tokens, key)), windows.enter(dense(tokens, value))
    down, across = (_add_positions(queries, own, axis, windows) for axis in "hw")
    heads = _Heads(queries, keys, values, down, across)
    attended = (
        _attend_everywhere(heads, windows) if windows.count == 1 else _attend_in_windows(heads, windows)
    )
    return project_out(windows.leave(attended), own["proj.weight"], own["proj.bias"], value_bias)


def _add_positions(queries: Value, own: Weights, axis: str, windows: Windows) -> Value:
    """What the relative position adds to the scores, (windows, heads, tokens, side): decomposed (MViTv2).

    The products of each query with the positions of all rows of keys (``axis`` h), or all columns (w).
    """
    count, heads, side = windows.count, windows.heads, windows.side
    places = np.arange(side)
    steps = own[f"rel_pos_{axis}"][places[:, None] - places[None, :] + side - 1]
    order = (0, 1, 2, 3) if axis == "h" else (0, 2, 1, 3)
    rows = queries.reshape(count * heads, side, side, windows.size).transpose(*order)
    products: Value = rows @ steps.transpose(0, 2, 1)
    return products.transpose(*order).reshape(count, heads, windows.tokens, side)


def _attend(heads: _Heads, shape: tuple[int, ...], scale: float) -> Value:
    """Attention of queries of ``shape`` (..., tokens), without the size of a head, to side * side keys."""
    *batch, count, side = shape
    scores = heads.queries.times_transposed(heads.keys, scale).reshape(*batch, count, side, side)
    scores = scores + heads.down.reshape(*batch, count, side, 1)
    scores = scores + heads.across.reshape(*batch, count, 1, side)
    shares: Value = scores.reshape(*batch, count, side * side).softmax()
    return shares @ heads.values


def _attend_in_windows(heads: _Heads, windows: Windows) -> Value:
    body = Body("in_window")
    count, tokens, side, size = windows.heads, windows.tokens, windows.side, windows.size
    queries, keys, values = (body.input(f"window_{name}", (count, tokens, size)) for name in ("q", "k", "v"))
    down, across = (body.input(f"window_{name}", (count, tokens, side)) for name in ("down", "across"))
    attended = _attend(_Heads(queries, keys, values, down, across), (count, tokens, side), windows.scale)
    body.output("window_attended", attended, (count, tokens, size))
    items = heads.queries, heads.keys, heads.values, heads.down, heads.across
    return scan(heads.queries.graph, body, items)


def _attend_everywhere(heads: _Heads, windows: Windows) -> Value:
    """The outer body sees one head, the inner one a few rows of its queries."""
    count, side, size, tokens = windows.heads, windows.side, windows.size, windows.tokens
    some = math.gcd(_ROWS, side) * side
    head, rows = Body("in_head"), Body("in_rows")
    keys, values = (head.input(f"head_{name}", (tokens, size)) for name in ("k", "v"))
    asked = (("q", size), ("down", side), ("across", side))
    per_head = [head.input(f"head_{name}", (tokens // some, some, last)) for name, last in asked]
    queries, down, across = (rows.input(f"rows_{name}", (some, last)) for name, last in asked)
    attended = _attend(_Heads(queries, keys, values, down, across), (some, side), windows.scale)
    rows.output("rows_attended", attended, (some, size))
    head.output("head_attended", scan(head, rows, per_head), (tokens // some, some, size))
    whole = [part.reshape(count, tokens, size) for part in (heads.keys, heads.values)]
    parts = (heads.queries, size), (heads.down, side), (heads.across, side)
    by_rows = [part.reshape(count, tokens // some, some, last) for part, last in parts]
    result = scan(heads.queries.graph, head, [*whole, *by_rows])
    return result.reshape(1, count, tokens, size)


def add_neck(tokens: Value, weights: Weights, grid: int) -> Value:
    """From tokens (grid * grid, width) to (1, 256, grid, grid): two convolutions, each with a norm.

    The norms over channels take place where channels come last.
    """
    first = weights["0.weight"]
    rows = dense(tokens, first.reshape(len(first), -1))
    rows = rows.layer_norm(weights["1.weight"], weights["1.bias"], _EPSILON)
    image = rows.reshape(1, grid, grid, len(first)).transpose(0, 3, 1, 2)
    rows = convolve(image, weights["2.weight"]).transpose(0, 2, 3, 1)
    return rows.layer_norm(weights["3.weight"], weights["3.bias"], _EPSILON).transpose(0, 3, 1, 2)
