"""The prompt encoder and mask decoder as ONNX graphs, made once per checkpoint."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import onnx
import torch

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.architectures import SamModel, build
from cellsam_desktop.sam.decoder_files import EXPORT_VERSION, DecoderFiles, decoder_files
from cellsam_desktop.sam.decoder_graph import decoder_graph
from cellsam_desktop.sam.decoder_image_graph import hint_graph, image_graph
from cellsam_desktop.sam.decoder_parity import parity_error
from cellsam_desktop.sam.decoder_weights import Weights
from cellsam_desktop.sam.digests import digest
from cellsam_desktop.sam.onnx_graph import OPSET
from cellsam_desktop.sam.weights import load_checkpoint

PARITY_LIMIT = 1e-3


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
            _write(model, checkpoint, architecture, DecoderFiles(folder))
            _place(folder, files)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise ModelError(
            f"The decoder of {checkpoint.name} cannot be stored in {decoders_dir}: {error.strerror or error}."
        ) from error
    return files


def _write(model: SamModel, checkpoint: Path, architecture: str, files: DecoderFiles) -> None:
    export_decoder(model, files)
    error = parity_error(model, files)
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
    files.manifest.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _place(folder: Path, files: DecoderFiles) -> None:
    """Two processes may export at once: the first one's folder stays."""
    target = files.folder
    try:
        os.replace(folder, target)
    except OSError:
        if not files.complete:
            shutil.rmtree(target, ignore_errors=True)
            os.replace(folder, target)


def export_decoder(model: SamModel, files: DecoderFiles) -> None:
    """Write the graphs of ``model``'s decoder."""
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    weights = Weights(state)
    for graph, file in (
        (image_graph(weights), files.image),
        (hint_graph(weights), files.hint),
        (decoder_graph(weights), files.onnx),
    ):
        onnx.save_model(graph, file)
