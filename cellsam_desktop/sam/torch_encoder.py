"""The image encoder in PyTorch; runs in the encoder worker or headless."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from cellsam_desktop.core.devices import DEVICES, hardware, is_exact
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.architectures import build_encoder
from cellsam_desktop.sam.encoder_choice import Backend
from cellsam_desktop.sam.transforms import IMAGE_SIZE, MEAN, STD, resize
from cellsam_desktop.sam.weights import load_checkpoint

log = logging.getLogger(__name__)

_BATCHES = {"vit_t": 8, "vit_b": 4}  # on CUDA; one image is enough work for the larger models

Image = NDArray[np.uint8]
Embedding = NDArray[np.float32]


class TorchEncoder:
    """One model's image encoder on one device.

    ``batch`` is the number of images worth encoding together. On CUDA products are computed in float16 unless
    it is to be exact, until a result overflows: from then on in float32.
    """

    backend: Backend = "pytorch"

    def __init__(
        self,
        checkpoint: Path,
        architecture: str,
        device: str = "auto",
        threads: int | None = None,
        half: bool | None = None,
    ) -> None:
        """``device`` is one of ``core.devices.DEVICES``; ``half`` states whether to use float16 (None: where
        it is quicker). ``threads`` limits PyTorch's on the CPU, process-wide.

        Raises:
            ModelError: the device is not there, or the weights cannot be used.
        """
        if threads is not None:
            torch.set_num_threads(threads)
        self.device = choose_device(hardware(device))
        self.batch = _BATCHES.get(architecture, 1) if self.device == "cuda" else 1
        self._source = (checkpoint, architecture)
        self._half = half if half is not None else not is_exact(device) and _halves_well(self.device)
        if is_exact(device):
            torch.backends.cudnn.allow_tf32 = False  # convolutions would round to 10 bits
        self._load()

    def encode(self, image: Image) -> Embedding:
        """The embedding (256, 64, 64) of an RGB image (height, width, 3).

        Raises:
            ModelError: the device has too little memory.
        """
        return self._encode([image])[0]

    def encode_many(self, images: Sequence[Image]) -> list[Embedding]:
        """The embedding of each image, ``batch`` of them together.

        Raises:
            ModelError: the device has too little memory even for one.
        """
        embeddings: list[Embedding] = []
        while len(embeddings) < len(images):
            some = images[len(embeddings) : len(embeddings) + self.batch]
            try:
                embeddings += self._encode(some)
                continue
            except ModelError:
                if len(some) == 1:
                    raise
            self.batch = 1
            torch.cuda.empty_cache()  # not before the error is gone, which holds what was computed
        return embeddings

    @torch.inference_mode()
    def _encode(self, images: Sequence[Image]) -> list[Embedding]:
        try:
            embeddings = self._encoder(torch.cat([self._input(image) for image in images])).float().cpu()
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"{self.device} has too little memory for this model: choose a smaller model or the CPU."
            ) from error
        if self._half and not embeddings.isfinite().all():
            log.warning("Half precision does not suffice for this model, so it runs in float32.")
            self._half = False
            self._load()
            return self._encode(images)
        return list(embeddings.numpy())

    def _input(self, image: Image) -> Tensor:
        """As ``transforms.preprocess``, computed on the device."""
        pixels = torch.from_numpy(resize(image)).to(self.device)
        mean, std = torch.from_numpy(MEAN).to(self.device), torch.from_numpy(STD).to(self.device)
        normalised = ((pixels - mean) / std).permute(2, 0, 1)
        height, width = normalised.shape[1:]
        return functional.pad(normalised, (0, IMAGE_SIZE - width, 0, IMAGE_SIZE - height))[None]

    def _load(self) -> None:
        checkpoint, architecture = self._source
        encoder = build_encoder(architecture, load_checkpoint(checkpoint))
        if self._half:
            encoder.use_half()
        self._encoder = encoder.to(self.device)


def _halves_well(device: str) -> bool:
    """NVIDIA's cards before Volta (7.0) compute float16 many times slower than float32."""
    return device == "cuda" and torch.cuda.get_device_capability() >= (7, 0)


def choose_device(device: str) -> str:
    """The ``hardware`` called so if it is there; for ``auto`` the quickest one that is.

    Raises:
        ModelError: it is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if there[name])
    if device not in there:
        raise ModelError(f"There is no device called {device!r}: choose one of {', '.join(DEVICES)}.")
    if not there[device]:
        raise ModelError(f"PyTorch finds no {device} device on this computer: choose auto or cpu.")
    return device
