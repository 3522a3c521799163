"""Attention between few prompt tokens T and 4096 image tokens, arranged so that it costs few large products.

For tokens x, image tokens S and one head, scores are (x Q)(S K)' = ((x Q) K') S', and an output is
A (S V) O = (A S) (V O): projections move to the side of the few tokens. With ``spread`` all heads are one
product: head h of token t becomes a row of its own, zero outside the head's columns.
"""

from __future__ import annotations

import numpy as np

from cellsam_desktop.sam.decoder_weights import HEAD, HEADS, INNER, PIXELS, WIDTH, AttentionWeights
from cellsam_desktop.sam.onnx_graph import Value

_MASK = np.repeat(np.eye(HEADS), HEAD, axis=1)[:, None]  # (8, 1, 128)


def among_tokens(weights: AttentionWeights, tokens: Value, values: Value) -> Value:
    """Self-attention (T, 256); ``tokens`` give queries and keys."""
    queries = split(tokens.linear(*weights.query), WIDTH)
    keys, values = split(tokens @ weights.key, WIDTH), split(values @ weights.value, WIDTH)
    return merge(queries.times_transposed(keys).softmax() @ values, WIDTH).linear(*weights.out)


def to_prepared_image(weights: AttentionWeights, tokens: Value, keys: Value, values: Value) -> Value:
    """What tokens (T, 256) find in image tokens projected already: (128, 4096) and (8, 4096, 16)."""
    shares = (split(tokens.linear(*weights.query)) @ keys.reshape(HEADS, HEAD, PIXELS)).softmax()
    return merge(shares @ values).linear(*weights.out)


def to_image(weights: AttentionWeights, tokens: Value, placed: Value, image: Value) -> Value:
    """What tokens (T, 256) find in image tokens (4096, 256), ``placed`` being those with their positions."""
    queries = spread(tokens.linear(*weights.query)) @ weights.key.T
    found = queries.times_transposed(placed).softmax() @ image
    return gather(found @ weights.value).linear(*weights.out)


def prepared_image_scores(weights: AttentionWeights, tokens: Value, queries: Value) -> Value:
    """How much image tokens, as queries (128, 4096), ask for tokens (T, 256): (8, T, 4096)."""
    return split(tokens @ weights.key) @ queries.reshape(HEADS, HEAD, PIXELS)


def image_scores(weights: AttentionWeights, tokens: Value, placed: Value) -> Value:
    """The same for image tokens with their positions (4096, 256)."""
    matrix, bias = weights.query
    keys = spread(tokens @ weights.key)
    return ((keys @ matrix.T).times_transposed(placed) + keys @ bias[:, None]).reshape(HEADS, -1, PIXELS)


def image_answers(weights: AttentionWeights, tokens: Value) -> Value:
    """What each head of each token (T, 256) adds to an image token that asks for nothing else: (8 T, 256)."""
    matrix, bias = weights.out
    return spread(tokens @ weights.value).linear(matrix, bias / HEADS)


def split(x: Value, width: int = INNER) -> Value:
    """(T, width) to heads, (8, T, width / 8)."""
    return x.reshape(-1, HEADS, width // HEADS).transpose(1, 0, 2)


def merge(x: Value, width: int = INNER) -> Value:
    """(8, T, width / 8) to (T, width)."""
    return x.transpose(1, 0, 2).reshape(-1, width)


def spread(x: Value) -> Value:
    """(T, 128) to (8 T, 128), zero outside the columns of the row's head."""
    return (x.reshape(1, -1, INNER) * _MASK).reshape(-1, INNER)


def gather(x: Value) -> Value:
    """(8 T, 128) to (T, 128): each head's columns of its rows."""
    return (x.reshape(HEADS, -1, INNER) * _MASK).sum(0)
