"""Prompts as a curator would place them, for many cells at once."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class PromptBatch:
    """Prompts of N cells on one image, as the prompt encoder takes them.

    ``coords`` (N, P, 2) are (x, y) in input pixels (0 to 1023), ``labels`` (N, P): 1 positive, 0 negative,
    2 and 3 the corners of a box, -1 the padding that stands for "no box", -2 nothing at all.
    """

    coords: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.coords)
