"""From trained weights to a decoder that can be used: graphs, weights, and what is known about them."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.architectures import SamModel
from cellsam_desktop.sam.decoder_files import EXPORT_VERSION, WEIGHTS, DecoderFiles
from cellsam_desktop.sam.decoder_parity import parity_error
from cellsam_desktop.sam.export import PARITY_LIMIT, export_decoder
from cellsam_desktop.sam.onnx_graph import OPSET
from cellsam_desktop.sam.placement import disk_error
from cellsam_desktop.sam.trained import REPORT
from training.base import Base
from training.run_folder import RunFolder

_PARTS = ("mask_decoder.", "prompt_encoder.")


def write_decoder(
    base: Base, state: Mapping[str, Tensor], folder: Path, facts: Mapping[str, Any]
) -> DecoderFiles:
    """Put the decoder with the weights ``state`` (segment-anything's names) into ``folder``, whole.

    ``facts`` go into the manifest as they are. The graphs are compared with PyTorch before they are kept.

    Raises:
        ModelError: the weights do not fit, the graphs disagree with PyTorch, or the disk refuses.
    """
    files = DecoderFiles(folder)
    own = {name: tensor.detach().float().contiguous() for name, tensor in state.items()}
    own = {name: tensor for name, tensor in own.items() if name.startswith(_PARTS)}
    model = _with_decoder(base, own)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=".making-", dir=folder))
        try:
            error = _write(model, own, making)
            manifest = {**_facts(base, error), **facts}
            made = DecoderFiles(making)
            made.manifest.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
            files.manifest.unlink(missing_ok=True)  # without it the folder holds no decoder
            for file in (made.onnx, made.image, made.hint, making / WEIGHTS, made.manifest):
                os.replace(file, folder / file.name)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    except OSError as error:
        raise disk_error(folder, error) from error
    return files


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The weights in ``folder``, under segment-anything's names.

    Raises:
        ModelError: there are none, or they cannot be read.
    """
    file = folder / WEIGHTS
    if not file.is_file():
        raise ModelError(
            f"{folder} holds no trained decoder yet ({WEIGHTS}): choose a finished run, or go on with it."
        )
    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{file} cannot be read: train again, or copy it once more.") from error


def export(folder: Path, out: Path) -> DecoderFiles:
    """Write what ``folder`` (a run, or an exported decoder) learned to the folder ``out``.

    Raises:
        ModelError: there is nothing to export, its base is not here, or ``out`` is in use.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ModelError(f"{out} is in use: choose a new or an empty folder.")
    facts = _known_facts(folder)
    base = Base.find(str(facts["base"]))
    if base.sha256 != facts["weights_sha256"]:
        raise ModelError(
            f"The model {base.name} on this computer has other weights than those that {folder} was trained "
            "from: fetch or add the right ones."
        )
    files = write_decoder(base, read_weights(folder), out, facts)
    if (folder / REPORT).is_file():
        try:
            shutil.copyfile(folder / REPORT, out / REPORT)
        except OSError as error:
            raise disk_error(out / REPORT, error) from error
    return files


def _known_facts(folder: Path) -> dict[str, Any]:
    """What the manifest says, less what is said anew; without one, what the record of the run says."""
    manifest = DecoderFiles(folder).manifest
    if not manifest.is_file():
        return RunFolder(folder).read().manifest()
    try:
        facts = json.loads(manifest.read_text(encoding="utf-8"))
        return {name: value for name, value in facts.items() if name not in _NEW}
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{manifest} cannot be read: export from the training run again.") from error


_NEW = ("export_version", "opset", "parity_error", "compared_with", "torch")


def _facts(base: Base, error: float) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "weights": base.checkpoint.name,
        "weights_sha256": base.sha256,
        "architecture": base.architecture,
        "base": base.name,
        "export_version": EXPORT_VERSION,
        "opset": OPSET,
        "parity_error": error,
        "compared_with": "PyTorch",
        "torch": torch.__version__,
        "made": now,
    }


def _with_decoder(base: Base, state: Mapping[str, Tensor]) -> SamModel:
    model = base.build()
    try:
        missing, unknown = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise ModelError(f"The trained weights do not fit the model {base.name}.") from error
    missing = [name for name in missing if name.startswith("mask_decoder.")]
    if missing or unknown:
        raise ModelError(f"The trained weights do not fit the model {base.name} ({(missing or unknown)[0]}).")
    return model


def _write(model: SamModel, state: Mapping[str, Tensor], folder: Path) -> float:
    files = DecoderFiles(folder)
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items() if name.startswith(_PARTS)}
    export_decoder(arrays, files)
    error = parity_error(model, files)
    if not error < PARITY_LIMIT:
        raise ModelError(
            f"The exported decoder differs from PyTorch by {error:.2g} (limit {PARITY_LIMIT:g}), so it is "
            "not used: report this with the versions 'cellsam-desktop doctor' prints."
        )
    (folder / WEIGHTS).write_bytes(save(dict(state)))
    return error
