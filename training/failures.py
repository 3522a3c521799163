"""What a device says when its memory ran out, or when it failed, in words for the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from cellsam_desktop.core.errors import CellSamError

_SAID = ("out of memory", "not enough memory", "can't allocate memory", "alloc_failed")
"""By CUDA and MPS, by Windows, by Linux, and by the libraries for products on a GPU."""


class TrainingError(CellSamError):
    """Training cannot go on."""


def out_of_memory(error: BaseException) -> bool:
    """Whether that is why an operation failed."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return any(words in str(error).lower() for words in _SAID)


@contextmanager
def explained(device: torch.device) -> Iterator[None]:
    """Within the block TrainingError is raised where memory runs out or the graphics card fails."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if out_of_memory(error):
            raise TrainingError(_too_little(device)) from error
        if device.type == "cpu":
            raise
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise TrainingError(f"The graphics card failed ({reason}): choose the CPU.") from error


def _too_little(device: torch.device) -> str:
    if device.type == "cpu":
        return "There is too little memory to train: close other programs."
    return f"{device} has too little memory to train: close other programs, or use the CPU."
