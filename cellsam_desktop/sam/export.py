"""The prompt encoder and mask decoder as an ONNX graph, made once per checkpoint."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import warnings
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.architectures import SamModel, build
from cellsam_desktop.sam.decoder_files import EXPORT_VERSION, DecoderFiles, decoder_files
from cellsam_desktop.sam.digests import digest
from cellsam_desktop.sam.transforms import IMAGE_SIZE
from cellsam_desktop.sam.weights import load_checkpoint

OPSET = 17
PARITY_LIMIT = 1e-3
INPUTS = ("image_embeddings", "point_coords", "point_labels", "mask_input", "has_mask_input")
OUTPUTS = ("low_res_masks", "iou_predictions")


class DecoderGraph(nn.Module):
    """Prompts and an embedding to the logits of all four mask tokens, without any resizing.

    As segment-anything's ``SamOnnxModel``, but it leaves the choice among the masks and the upscaling to the
    caller: the window scales only the pixels it shows.
    """

    kinds: Tensor
    image_pe: Tensor

    def __init__(self, model: SamModel) -> None:
        super().__init__()
        self.decoder = model.mask_decoder
        self.prompts = model.prompt_encoder
        kinds = [model.prompt_encoder.not_a_point_embed, *model.prompt_encoder.point_embeddings]
        self.register_buffer("kinds", torch.cat([kind.weight for kind in kinds]))
        self.register_buffer("image_pe", model.prompt_encoder.get_dense_pe())

    def forward(
        self, embedding: Tensor, coords: Tensor, labels: Tensor, mask: Tensor, has_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """From (1, 256, 64, 64), (1, N, 2), (1, N), (1, 1, 256, 256), (1,) to (1, 4, 256, 256), (1, 4)."""
        masks, quality = self.decoder.predict_masks(
            image_embeddings=embedding,
            image_pe=self.image_pe,
            sparse_prompt_embeddings=self._embed_points(coords, labels),
            dense_prompt_embeddings=self._embed_mask(mask, has_mask),
        )
        return masks, quality

    def _embed_points(self, coords: Tensor, labels: Tensor) -> Tensor:
        """Labels: 0 negative, 1 positive, 2 and 3 the corners of a box, -1 padding without a position."""
        position = self.prompts.pe_layer._pe_encoding((coords + 0.5) / IMAGE_SIZE)
        placed = (labels >= 0).unsqueeze(-1).to(position.dtype)
        embedded: Tensor = position * placed + self.kinds[labels.to(torch.int64) + 1]
        return embedded

    def _embed_mask(self, mask: Tensor, has_mask: Tensor) -> Tensor:
        without = self.prompts.no_mask_embed.weight.reshape(1, -1, 1, 1)
        embedded: Tensor = has_mask * self.prompts.mask_downscaling(mask) + (1 - has_mask) * without
        return embedded


def ensure_decoder(checkpoint: Path, architecture: str, decoders_dir: Path) -> DecoderFiles:
    """The exported decoder of ``checkpoint``; made and checked against PyTorch if it is not there yet.

    Raises:
        ModelError: the weights cannot be used, the graph disagrees with PyTorch, or the disk refuses.
    """
    files = decoder_files(checkpoint, decoders_dir)
    if files.complete:
        return files
    model = build(architecture, load_checkpoint(checkpoint))
    try:
        decoders_dir.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="making-", dir=decoders_dir))
        try:
            _write(model, checkpoint, architecture, folder)
            _place(folder, files)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise ModelError(
            f"The decoder of {checkpoint.name} cannot be stored in {decoders_dir}: {error.strerror or error}."
        ) from error
    return files


def _write(model: SamModel, checkpoint: Path, architecture: str, folder: Path) -> None:
    onnx = folder / "decoder.onnx"
    export_decoder(model, onnx)
    error = parity_error(model, onnx)
    if not error < PARITY_LIMIT:
        raise ModelError(
            f"The exported decoder of {checkpoint.name} differs from PyTorch by {error:.2g} "
            f"(limit {PARITY_LIMIT:g}), so it is not used: report this with the versions 'doctor' prints."
        )
    manifest = {
        "weights": checkpoint.name,
        "weights_sha256": digest(checkpoint),
        "architecture": architecture,
        "export_version": EXPORT_VERSION,
        "opset": OPSET,
        "parity_error": error,
        "torch": torch.__version__,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _place(folder: Path, files: DecoderFiles) -> None:
    """Two processes may export at once: the first one's folder stays."""
    target = files.onnx.parent
    try:
        os.replace(folder, target)
    except OSError:
        if not files.complete:
            shutil.rmtree(target, ignore_errors=True)
            os.replace(folder, target)


def export_decoder(model: SamModel, onnx: Path) -> None:
    """Write the graph of ``model``'s decoder; inputs ``INPUTS``, outputs ``OUTPUTS``, N prompts dynamic."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer warns of shapes that are constant here
        torch.onnx.export(
            DecoderGraph(model).eval(),
            _example(2),
            str(onnx),
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes={"point_coords": {1: "prompts"}, "point_labels": {1: "prompts"}},
            opset_version=OPSET,
            dynamo=False,
        )


def parity_error(model: SamModel, onnx: Path) -> float:
    """The largest difference of logits or predicted IoU between graph and PyTorch, all kinds of prompts."""
    session = onnxruntime.InferenceSession(str(onnx), providers=["CPUExecutionProvider"])
    worst = 0.0
    for prompts, hinted in ((2, 0.0), (5, 0.0), (3, 1.0)):
        inputs = (*_example(prompts)[:4], torch.tensor([hinted]))
        given = {name: value.numpy() for name, value in zip(INPUTS, inputs, strict=True)}
        for ours, theirs in zip(session.run(None, given), _reference(model, *inputs), strict=True):
            worst = max(worst, float(np.abs(ours - theirs.numpy()).max()))
    return worst


def _example(prompts: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Inputs with ``prompts`` prompts: points, and the corners of a box when there are more than two."""
    generator = torch.Generator().manual_seed(prompts)
    embedding = torch.randn((1, 256, 64, 64), generator=generator) * 0.1
    coords = torch.rand((1, prompts, 2), generator=generator) * (IMAGE_SIZE - 1)
    labels = [1.0, -1.0] if prompts == 2 else [*[1.0, 0.0, 1.0][: prompts - 2], 2.0, 3.0]
    mask = torch.randn((1, 1, 256, 256), generator=generator) * 4
    return embedding, coords, torch.tensor([labels]), mask, torch.zeros(1)


@torch.no_grad()
def _reference(
    model: SamModel, embedding: Tensor, coords: Tensor, labels: Tensor, mask: Tensor, has_mask: Tensor
) -> tuple[Tensor, Tensor]:
    """What segment-anything's own modules answer."""
    boxed = bool((labels == 2).any())
    points = (coords[:, : -2 if boxed else -1], labels[:, : -2 if boxed else -1])
    boxes = coords[:, -2:].reshape(1, 4) if boxed else None
    sparse, dense = model.prompt_encoder(points=points, boxes=boxes, masks=mask if has_mask.item() else None)
    masks, quality = model.mask_decoder.predict_masks(
        image_embeddings=embedding,
        image_pe=model.prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
    )
    return masks, quality
