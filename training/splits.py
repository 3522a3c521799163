"""Which frames are learned from, which choose the best weights, and which judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from training.frames import Frame


@dataclass(frozen=True, eq=False)
class Split:
    """``validate`` chooses the best weights, ``test`` judges adoption.

    With too little data for three parts they are the same frames; ``notes`` say so, one sentence each.
    """

    train: tuple[Frame, ...]
    validate: tuple[Frame, ...]
    test: tuple[Frame, ...]
    seed: int
    notes: tuple[str, ...] = ()

    def summary(self) -> dict[str, Any]:
        """Plain data: which frames and how many cells each part has, by data set, and the notes."""
        raise NotImplementedError


def split(frames: Sequence[Frame], seed: int, held_out: Sequence[Frame] | None = None) -> Split:
    """Three parts that never hold neighbouring frames; the same for the same frames and seed.

    ``held_out`` are frames from elsewhere that judge; then ``frames`` are learned from and validated on only.

    Raises:
        DataError: there are too few cells to hold any out.
    """
    raise NotImplementedError
