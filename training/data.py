"""From files to frames: projects, folders of images and labels, folders of the Cell Tracking Challenge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from training.frames import CellTruth, Frame

__all__ = ["CellTruth", "Frame", "load"]

Notice = Callable[[str], None]


def _silent(_: str) -> None:
    """Nobody wants to know what was left out."""


def load(paths: Sequence[Path], notice: Notice = _silent) -> list[Frame]:
    """The frames of each path, in order; ``notice`` gets a sentence about whatever is left out.

    Raises:
        CellSamError: a path holds nothing to learn from, or something is not as it should be.
    """
    raise NotImplementedError
