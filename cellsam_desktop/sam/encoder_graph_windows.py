"""Attention within windows, as ONNX nodes: how tokens go in and come out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cellsam_desktop.sam.encoder_graph import FloatArray, dense
from cellsam_desktop.sam.onnx_graph import Value


@dataclass(frozen=True)
class Windows:
    """Square windows of ``side`` x ``side`` tokens over ``grid`` x ``grid``, padded with zeros at the end.

    Each token has ``heads`` times ``size`` numbers. A window as large as the grid is the whole image.
    """

    grid: int
    side: int
    heads: int
    size: int

    @property
    def along(self) -> int:
        """How many lie in a row."""
        return math.ceil(self.grid / self.side)

    @property
    def count(self) -> int:
        """How many there are."""
        return self.along**2

    @property
    def tokens(self) -> int:
        """Tokens in a window."""
        return self.side**2

    @property
    def scale(self) -> float:
        """What scores are multiplied by."""
        return float(self.size**-0.5)

    def enter(self, tokens: Value) -> Value:
        """From (grid * grid, heads * size) to (count, heads, tokens, size)."""
        if self.along == 1:
            return tokens.reshape(1, self.tokens, self.heads, self.size).transpose(0, 2, 1, 3)
        image = tokens.reshape(self.grid, self.grid, self.heads * self.size)
        short = self.along * self.side - self.grid
        if short:
            image = image.graph.node("Pad", image, np.array([0, 0, 0, short, short, 0]))
        split = image.reshape(self.along, self.side, self.along, self.side, self.heads, self.size)
        return split.transpose(0, 2, 4, 1, 3, 5).reshape(self.count, self.heads, self.tokens, self.size)

    def leave(self, tokens: Value) -> Value:
        """The way back."""
        width = self.heads * self.size
        if self.along == 1:
            return tokens.transpose(0, 2, 1, 3).reshape(self.tokens, width)
        padded = self.along * self.side
        split = tokens.reshape(self.along, self.along, self.heads, self.side, self.side, self.size)
        image = split.transpose(0, 3, 1, 4, 2, 5).reshape(padded, padded, width)
        if padded > self.grid:
            ends = np.zeros(2, dtype=np.int64), np.full(2, self.grid), np.arange(2)
            image = image.graph.node("Slice", image, *ends)
        return image.reshape(self.grid**2, width)


def project_out(attended: Value, weight: FloatArray, bias: FloatArray, value_bias: FloatArray) -> Value:
    """The projection after attention to values without their bias: shares add up to one, so it joins here."""
    moved = bias.astype(np.float64) + weight.astype(np.float64) @ value_bias
    return dense(attended, weight, moved.astype(np.float32))
