"""SAM's prompt encoder and mask decoder, arranged for quick training on many prompts of one image.

The masks are those of ``PromptEncoder`` and ``MaskDecoder.predict_masks`` of segment-anything (Kirillov et
al. 2023), and so are the gradients. What differs is how they are come by:

- What the first layer takes from the image is computed once for all prompts (``prepare``), and the embedding
  is not repeated for each.
- Between N x T tokens and 4096 pixels of the image, projections are applied to the tokens: the scores
  ``(q Wq) (k Wk)'`` are ``(q Wq Wk') k'``, and the answers ``(a v Wv)`` are ``(a v) Wv``.
- Transposed 2 x 2 convolutions with stride 2 are products, each token of the image on its own, so that
  only those tokens need to be scaled up for which logits are wanted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from cellsam_desktop.sam.architectures import SamModel
from cellsam_desktop.sam.transforms import IMAGE_SIZE
from training.prompts import ABSENT, PADDING, PromptBatch

GRID = 64  # image tokens along each side
WIDTH = 256
HEADS = 8
MASKS = 4
ALL_MASKS = slice(0, MASKS)
_OUTPUTS = 1 + MASKS


@dataclass(frozen=True, eq=False)
class Prepared:
    """What depends on the image alone; made by ``TrainableDecoder.prepare`` with its weights of then.

    All are (4096, channels): the image tokens with the embedding of "no hint", and what the first layer makes
    of them. ``embedding`` is the same without "no hint".
    """

    embedding: Tensor
    source: Tensor
    keys: Tensor
    values: Tensor
    queries: Tensor

    def apart(self) -> Prepared:
        """The same tensors, to collect the gradients of several passes before they are taken further."""
        learned = (tensor.detach().requires_grad_() for tensor in (self.keys, self.values, self.queries))
        return Prepared(self.embedding, self.source, *learned)

    def backward(self, leaves: Prepared) -> None:
        """Take further the gradients that ``leaves``, made by ``apart``, have collected."""
        pairs = ((self.keys, leaves.keys), (self.values, leaves.values), (self.queries, leaves.queries))
        used = [(own, leaf.grad) for own, leaf in pairs if leaf.grad is not None]
        if used:
            torch.autograd.backward([own for own, _ in used], [gradient for _, gradient in used])


class TrainableDecoder(nn.Module):
    """The prompt encoder (frozen) and the mask decoder (learning) of one model.

    The modules hold the weights under segment-anything's names; what they compute is computed here.
    """

    def __init__(self, base: SamModel) -> None:
        super().__init__()
        self.prompt_encoder = base.prompt_encoder.requires_grad_(False)
        self.mask_decoder = base.mask_decoder.requires_grad_(True)
        positions = self.prompt_encoder.get_dense_pe().flatten(1).T.contiguous()
        self.register_buffer("_positions", positions.reshape(WIDTH, -1).T.contiguous(), persistent=False)

    def prepare(self, embedding: Tensor) -> Prepared:
        """Image-side tensors for ``embedding`` (256, 64, 64) of any float type."""
        positions = self.positions
        tokens = embedding.to(positions).reshape(WIDTH, -1).T.contiguous()
        source = tokens + self.prompt_encoder.no_mask_embed.weight.to(positions)
        placed = source + positions
        layer = self.mask_decoder.transformer.layers[0]
        ask, answer = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
        return Prepared(tokens, source, ask.k_proj(placed), ask.v_proj(source), answer.q_proj(placed))

    @property
    def positions(self) -> Tensor:
        """Encoded positions of the image tokens (4096, 256), in the precision that is computed with."""
        own: Tensor = self._positions  # type: ignore[assignment]
        kind = own.device.type
        return own.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else own

    def forward(
        self,
        prepared: Prepared,
        prompts: PromptBatch,
        hints: Tensor | None = None,
        masks: slice = ALL_MASKS,
    ) -> tuple[Tensor, Tensor]:
        """Logits (N, M, 256, 256) of the M ``masks`` and the predicted IoU (N, 4) of all four.

        ``hints`` (N, 1, 256, 256) are logits of earlier answers.
        """
        queries, image = self.transform(prepared, prompts, hints)
        return self.logits(image, self.mask_weights(queries, masks)), self.quality(queries)

    def logits(self, image: Tensor, weights: Tensor) -> Tensor:
        """Masks (N, M, 256, 256) of image tokens (N, 4096, 256), given their ``mask_weights``."""
        return in_order(self.upscale(image).flatten(1, 2) @ weights.transpose(1, 2))

    def quality(self, queries: Tensor) -> Tensor:
        """The predicted IoU (N, 4) of all four masks."""
        return self.mask_decoder.iou_prediction_head(queries[:, 0])  # type: ignore[no-any-return]

    def transform(
        self, prepared: Prepared, prompts: PromptBatch, hints: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The two-way transformer: output tokens (N, 5, 256) and image tokens (N, 4096, 256)."""
        transformer = self.mask_decoder.transformer
        positions = self.positions
        tokens, absent = self._tokens(prompts)
        first, second = transformer.layers
        queries = first.norm1(_among(first.self_attn, tokens, tokens, absent))
        if hints is None:
            image, queries = self._first_layer(first, prepared, queries, tokens, absent)
        else:
            hinted = prepared.embedding + self._hint_tokens(hints)
            image, queries = _layer(first, hinted, positions, queries, tokens, absent)
        asking = queries + tokens
        queries = second.norm1(queries + _among(second.self_attn, asking, queries, absent))
        image, queries = _layer(second, image, positions, queries, tokens, absent)
        asking = (queries + tokens)[:, :_OUTPUTS]
        found = _to_image(transformer.final_attn_token_to_image, asking, image + positions, image)
        return transformer.norm_final_attn(queries[:, :_OUTPUTS] + found), image

    def mask_weights(self, queries: Tensor, masks: slice = ALL_MASKS) -> Tensor:
        """What the pixels' channels are multiplied with for each mask, (N, M, 32)."""
        networks = list(self.mask_decoder.output_hypernetworks_mlps)
        wanted = range(MASKS)[masks]
        return torch.stack([networks[mask](queries[:, 1 + mask]) for mask in wanted], dim=1)

    def upscale(self, image: Tensor) -> Tensor:
        """Image tokens (N, L, 256) as 4 x 4 pixels each, (N, L, 16, 32), in the order of ``in_order``."""
        first, norm, _, second, _ = self.mask_decoder.output_upscaling
        pixels = torch.unflatten(functional.linear(image, *_as_product(first)), -1, (4, -1))
        pixels = functional.gelu(
            functional.layer_norm(pixels, pixels.shape[-1:], norm.weight, norm.bias, norm.eps)
        )
        pixels = functional.gelu(functional.linear(pixels, *_as_product(second)))
        return torch.unflatten(pixels, -1, (4, -1)).flatten(2, 3)

    def state_for_export(self) -> dict[str, Tensor]:
        """The weights under segment-anything's names, ``mask_decoder.*`` and ``prompt_encoder.*``."""
        return {name: tensor.detach().cpu() for name, tensor in self.state_dict().items()}

    def _tokens(self, prompts: PromptBatch) -> tuple[Tensor, Tensor | None]:
        """Output tokens and prompts (N, T, 256), and which tokens are absent (N, T); None where none is."""
        encoder, decoder = self.prompt_encoder, self.mask_decoder
        turns = (prompts.coords + 0.5) * (2 / IMAGE_SIZE) - 1
        phases = 2 * math.pi * (turns @ encoder.pe_layer.positional_encoding_gaussian_matrix)
        placed = torch.cat([phases.sin(), phases.cos()], dim=-1) * (prompts.labels >= 0)[..., None]
        kinds = [encoder.not_a_point_embed.weight, *(kind.weight for kind in encoder.point_embeddings)]
        known = placed + torch.cat(kinds)[(prompts.labels - PADDING).clamp(min=0)]
        outputs = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
        tokens = torch.cat([outputs.expand(len(prompts), -1, -1), known], dim=1)
        absent = functional.pad(prompts.labels == ABSENT, (_OUTPUTS, 0))
        return tokens, absent if bool(absent.any()) else None

    def _first_layer(
        self, layer: Any, image: Prepared, queries: Tensor, tokens: Tensor, absent: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The first layer after its self-attention, where all prompts see the same image tokens."""
        ask = layer.cross_attn_token_to_image
        asked = _heads(ask.q_proj(queries + tokens))  # (N, 8, T, 16)
        n, _, t, _ = asked.shape
        found = functional.scaled_dot_product_attention(
            asked.transpose(0, 1).flatten(1, 2)[None], _heads(image.keys[None]), _heads(image.values[None])
        )
        found = torch.unflatten(found[0], 1, (n, t)).permute(1, 2, 0, 3).flatten(2)
        queries = layer.norm2(queries + ask.out_proj(found))
        queries = layer.norm3(queries + layer.mlp(queries))
        answer = layer.cross_attn_image_to_token
        keys = (_heads(answer.k_proj(queries + tokens)) / _root(answer)).transpose(0, 1).flatten(1, 2)
        scores = keys @ _heads(image.queries[None])[0].transpose(1, 2)  # (8, N T, 4096)
        scores = torch.unflatten(scores, 1, (n, t)).transpose(0, 1)
        return _update(layer, image.source, scores, queries, absent), queries

    def _hint_tokens(self, hints: Tensor) -> Tensor:
        """What is added to each image token for ``hints``, (N, 4096, 256)."""
        encoded: Tensor = self.prompt_encoder.mask_downscaling(hints.to(self.positions))
        return encoded.flatten(2).transpose(1, 2)


def in_order(pixels: Tensor) -> Tensor:
    """Logits (N, 16 G G, M) by token of a square and place within it, as images (N, M, 4 G, 4 G)."""
    n, count, m = pixels.shape
    side = math.isqrt(count // 16)
    tiles = pixels.reshape(n, side, side, 2, 2, 2, 2, m)
    return tiles.permute(0, 7, 1, 3, 5, 2, 4, 6).reshape(n, m, 4 * side, 4 * side)


def _layer(
    layer: Any, image: Tensor, positions: Tensor, queries: Tensor, tokens: Tensor, absent: Tensor | None
) -> tuple[Tensor, Tensor]:
    """A layer after its self-attention: image tokens (N, 4096, 256) and queries (N, T, 256)."""
    placed = image + positions
    found = _to_image(layer.cross_attn_token_to_image, queries + tokens, placed, image)
    queries = layer.norm2(queries + found)
    queries = layer.norm3(queries + layer.mlp(queries))
    answer = layer.cross_attn_image_to_token
    keys = _heads(answer.k_proj(queries + tokens)) / _root(answer)
    asking = (keys @ _per_head(answer.q_proj.weight)).flatten(1, 2)  # (N, 8 T, 256)
    offset = (keys @ torch.unflatten(answer.q_proj.bias, 0, (HEADS, -1))[..., None]).flatten(1, 2)
    scores = _compare(asking, placed)
    scores = scores + offset.to(scores)
    scores = torch.unflatten(scores, 1, (HEADS, -1))
    return _update(layer, image, scores, queries, absent), queries


def _update(layer: Any, image: Tensor, scores: Tensor, queries: Tensor, absent: Tensor | None) -> Tensor:
    """Let image tokens (N or 1, 4096, 256) attend to the tokens with ``scores`` (N, 8, T, 4096)."""
    answer = layer.cross_attn_image_to_token
    if absent is not None:
        scores = scores.masked_fill(absent[:, None, :, None], -math.inf)
    shares = scores.softmax(dim=2).flatten(1, 2)
    out = torch.unflatten(answer.out_proj.weight.T, 0, (HEADS, -1))  # (8, 16, 256)
    # A head's shares add up to 1, so that an eighth of the bias with each is all of it.
    answers = _heads(answer.v_proj(queries)) @ out + answer.out_proj.bias / HEADS  # (N, 8, T, 256)
    answers = answers.flatten(1, 2).to(image)
    image = image.expand(len(shares), -1, -1)
    return layer.norm4(torch.baddbmm(image, shares.transpose(1, 2), answers))  # type: ignore[no-any-return]


def _among(attention: Any, asking: Tensor, values: Tensor, absent: Tensor | None) -> Tensor:
    """Attention among the tokens (N, T, 256)."""
    queries, keys = _heads(attention.q_proj(asking)), _heads(attention.k_proj(asking))
    seen = None if absent is None else ~absent[:, None, None, :]
    found = functional.scaled_dot_product_attention(
        queries, keys, _heads(attention.v_proj(values)), attn_mask=seen
    )
    return attention.out_proj(found.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


def _to_image(attention: Any, asking: Tensor, placed: Tensor, image: Tensor) -> Tensor:
    """What tokens (N, T, 256) find in image tokens (N, 4096, 256), which are ``placed`` for comparing."""
    asked = _heads(attention.q_proj(asking)) / _root(attention)
    asked = (asked @ _per_head(attention.k_proj.weight)).flatten(1, 2)  # (N, 8 T, 256)
    shares = _compare(asked, placed).softmax(dim=-1)
    found = torch.unflatten(shares @ image, 1, (HEADS, -1))  # (N, 8, T, 256)
    found = found @ _per_head(attention.v_proj.weight).transpose(1, 2)
    found = found.transpose(1, 2).flatten(2) + attention.v_proj.bias
    return attention.out_proj(found)  # type: ignore[no-any-return]


class _Compare(torch.autograd.Function):
    """``tokens @ image'``, whose gradient for the image lies in memory as the image does.

    PyTorch's own is transposed, and adding it to others takes longer than all products.
    """

    @staticmethod
    def forward(context: Any, tokens: Tensor, image: Tensor) -> Tensor:
        context.save_for_backward(tokens, image)
        return tokens @ image.transpose(1, 2)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        tokens, image = context.saved_tensors
        (gradient,) = gradients
        return gradient @ image, gradient.transpose(1, 2) @ tokens


def _compare(tokens: Tensor, image: Tensor) -> Tensor:
    """Products (N, K, L) of tokens (N, K, 256) and image tokens (N, L, 256).

    Both have the type of the product, so that the gradient has theirs: backward runs without autocast.
    """
    kind = image.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else image.dtype
    return _Compare.apply(tokens.to(dtype), image.to(dtype))  # type: ignore[no-any-return,no-untyped-call]


def _heads(x: Tensor) -> Tensor:
    """(N, T, channels) as (N, 8, T, channels / 8)."""
    return torch.unflatten(x, -1, (HEADS, -1)).transpose(1, 2)


def _root(attention: Any) -> float:
    """Of a head's width, which scores are divided by."""
    return math.sqrt(attention.internal_dim // HEADS)


def _per_head(weight: Tensor) -> Tensor:
    """A projection's weight (128, 256) as (8, 16, 256)."""
    return torch.unflatten(weight, 0, (HEADS, -1))


def _as_product(convolution: nn.ConvTranspose2d) -> tuple[Tensor, Tensor]:
    """Weight (4 outputs, inputs) and bias (4 outputs,) for ``functional.linear``, places before channels."""
    assert convolution.bias is not None
    weight = convolution.weight.permute(2, 3, 1, 0).flatten(0, 2)
    return weight, convolution.bias.repeat(4)
