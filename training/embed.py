"""Embeddings of views, from the window's cache or encoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.views import View

Progress = Callable[[int, int], None]
"""Gets how many are there and of how many; may raise ``Cancelled``."""


class Embeddings:
    """``encodes`` counts the views that were encoded, not found."""

    def __init__(self, checkpoint: Path, architecture: str, device: str = "auto") -> None:
        self.encodes = 0

    def get(self, view: View) -> NDArray[np.float16]:
        """The embedding (256, 64, 64) of a view, read-only."""
        raise NotImplementedError

    def ensure(self, views: Iterable[View], progress: Progress | None = None) -> None:
        """See to it that all are there."""
        raise NotImplementedError
