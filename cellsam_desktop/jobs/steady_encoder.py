"""An encoder that goes on when the GPU does not. Imports torch: for the encoder worker only."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.torch_encoder import TorchEncoder

log = logging.getLogger(__name__)


class SteadyEncoder:
    """Encodes on the chosen device; when that fails twice in a row it goes over to the CPU and says so."""

    def __init__(
        self,
        checkpoint: Path,
        architecture: str,
        device: str,
        threads: int,
        remark: Callable[[str], None],
    ) -> None:
        """``remark`` gets one sentence when the CPU has to serve.

        Raises:
            ModelError: the device is not there, or the weights cannot be used.
        """
        self._make = partial(TorchEncoder, checkpoint, architecture, threads=threads)
        self._remark = remark
        try:
            self._encoder = self._make(device=device)
        except RuntimeError as error:  # the GPU is there, but full or out of order
            self._fall_back(error)

    @property
    def device(self) -> str:
        """The device in use."""
        return self._encoder.device

    def encode(self, image: NDArray[np.uint8]) -> NDArray[np.float16]:
        """The embedding (256, 64, 64) of an RGB image (height, width, 3).

        Raises:
            ModelError: not even the CPU can compute it.
        """
        if self.device != "cpu":
            try:
                return self._encode_twice(image)
            except (ModelError, RuntimeError) as error:
                self._fall_back(error)
        try:
            return _checked(self._encoder.encode(image))
        except RuntimeError as error:
            raise ModelError(
                f"The encoder failed ({str(error).splitlines()[0]}): "
                "close other programs, or choose a smaller model."
            ) from error

    def _encode_twice(self, image: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Another program may have held the memory for a moment only."""
        try:
            return _checked(self._encoder.encode(image))
        except (ModelError, RuntimeError) as error:
            log.warning("Encoding on %s failed, once more: %s", self.device, error)
        _empty_caches()
        return _checked(self._encoder.encode(image))

    def _fall_back(self, error: Exception) -> None:
        log.warning("The CPU encodes from now on.", exc_info=error)
        self._encoder = self._make(device="cpu")
        _empty_caches()
        reason = "has too little memory" if _out_of_memory(error) else "failed"
        self._remark(f"The graphics card {reason}, so the CPU encodes from now on, more slowly.")


def _checked(embedding: NDArray[np.float32]) -> NDArray[np.float16]:
    """In the precision of the cache; a faulty device or overheated driver shows in NaN and infinity."""
    half = embedding.astype(np.float16)
    if not np.isfinite(half).all():
        raise ModelError("The encoder gave no usable numbers for this frame: choose another device or model.")
    return half


def _out_of_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error):
            return True
        error = error.__cause__
    return False


def _empty_caches() -> None:
    gc.collect()
    try:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if torch.backends.mps.is_available():
            torch.mps.empty_cache()
    except RuntimeError as error:  # after some errors nothing works on the device any more
        log.debug("The memory of the GPU could not be released: %s", error)
