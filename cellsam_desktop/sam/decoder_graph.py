"""SAM's prompt encoder and mask decoder as a graph that is run for every click.

The masks are those of ``PromptEncoder`` and ``MaskDecoder.predict_masks`` of segment-anything (Kirillov et
al. 2023). What differs is when and in which order things are computed:

- What depends on the image alone is an input, see ``decoder_image_graph``.
- Image tokens are rows of a matrix throughout, so that none of it is transposed. ``decoder_attention`` says
  how attention is arranged.
- Transposed 2 x 2 convolutions are products. Their pixels are put in order by the caller.
- The first of these convolutions follows two layer norms of sums. Being linear, it is applied to the terms
  of the sums: the image's is an input, the others have no more than 8 T dimensions, or 17 for a hint.
- A product with a large matrix to be added has a node of its own for the sum, and a bias is a row of the
  matrix: within a product, one thread lays them out before all begin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from cellsam_desktop.sam import decoder_attention as attention
from cellsam_desktop.sam.decoder_convolutions import (
    first_up_convolution,
    norm_of_pixels,
    second_up_convolution,
)
from cellsam_desktop.sam.decoder_image_graph import CHANGE, FEATURES, IMAGE_TENSORS, SOURCE, UPSCALED
from cellsam_desktop.sam.decoder_weights import PIXELS, WIDTH, AttentionWeights, PromptWeights, Weights
from cellsam_desktop.sam.onnx_graph import Graph, Value

MASKS = 4
_OUTPUTS = 1 + MASKS  # tokens: one for the predicted IoU, one for each mask


def decoder_graph(weights: Weights) -> onnx.ModelProto:
    """From ``coords`` (N, 2), ``kinds`` (N,) and the ``IMAGE_TENSORS`` to ``pixels`` and ``quality``.

    Kinds: 0 padding without a position, 1 negative, 2 positive, 3 and 4 the corners of a box. Pixels are the
    logits (16384, 16) of all masks, as ``decoder`` puts them in order; quality (4,) is their predicted IoU.
    """
    graph = Graph("decoder")
    tokens = _tokens(graph, weights)
    image = {name: graph.input(name, shape) for name, shape in IMAGE_TENSORS.items()}
    decoder = weights.part("mask_decoder")
    positions = graph.constant(PromptWeights(weights.part("prompt_encoder")).image_positions)
    queries, first, second = _transform(decoder.part("transformer"), tokens, image, positions)
    heads = _heads(decoder, queries)
    upscaled = _upscale(weights, image[UPSCALED], first, second)
    pixels = upscaled @ _side_by_side(heads.rows(1, _OUTPUTS))
    graph.output("pixels", pixels, (4 * PIXELS, 4 * MASKS))
    graph.output("quality", heads.reshape(-1).rows(0, MASKS), (MASKS,))
    return graph.model()


def _tokens(graph: Graph, weights: Weights) -> Value:
    """(5 + N, 256): the output tokens, and the prompts."""
    prompt = PromptWeights(weights.part("prompt_encoder"))
    coords, kinds = (
        graph.input("coords", ("prompts", 2)),
        graph.integers("kinds", ("prompts",)),
    )
    position = graph.node("Sin", coords.linear(*prompt.point_phases))
    placed = graph.node("Gather", np.array([[0.0], [1.0], [1.0], [1.0], [1.0]]), kinds)
    prompts = position * placed + graph.node("Gather", prompt.kinds, kinds)
    decoder = weights.part("mask_decoder")
    outputs = np.concatenate([decoder["iou_token.weight"], decoder["mask_tokens.weight"]])
    return graph.concat([outputs, prompts], axis=0)


def _transform(
    weights: Weights, tokens: Value, image: dict[str, Value], positions: Value
) -> tuple[Value, _Update, _Update]:
    """The two-way transformer: the output tokens (5, 256), and what became of the image tokens."""
    first, second = _Layer(weights.part("layers.0")), _Layer(weights.part("layers.1"))
    queries = first.norm(1, attention.among_tokens(first.among, tokens, tokens))
    found = attention.to_prepared_image(first.to_image, queries + tokens, image["keys"], image["values"])
    queries = first.mlp(first.norm(2, queries + found))
    asking = queries + tokens
    scores = attention.prepared_image_scores(first.to_tokens, asking, image["queries"])
    one = first.update(image[SOURCE], scores, queries, image)

    placed = one.image + positions
    queries = second.norm(1, queries + attention.among_tokens(second.among, asking, queries))
    found = attention.to_image(second.to_image, queries + tokens, placed, one.image)
    queries = second.mlp(second.norm(2, queries + found))
    asking = queries + tokens
    two = second.update(one.image, attention.image_scores(second.to_tokens, asking, placed), queries)

    last = AttentionWeights(weights.part("final_attn_token_to_image"))
    found = attention.to_image(last, asking.rows(0, _OUTPUTS), two.image + positions, two.image)
    return (
        _norm(weights.part("norm_final_attn"), queries.rows(0, _OUTPUTS) + found),
        one,
        two,
    )


@dataclass(frozen=True, eq=False)
class _Update:
    """Image tokens after a layer: ``image`` (4096, 256) = norm(before + shares' answers).

    ``shares`` is (R, 4096) and ``answers`` (R, 256), R >= 8 T; ``mean`` and ``deviation`` (4096, 1)
    are the norm's.
    """

    image: Value
    shares: Value
    answers: Value
    mean: Value
    deviation: Value


class _Layer:
    """One layer of the transformer."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self.among = AttentionWeights(weights.part("self_attn"))
        self.to_image = AttentionWeights(weights.part("cross_attn_token_to_image"))
        self.to_tokens = AttentionWeights(weights.part("cross_attn_image_to_token"))

    def norm(self, number: int, x: Value) -> Value:
        return _norm(self._weights.part(f"norm{number}"), x)

    def mlp(self, queries: Value) -> Value:
        """The MLP block with its norm."""
        inner, outer = self._weights.part("mlp.lin1"), self._weights.part("mlp.lin2")
        hidden = queries.linear(inner.matrix, inner.bias).relu()
        return self.norm(3, queries + hidden.linear(outer.matrix, outer.bias))

    def update(
        self, image: Value, scores: Value, queries: Value, dense: Mapping[str, Value] | None = None
    ) -> _Update:
        """Let the image tokens attend to the tokens, with ``scores`` (8, T, 4096).

        Where the image is the bare source, ``dense`` has what SAM adds to it: ``FEATURES`` and ``CHANGE``.
        """
        shares = scores.softmax(axis=1).reshape(-1, PIXELS)
        answers = attention.image_answers(self.to_tokens, queries)
        if dense is not None:
            shares = image.graph.concat([shares, dense[FEATURES]], axis=0)
            answers = image.graph.concat([answers, dense[CHANGE]], axis=0)
        norm = self._weights.part("norm4")
        normed, mean, inverse = (shares.transposed_times(answers) + image).layer_norm_with_statistics(
            norm["weight"], norm.bias, 1e-5
        )
        return _Update(normed, shares, answers, mean, inverse.inverse())


def _norm(weights: Weights, x: Value) -> Value:
    return x.layer_norm(weights["weight"], weights.bias, 1e-5)


def _heads(decoder: Weights, queries: Value) -> Value:
    """(5, 32): the predicted IoU of the masks, padded with zeros, and four vectors to multiply with pixels.

    Five networks of three layers, the first for the first token and so on, computed side by side.
    """
    networks = [decoder.part("iou_prediction_head")]
    networks += [decoder.part(f"output_hypernetworks_mlps.{mask}") for mask in range(MASKS)]
    x = queries.reshape(_OUTPUTS, 1, WIDTH)
    for number in range(3):
        layers = [network.part(f"layers.{number}") for network in networks]
        outputs = max(layer.bias.size for layer in layers)
        matrix, bias = (
            np.zeros((_OUTPUTS, WIDTH, outputs)),
            np.zeros((_OUTPUTS, 1, outputs)),
        )
        for index, layer in enumerate(layers):
            matrix[index, :, : layer.bias.size] = layer.matrix
            bias[index, :, : layer.bias.size] = layer.bias
        x = x @ matrix + bias
        if number < 2:
            x = x.relu()
    return x.reshape(_OUTPUTS, -1)


def _upscale(weights: Weights, source: Value, first: _Update, second: _Update) -> Value:
    """(16384, 128): the pixels' features, by two convolutions.

    Four rows per image token; in each, 32 features of four pixels.
    """
    x = norm_of_pixels(weights, _first_convolution(weights, source, first, second)).gelu()
    return (x.reshape(4 * PIXELS, -1) @ second_up_convolution(weights)).gelu()


def _side_by_side(heads: Value) -> Value:
    """Of vectors (4, 32), the matrix (128, 16) from 32 features of four pixels to their logits.

    Those are ordered by mask and pixel. Mostly zeros, but as a product wide enough to be quick.
    """
    columns = heads.transpose(1, 0).reshape(1, -1, MASKS, 1) * np.eye(4).reshape(4, 1, 1, 4)
    return columns.reshape(-1, 4 * MASKS)


def _first_convolution(weights: Weights, source: Value, first: _Update, second: _Update) -> Value:
    """``second.image @ matrix + bias`` (4096, 260), each row times a factor.

    Computed from the terms that ``second.image`` is the sum of. With the shares P, answers A, means m and
    deviations d, and the norms' scales g and summands b: image1 = (source + P1' A1 - m1) g1 / d1 + b1 and
    image2 = (image1 + P2' A2 - m2) g2 / d2 + b2. The factor is d1 d2, so that the source is added as it is.
    """
    decoder = weights.part("mask_decoder")
    norms = [decoder.part(f"transformer.layers.{layer}.norm4") for layer in (0, 1)]
    matrix, bias = first_up_convolution(weights)
    outer = norms[1]["weight"][:, None] * matrix
    inner = norms[0]["weight"][:, None] * outer
    d1, d2, m1, m2 = (
        value.reshape(1, PIXELS) for value in (first.deviation, second.deviation, first.mean, second.mean)
    )
    factor = d1 * d2
    summands = [
        -inner.sum(axis=0),
        -outer.sum(axis=0),
        norms[0].bias @ outer,
        norms[1].bias @ matrix + bias,
    ]
    graph = source.graph
    shares = graph.concat([first.shares, second.shares * d1, m1, m2 * d1, d1, factor], axis=0)
    answers = graph.concat([first.answers @ inner, second.answers @ outer, np.stack(summands)], axis=0)
    return shares.transposed_times(answers) + source
