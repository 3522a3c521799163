"""What an image encoder is, and which one serves here. Free of torch until PyTorch has to serve."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Encoder(Protocol):
    """One model's image encoder on one device; not for several threads at once."""

    @property
    def device(self) -> str:
        """``cpu``, ``cuda`` or ``mps``: where it really runs."""

    @property
    def backend(self) -> str:
        """``pytorch`` or ``onnxruntime``."""

    def encode(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The embedding (256, 64, 64) of an RGB image (height, width, 3).

        Raises:
            ModelError: the device has too little memory.
        """

    def encode_many(self, images: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """The embedding of each image, as ``encode`` gives it; together where the device gains by it."""


def open_encoder(
    checkpoint: Path, architecture: str, device: str = "auto", threads: int | None = None
) -> Encoder:
    """The quickest encoder of these weights on this computer.

    ``device`` is ``auto``, ``cpu``, ``cuda`` or ``mps``; ``threads`` limits those of the CPU (None: all).

    Raises:
        ModelError: the device is not there, or the weights cannot be used.
    """
    from cellsam_desktop.sam.torch_encoder import TorchEncoder

    return TorchEncoder(checkpoint, architecture, device, threads)
