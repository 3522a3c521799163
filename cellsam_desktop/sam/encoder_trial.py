"""Finds out once whether PyTorch or ONNX Runtime encodes quicker on this computer's CPU."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cellsam_desktop import installed
from cellsam_desktop.sam.encoder import Encoder
from cellsam_desktop.sam.encoder_choice import Choices, Comparison

log = logging.getLogger(__name__)

_TRIED = ("vit_t", "vit_b")  # the larger models would take minutes and many GB; vit_b stands for them
_ENOUGH_S = 5.0
_ROUNDS = 3


def try_both(checkpoint: Path, architecture: str, threads: int, wait: Callable[[], object]) -> bool:
    """Measure and remember, unless that was done; whether something new is known.

    ``wait`` is called before each step and returns when the computer is at leisure. This loads PyTorch; where
    it is missing or broken ONNX Runtime stays the choice.

    Raises:
        ModelError: the weights cannot be used.
    """
    choices = Choices()
    if architecture not in _TRIED or not installed.has_torch():
        return False
    if choices.find(architecture, threads) is not None:
        return False
    wait()
    try:
        from cellsam_desktop.sam.torch_encoder import TorchEncoder
    except Exception as error:  # a broken PyTorch fails in many ways
        log.warning("PyTorch does not start, so it is not compared with ONNX Runtime.", exc_info=error)
        return False
    from cellsam_desktop.sam.onnx_encoder import OnnxEncoder

    ours = OnnxEncoder(checkpoint, architecture, threads)
    theirs = TorchEncoder(checkpoint, architecture, "cpu", threads)
    comparison = compare(ours, theirs, wait)
    choices.remember(architecture, threads, comparison)
    log.info("Encoding with %s: %s, so %s serves.", architecture, comparison, comparison.backend)
    return True


def compare(ours: Encoder, theirs: Encoder, wait: Callable[[], object]) -> Comparison:
    """``ours`` is ONNX Runtime, ``theirs`` PyTorch.

    Both encode the same image in turn, until they took five seconds, or three times; the quickest counts.
    """
    image = np.random.default_rng(0).integers(0, 256, (768, 1024, 3), dtype=np.uint8)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(_ROUNDS):
        embeddings = []
        for encoder, took in zip((ours, theirs), times, strict=True):
            wait()
            started = time.perf_counter()
            embeddings.append(encoder.encode(image))
            took.append(time.perf_counter() - started)
        if sum(map(sum, times)) > _ENOUGH_S:
            break
    apart = np.abs(embeddings[0] - embeddings[1]).max() / np.abs(embeddings[1]).max()
    return Comparison(pytorch_s=min(times[1]), onnxruntime_s=min(times[0]), difference=float(apart))
