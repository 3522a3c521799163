"""Attention between few prompt tokens T and 4096 image tokens, arranged so that it costs few large products.

For tokens x, image tokens S and one head, scores are (x Q)(S K)' = ((x Q) K') S', and an output is
A (S V) O = (A S) (V O): projections move to the side of the few tokens. With ``spread`` all heads are one
product: head h of token t becomes a row of its own, zero outside the head's columns.
"""

from __future__ import annotations

import numpy as np

from cellsam_desktop.sam.decoder_weights import HEAD, HEADS, INNER, WIDTH, Array, AttentionWeights
from cellsam_desktop.sam.onnx_graph import Value


def among_tokens(weights: AttentionWeights, tokens: Value, values: Value) -> Value:
    """Self-attention (T, 256); ``tokens`` give queries and keys."""
    queries = spread(tokens.linear(*weights.query), WIDTH)
    shares = queries.times_transposed(tokens @ weights.key).softmax()
    return gather(shares @ (values @ weights.value), WIDTH).linear(*weights.out)


def to_prepared_image(weights: AttentionWeights, tokens: Value, keys: Value, values: Value) -> Value:
    """What tokens (T, 256) find in image tokens projected already: (8, 16, 4096) and (8, 4096, 16)."""
    shares = (_heads(tokens.linear(*weights.query)) @ keys).softmax()
    return (shares @ values).transpose(1, 0, 2).reshape(-1, INNER).linear(*weights.out)


def to_image(weights: AttentionWeights, tokens: Value, placed: Value, image: Value) -> Value:
    """What tokens (T, 256) find in image tokens (4096, 256), ``placed`` being those with their positions."""
    queries = spread(tokens.linear(*weights.query)) @ weights.key.T
    found = queries.times_transposed(placed).softmax() @ image
    return gather(found @ weights.value).linear(*weights.out)


def prepared_image_scores(weights: AttentionWeights, tokens: Value, queries: Value) -> Value:
    """How much image tokens, as queries (8, 16, 4096), ask for tokens (T, 256): (8, T, 4096)."""
    return _heads(tokens @ weights.key) @ queries


def image_scores(weights: AttentionWeights, tokens: Value, placed: Value) -> Value:
    """The same for image tokens with their positions (4096, 256)."""
    matrix, bias = weights.query
    keys = spread(tokens @ weights.key)
    return (keys @ matrix.T).times_transposed(placed) + keys @ bias[:, None]


def image_answers(weights: AttentionWeights, tokens: Value) -> Value:
    """What each head of each token (T, 256) adds to an image token that asks for nothing else: (8 T, 256)."""
    matrix, bias = weights.out
    return spread(tokens @ weights.value).reshape(-1, INNER).linear(matrix, bias / HEADS)


def spread(x: Value, width: int = INNER) -> Value:
    """(T, width) to (8, T, width), zero outside the columns of the head."""
    return x * _columns_of_heads(width)


def gather(x: Value, width: int = INNER) -> Value:
    """(8, T, width) to (T, width): of each head its columns."""
    return (x * _columns_of_heads(width)).sum(0)


def _columns_of_heads(width: int) -> Array:
    return np.repeat(np.eye(HEADS), width // HEADS, axis=1)[:, None]


def _heads(x: Value) -> Value:
    """(T, 128) to (8, T, 16)."""
    return x.reshape(-1, HEADS, HEAD).transpose(1, 0, 2)
