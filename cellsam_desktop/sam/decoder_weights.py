"""A decoder's weights by their names in segment-anything, as the matrices that the graphs multiply with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.sam.transforms import IMAGE_SIZE

Array = NDArray[np.float64]

GRID = 64  # image tokens along each side
PIXELS = GRID * GRID
WIDTH = 256
INNER = WIDTH // 2  # the width of attention between tokens and image
HEADS = 8
HEAD = INNER // HEADS


@dataclass(frozen=True, eq=False)
class Weights:
    """The tensors whose names begin with ``prefix``. Computed with in float64, rounded in the graph."""

    state: Mapping[str, NDArray[Any]]
    prefix: str = ""

    def part(self, name: str) -> Weights:
        """The module called ``name`` within this one."""
        return Weights(self.state, f"{self.prefix}{name}.")

    def __getitem__(self, name: str) -> Array:
        return np.asarray(self.state[self.prefix + name], dtype=np.float64)

    @property
    def matrix(self) -> Array:
        """A linear layer's, (inputs, outputs)."""
        return self["weight"].T

    @property
    def bias(self) -> Array:
        """A linear layer's, (outputs,)."""
        return self["bias"]


@dataclass(frozen=True, eq=False)
class AttentionWeights:
    """Of one attention, rid of what changes nothing.

    A bias of the keys adds the same to all scores of a query, which softmax ignores. One of the values passes
    through, since a query's shares add up to 1, and becomes part of the output's.
    """

    own: Weights

    @cached_property
    def query(self) -> tuple[Array, Array]:
        """Matrix (256, inner) and bias (inner,)."""
        return self.own.part("q_proj").matrix, self.own.part("q_proj").bias

    @cached_property
    def key(self) -> Array:
        """Matrix (256, inner), with the division by the root of a head's width in it."""
        matrix = self.own.part("k_proj").matrix
        return matrix / math.sqrt(matrix.shape[1] // HEADS)

    @cached_property
    def value(self) -> Array:
        """Matrix (256, inner)."""
        return self.own.part("v_proj").matrix

    @cached_property
    def out(self) -> tuple[Array, Array]:
        """Matrix (inner, 256) and bias (256,)."""
        out = self.own.part("out_proj")
        return out.matrix, out.bias + self.own.part("v_proj").bias @ out.matrix


@dataclass(frozen=True, eq=False)
class PromptWeights:
    """Of the prompt encoder."""

    own: Weights

    @cached_property
    def frequencies(self) -> Array:
        """(2, 128), in radians for coordinates from -1 to 1 (Tancik et al. 2020)."""
        return 2 * np.pi * self.own["pe_layer.positional_encoding_gaussian_matrix"]

    @cached_property
    def kinds(self) -> Array:
        """(5, 256): what is added for labels -1 (padding) to 3 (second corner of a box)."""
        points = [self.own[f"point_embeddings.{kind}.weight"] for kind in range(4)]
        return np.concatenate([self.own["not_a_point_embed.weight"], *points])

    @cached_property
    def no_hint(self) -> Array:
        """(256,): what is added to each image token when no mask is given."""
        return self.own["no_mask_embed.weight"].reshape(WIDTH)

    @cached_property
    def image_positions(self) -> Array:
        """(4096, 256): the encoded positions of the image tokens."""
        centres = (np.arange(GRID) + 0.5) * (2 / GRID) - 1
        x, y = np.meshgrid(centres, centres)
        phases = np.stack([x, y], axis=-1).reshape(PIXELS, 2) @ self.frequencies
        return np.concatenate([np.sin(phases), np.cos(phases)], axis=1)

    @cached_property
    def point_phases(self) -> tuple[Array, Array]:
        """Matrix (2, 256) and bias (256,), from input pixels to angles whose sines encode a position."""
        matrix, bias = (
            self.frequencies * (2 / IMAGE_SIZE),
            (1 / IMAGE_SIZE - 1) * self.frequencies.sum(axis=0),
        )
        return np.hstack([matrix, matrix]), np.hstack([bias, bias + np.pi / 2])
