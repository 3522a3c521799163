"""SAM's mask decoder, arranged for quick training on a CPU."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from cellsam_desktop.sam.architectures import SamModel
from training.prompts import PromptBatch


@dataclass(frozen=True, eq=False)
class Prepared:
    """What depends on the image alone; made by ``TrainableDecoder.prepare`` with its weights of then."""

    source: Tensor


class TrainableDecoder(nn.Module):
    """The prompt encoder (frozen) and the mask decoder (learning) of one model."""

    def __init__(self, base: SamModel) -> None:
        super().__init__()
        self.prompt_encoder = base.prompt_encoder.requires_grad_(False)
        self.mask_decoder = base.mask_decoder.requires_grad_(True)

    def prepare(self, embedding: Tensor) -> Prepared:
        """Image-side tensors for ``embedding`` (256, 64, 64) of any float type."""
        raise NotImplementedError

    def forward(
        self, prepared: Prepared, prompts: PromptBatch, hints: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Logits (N, 4, 256, 256) and predicted IoU (N, 4); ``hints`` (N, 1, 256, 256) are earlier logits."""
        raise NotImplementedError

    def state_for_export(self) -> dict[str, Tensor]:
        """The weights under segment-anything's names, ``mask_decoder.*`` and ``prompt_encoder.*``."""
        return {name: tensor.detach().cpu() for name, tensor in self.state_dict().items()}
