"""The image encoder in PyTorch; runs in the encoder worker or headless."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.architectures import build
from cellsam_desktop.sam.transforms import preprocess
from cellsam_desktop.sam.weights import load_checkpoint

DEVICES = ("auto", "cpu", "cuda", "mps")


class TorchEncoder:
    """One model's image encoder on one device."""

    backend = "pytorch"

    def __init__(
        self, checkpoint: Path, architecture: str, device: str = "auto", threads: int | None = None
    ) -> None:
        """``device`` is one of ``DEVICES``; ``threads`` limits PyTorch's on the CPU, process-wide.

        Raises:
            ModelError: the device is not there, or the weights cannot be used.
        """
        if threads is not None:
            torch.set_num_threads(threads)
        self.device = _choose(device)
        self._encoder = build(architecture, load_checkpoint(checkpoint)).image_encoder.to(self.device)

    @torch.inference_mode()
    def encode(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The embedding (256, 64, 64) of an RGB image (height, width, 3).

        Raises:
            ModelError: the device has too little memory.
        """
        try:
            batch = torch.from_numpy(preprocess(image)).to(self.device)
            embedding: NDArray[np.float32] = self._encoder(batch)[0].float().cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"{self.device} has too little memory for this model: choose a smaller model or the CPU."
            ) from error
        return embedding

    def encode_many(self, images: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """The embedding of each image."""
        return [self.encode(image) for image in images]


def _choose(device: str) -> str:
    if device not in DEVICES:
        raise ModelError(f"There is no device called {device!r}: choose one of {', '.join(DEVICES)}.")
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if there[name])
    if not there[device]:
        raise ModelError(f"PyTorch finds no {device} device on this computer: choose auto or cpu.")
    return device
