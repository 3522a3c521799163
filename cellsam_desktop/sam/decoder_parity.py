"""How well an exported decoder agrees with segment-anything's own modules."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.architectures import SamModel
from cellsam_desktop.sam.decoder import OnnxDecoder
from cellsam_desktop.sam.decoder_files import DecoderFiles
from cellsam_desktop.sam.decoder_trial import CASES, GEOMETRY
from cellsam_desktop.sam.providers import CPU


def parity_error(model: SamModel, files: DecoderFiles) -> float:
    """The largest difference of logits or predicted IoU from PyTorch, over all kinds of prompts.

    Raises:
        ModelError: the graphs cannot be loaded.
    """
    decoder = OnnxDecoder(files.onnx, providers=[CPU])
    generator = torch.Generator().manual_seed(0)
    embedding = torch.randn((256, 64, 64), generator=generator) * 0.1
    hint = torch.randn((256, 256), generator=generator) * 4
    worst = 0.0
    for prompts, hinted in CASES:
        answer = decoder.decode(embedding.numpy(), GEOMETRY, prompts, hint.numpy() if hinted else None)
        masks, quality = reference(model, embedding, prompts, hint if hinted else None)
        for token, mask, iou in zip(answer.tokens, masks, quality, strict=True):
            worst = max(worst, float(np.abs(token.logits - mask.numpy()).max()))
            worst = max(worst, abs(token.predicted_iou - float(iou)))
    return worst


@torch.no_grad()
def reference(
    model: SamModel, embedding: Tensor, prompts: Prompts, hint: Tensor | None
) -> tuple[Tensor, Tensor]:
    """What segment-anything's modules answer to prompts in input pixels: (4, 256, 256) and (4,)."""
    points = boxes = None
    if prompts.points:
        coords = torch.tensor([[(point.x, point.y) for point in prompts.points]])
        points = coords, torch.tensor([[int(point.positive) for point in prompts.points]])
    if (box := prompts.box) is not None:
        boxes = torch.tensor([[box.x0, box.y0, box.x1, box.y1]])
    masks = None if hint is None else hint[None, None]
    sparse, dense = model.prompt_encoder(points=points, boxes=boxes, masks=masks)
    logits, quality = model.mask_decoder.predict_masks(
        image_embeddings=embedding[None],
        image_pe=model.prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
    )
    return logits[0], quality[0]
