"""An encoder that goes on when the GPU does not."""

from __future__ import annotations

import gc
import logging
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.embedding_cache import Embedding
from cellsam_desktop.sam.encoder import Encoder, open_encoder
from cellsam_desktop.sam.encoder_choice import Backend

log = logging.getLogger(__name__)


class SteadyEncoder:
    """Encodes on the chosen device; when that fails twice in a row it goes over to the CPU and says so."""

    def __init__(
        self,
        checkpoint: Path,
        architecture: str,
        device: str,
        threads: int | None,
        remark: Callable[[str], None],
    ) -> None:
        """``remark`` gets one sentence when the CPU has to serve.

        Raises:
            ModelError: the device is not there, or the weights cannot be used.
        """
        self._open = partial(open_encoder, checkpoint, architecture, threads=threads)
        self._remark = remark
        self._encoder: Encoder
        try:
            self._encoder = self._open(device=device)
        except RuntimeError as error:  # the GPU is there, but full or out of order
            self._fall_back(error)

    @property
    def device(self) -> str:
        """The device in use."""
        return self._encoder.device

    @property
    def backend(self) -> Backend:
        """What computes on it."""
        return self._encoder.backend

    @property
    def batch(self) -> int:
        """How many images are worth encoding together."""
        return self._encoder.batch

    def encode(self, image: NDArray[np.uint8]) -> Embedding:
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

    def encode_many(self, images: Sequence[NDArray[np.uint8]]) -> list[Embedding]:
        """The embedding of each image.

        Raises:
            ModelError: as ``encode``.
        """
        if len(images) > 1:
            try:
                return [_checked(embedding) for embedding in self._encoder.encode_many(images)]
            except (ModelError, RuntimeError) as error:
                log.warning(
                    "%d images together failed on %s, so one by one: %s", len(images), self.device, error
                )
        return [self.encode(image) for image in images]

    def _encode_twice(self, image: NDArray[np.uint8]) -> Embedding:
        """Another program may have held the memory for a moment only."""
        try:
            return _checked(self._encoder.encode(image))
        except (ModelError, RuntimeError) as error:
            log.warning("Encoding on %s failed, once more: %s", self.device, error)
            _let_go(error)
        _empty_caches()
        return _checked(self._encoder.encode(image))

    def _fall_back(self, error: Exception) -> None:
        log.warning("The CPU encodes from now on.", exc_info=error)
        self._encoder = self._open(device="cpu")
        _let_go(error)
        _empty_caches()
        reason = "has too little memory" if _out_of_memory(error) else "failed"
        self._remark(f"The graphics card {reason}, so the CPU encodes from now on, more slowly.")


def _checked(embedding: NDArray[np.float32]) -> Embedding:
    """In the precision of the cache; a faulty device or overheated driver shows in NaN and infinity."""
    half = embedding.astype(np.float16)
    if not np.isfinite(half).all():
        raise ModelError("The encoder gave no usable numbers for this frame: choose another device or model.")
    return half


def _out_of_memory(error: BaseException | None) -> bool:
    while error is not None:
        if type(error).__name__ == "OutOfMemoryError" or "out of memory" in str(error):
            return True
        error = error.__cause__
    return False


def _let_go(error: BaseException | None) -> None:
    """Let go of the encoder and all it has computed: the calls that failed hold them while an error lives."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _empty_caches() -> None:
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is None:
        return
    try:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if torch.backends.mps.is_available():
            torch.mps.empty_cache()
    except RuntimeError as error:  # after some errors nothing works on the device any more
        log.debug("The memory of the GPU could not be released: %s", error)
