"""The prompt encoder and mask decoder as ONNX graphs, made once per checkpoint.

The graphs are written from the numbers in the checkpoint. PyTorch is loaded only to compare them with
segment-anything's own modules, for weights that no test has compared (decision 0271).
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray

from cellsam_desktop import installed
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.checkpoint_file import load_arrays
from cellsam_desktop.sam.decoder_files import EXPORT_VERSION, DecoderFiles, decoder_files, found_decoder
from cellsam_desktop.sam.decoder_graph import decoder_graph
from cellsam_desktop.sam.decoder_image_graph import hint_graph, image_graph
from cellsam_desktop.sam.decoder_trial import try_decoder
from cellsam_desktop.sam.decoder_weights import Weights
from cellsam_desktop.sam.digests import digest
from cellsam_desktop.sam.onnx_graph import OPSET

PARITY_LIMIT = 1e-3
COMPARED = frozenset({"6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f"})
"""The sha256 of weights whose exported decoder the tests compare with PyTorch: those of MobileSAM."""


def ensure_decoder(checkpoint: Path, architecture: str, decoders_dir: Path) -> DecoderFiles:
    """The exported decoder of ``checkpoint``; made and checked if it is not there yet.

    Raises:
        ModelError: the weights cannot be used, the graph disagrees with PyTorch, or the disk refuses.
    """
    files = found_decoder(checkpoint, decoders_dir)
    if files is not None:
        return files
    state = load_arrays(checkpoint)
    files = decoder_files(checkpoint, decoders_dir)
    try:
        decoders_dir.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="making-", dir=decoders_dir))
        try:
            _write(state, checkpoint, architecture, DecoderFiles(folder))
            _place(folder, files)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise ModelError(
            f"The decoder of {checkpoint.name} cannot be stored in {decoders_dir} "
            f"({error.strerror or error}): make room there, or allow writing."
        ) from error
    return files


def export_decoder(state: Mapping[str, NDArray[Any]], files: DecoderFiles) -> None:
    """Write the graphs of the decoder whose weights are in ``state``, under segment-anything's names.

    Raises:
        KeyError, ValueError: they are not those of such a decoder.
        OSError: the disk refuses.
    """
    weights = Weights(state)
    for graph, file in (
        (image_graph(weights), files.image),
        (hint_graph(weights), files.hint),
        (decoder_graph(weights), files.onnx),
    ):
        onnx.save_model(graph, file)


def _write(
    state: Mapping[str, NDArray[Any]], checkpoint: Path, architecture: str, files: DecoderFiles
) -> None:
    try:
        export_decoder(state, files)
        try_decoder(files)
    except (KeyError, ValueError, ModelError) as error:
        raise ModelError(
            f"The decoder in {checkpoint.name} is not one of a Segment Anything model: choose other weights."
        ) from error
    difference, compared = _compare(checkpoint, architecture, files)
    manifest = {
        "weights": checkpoint.name,
        "weights_sha256": digest(checkpoint),
        "architecture": architecture,
        "export_version": EXPORT_VERSION,
        "opset": OPSET,
        "parity_error": difference,
        "compared_with": compared,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    files.manifest.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _compare(checkpoint: Path, architecture: str, files: DecoderFiles) -> tuple[float | None, str]:
    """The largest difference from PyTorch (None: not measured here), and with what it was compared."""
    if digest(checkpoint) in COMPARED:
        return None, "PyTorch, by the tests of this version"
    if not installed.has_torch():
        return None, "nothing: PyTorch is not part of this installation"
    from cellsam_desktop.sam.architectures import build
    from cellsam_desktop.sam.decoder_parity import parity_error
    from cellsam_desktop.sam.weights import load_checkpoint

    error = parity_error(build(architecture, load_checkpoint(checkpoint)), files)
    if not error < PARITY_LIMIT:
        raise ModelError(
            f"The exported decoder of {checkpoint.name} differs from PyTorch by {error:.2g} "
            f"(limit {PARITY_LIMIT:g}), so it is not used: report this with the versions 'doctor' prints."
        )
    return error, "PyTorch"


def _place(folder: Path, files: DecoderFiles) -> None:
    """Two processes may export at once: the first one's folder stays."""
    target = files.folder
    try:
        os.replace(folder, target)
    except OSError:
        if not files.complete:
            shutil.rmtree(target, ignore_errors=True)
            os.replace(folder, target)
