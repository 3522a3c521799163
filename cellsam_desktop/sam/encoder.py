"""What an image encoder is, and which one serves here. PyTorch is loaded only where it has to serve."""

from __future__ import annotations

import logging
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop import installed
from cellsam_desktop.core.devices import hardware
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.encoder_choice import Backend, Choices
from cellsam_desktop.sam.providers import has_cuda_driver

log = logging.getLogger(__name__)


class Encoder(Protocol):
    """One model's image encoder on one device."""

    @property
    def device(self) -> str:
        """``cpu``, ``cuda`` or ``mps``: where it really runs."""

    @property
    def backend(self) -> Backend:
        """What computes it."""

    @property
    def batch(self) -> int:
        """How many images are worth encoding together."""

    def encode(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The embedding (256, 64, 64) of an RGB image (height, width, 3).

        Raises:
            ModelError: the device has too little memory.
        """

    def encode_many(self, images: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """The embedding of each image, as ``encode`` gives it, ``batch`` of them together."""


def open_encoder(
    checkpoint: Path, architecture: str, device: str = "auto", threads: int | None = None
) -> Encoder:
    """The quickest encoder of these weights on this computer.

    On the CPU that is ONNX Runtime, unless PyTorch was found quicker here (see ``encoder_choice``).
    ``device`` is one of ``core.devices.DEVICES``; ``threads`` limits those of the CPU (None: all).

    Raises:
        ModelError: the device is not there, or the weights cannot be used.
    """
    if device not in ("auto", "cpu") and not installed.has_torch():
        raise _torch_wanted()
    if device != "cpu" and (device != "auto" or _may_have_gpu()):
        try:
            from cellsam_desktop.sam.torch_encoder import TorchEncoder, choose_device
        except Exception as error:  # a broken PyTorch fails in many ways
            if device != "auto":
                raise broken_torch(error) from error
            log.warning("PyTorch does not start, so the CPU encodes with ONNX Runtime.", exc_info=error)
        else:
            if choose_device(hardware(device)) != "cpu":
                return TorchEncoder(checkpoint, architecture, device, threads)
    return _open_on_cpu(checkpoint, architecture, threads)


def _open_on_cpu(checkpoint: Path, architecture: str, threads: int | None) -> Encoder:
    if Choices().backend(architecture, threads) == "onnxruntime":
        from cellsam_desktop.sam.onnx_encoder import OnnxEncoder

        try:
            return OnnxEncoder(checkpoint, architecture, threads)
        except ModelError as error:
            log.warning("ONNX Runtime cannot encode with %s: %s", checkpoint.name, error)
            problem = error
    else:
        problem = None
    try:
        from cellsam_desktop.sam.torch_encoder import TorchEncoder
    except Exception as error:
        raise (problem or broken_torch(error)) from error
    return TorchEncoder(checkpoint, architecture, "cpu", threads)


def broken_torch(error: Exception) -> ModelError:
    """The sentence for a PyTorch that cannot be loaded."""
    if not installed.has_torch():
        return _torch_wanted()
    lines = str(error).strip().splitlines()
    return ModelError(
        "New frames cannot be encoded, because PyTorch does not start "
        f"({lines[0] if lines else type(error).__name__}): run `cellsam-desktop doctor` to see what mends it."
    )


def _torch_wanted() -> ModelError:
    return ModelError(
        "This needs PyTorch, which is not part of the lean build: choose the device 'auto' or 'cpu', "
        f"or {installed.FULL_BUILD}."
    )


def _may_have_gpu() -> bool:
    """Whether PyTorch is worth asking for one; it takes seconds to load."""
    if not installed.has_torch():
        return False
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return apple or has_cuda_driver()
