"""Segment Anything models built from their weights."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, TwoWayTransformer
from torch import Tensor, nn

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.tiny_vit import TinyVitEncoder, from_mobile_sam

_WIDTH = 256
_GRID = (64, 64)
_INPUT = (1024, 1024)
_VIT = {  # width, depth, heads, blocks with global attention
    "vit_b": (768, 12, 12, (2, 5, 8, 11)),
    "vit_l": (1024, 24, 16, (5, 11, 17, 23)),
    "vit_h": (1280, 32, 16, (7, 15, 23, 31)),
}


class SamModel(nn.Module):
    """The three parts of a Segment Anything model (Kirillov et al. 2023)."""

    def __init__(
        self, image_encoder: nn.Module, prompt_encoder: PromptEncoder, mask_decoder: MaskDecoder
    ) -> None:
        super().__init__()
        self.image_encoder = image_encoder
        self.prompt_encoder = prompt_encoder
        self.mask_decoder = mask_decoder


def build(architecture: str, state: Mapping[str, Tensor]) -> SamModel:
    """A model in evaluation mode with the weights ``state`` (segment-anything's names, see ``weights``).

    Raises:
        ModelError: the architecture is unknown or the weights do not fit it exactly.
    """
    if architecture == "vit_t":
        encoder: nn.Module = TinyVitEncoder(_WIDTH)
        own = from_mobile_sam(_part(state, "image_encoder"))
    elif architecture in _VIT:
        encoder, own = _vision_transformer(architecture), _part(state, "image_encoder")
    else:
        raise ModelError(
            f"The architecture {architecture!r} is not known: choose one of vit_t, {', '.join(_VIT)}."
        )
    model = SamModel(encoder, _prompt_encoder(), _mask_decoder())
    try:
        model.image_encoder.load_state_dict(own)
        model.prompt_encoder.load_state_dict(_part(state, "prompt_encoder"))
        model.mask_decoder.load_state_dict(_part(state, "mask_decoder"))
    except RuntimeError as error:
        raise ModelError(
            f"The weights do not fit the architecture {architecture}: state the one they were made for."
        ) from error
    return model.eval().requires_grad_(False)


def _part(state: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = name + "."
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _vision_transformer(architecture: str) -> ImageEncoderViT:
    width, depth, heads, global_blocks = _VIT[architecture]
    return ImageEncoderViT(
        img_size=_INPUT[0],
        patch_size=16,
        embed_dim=width,
        depth=depth,
        num_heads=heads,
        mlp_ratio=4,
        out_chans=_WIDTH,
        qkv_bias=True,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=14,
        global_attn_indexes=global_blocks,
    )


def _prompt_encoder() -> PromptEncoder:
    return PromptEncoder(
        embed_dim=_WIDTH, image_embedding_size=_GRID, input_image_size=_INPUT, mask_in_chans=16
    )


def _mask_decoder() -> MaskDecoder:
    transformer = TwoWayTransformer(depth=2, embedding_dim=_WIDTH, mlp_dim=2048, num_heads=8)
    return MaskDecoder(num_multimask_outputs=3, transformer=transformer, transformer_dim=_WIDTH)
