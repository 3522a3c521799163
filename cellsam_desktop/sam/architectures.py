"""Segment Anything models built from their weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from segment_anything.modeling import MaskDecoder, PromptEncoder, TwoWayTransformer
from torch import Tensor, nn

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.tiny_vit import TinyVitEncoder, from_mobile_sam
from cellsam_desktop.sam.vit import VisionTransformer
from cellsam_desktop.sam.vit_shapes import VIT_SHAPES

_WIDTH = 256
_GRID = (64, 64)
_INPUT = (1024, 1024)


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
    model = SamModel(build_encoder(architecture, state), _prompt_encoder(), _mask_decoder())
    with _fitting(architecture):
        model.prompt_encoder.load_state_dict(_part(state, "prompt_encoder"))
        model.mask_decoder.load_state_dict(_part(state, "mask_decoder"))
    return model.eval().requires_grad_(False)


def build_encoder(architecture: str, state: Mapping[str, Tensor]) -> TinyVitEncoder | VisionTransformer:
    """The image encoder alone, in evaluation mode.

    Raises:
        ModelError: as ``build``.
    """
    own = _part(state, "image_encoder")
    encoder: TinyVitEncoder | VisionTransformer
    if architecture == "vit_t":
        encoder, own = TinyVitEncoder(_WIDTH), from_mobile_sam(own)
    elif architecture in VIT_SHAPES:
        with torch.device("meta"):  # random numbers for 600 million weights would take many seconds
            encoder = VisionTransformer(VIT_SHAPES[architecture], _WIDTH)
    else:
        raise ModelError(
            f"The architecture {architecture!r} is not known: choose one of vit_t, {', '.join(VIT_SHAPES)}."
        )
    with _fitting(architecture):
        encoder.load_state_dict(own, assign=architecture in VIT_SHAPES)
    encoder.float().eval().requires_grad_(False)
    return encoder


@contextmanager
def _fitting(architecture: str) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise ModelError(
            f"The weights do not fit the architecture {architecture}: state the one they were made for."
        ) from error


def _part(state: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = name + "."
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _prompt_encoder() -> PromptEncoder:
    return PromptEncoder(
        embed_dim=_WIDTH, image_embedding_size=_GRID, input_image_size=_INPUT, mask_in_chans=16
    )


def _mask_decoder() -> MaskDecoder:
    transformer = TwoWayTransformer(depth=2, embedding_dim=_WIDTH, mlp_dim=2048, num_heads=8)
    return MaskDecoder(num_multimask_outputs=3, transformer=transformer, transformer_dim=_WIDTH)
