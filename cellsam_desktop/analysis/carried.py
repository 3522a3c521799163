"""The words of propagation: what is known of a cell, and what became of it in the frame beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.looking import Look
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.transforms import InputGeometry

if TYPE_CHECKING:  # the window imports this long before it needs ONNX Runtime
    from cellsam_desktop.sam.decoder import Answer, PreparedImage

Image: TypeAlias = NDArray[np.uint8]
Looks: TypeAlias = Mapping[Region, Look]

RECENT = 32
"""Areas of so many masks of a cell are remembered."""


class BatchDecoder(Protocol):
    """What answers for all cells of a look together: an ``OnnxDecoder``."""

    def decode_many(
        self,
        image: PreparedImage | NDArray[Any],
        geometry: InputGeometry,
        prompts: Sequence[Prompts],
        hints: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Answer]:
        """The candidates for each of ``prompts``."""
        ...


@dataclass(frozen=True, eq=False)
class Carried:
    """What is known of one cell in the frame that it is carried from.

    ``velocity`` is (dy, dx) in pixels per step, None before it is known. ``areas`` are those of its recent
    masks in pixels, the oldest first, that of ``mask`` last.
    """

    cell_id: int
    mask: Mask
    velocity: tuple[float, float] | None = None
    areas: tuple[int, ...] = ()

    def then(self, placed: Placed) -> Carried:
        """The same cell one frame on."""
        (x0, y0), (x1, y1) = self.mask.centroid, placed.mask.centroid
        areas = (*(self.areas or (self.mask.area,)), placed.mask.area)[-RECENT:]
        return Carried(self.cell_id, placed.mask, (y1 - y0, x1 - x0), areas)


@dataclass(frozen=True)
class Fixed:
    """A mask in the next frame that stays; ``before`` is its cell's in the frame that is carried from."""

    mask: Mask
    before: Mask | None = None

    def lay_with(self, mask: Mask) -> bool:
        """Whether a cell with this ``mask`` and that of ``before`` lay mostly one within the other.

        So does a cell in its eggshell, and neighbours that share a few pixels do not.
        """
        shared = 0 if self.before is None else self.before.overlap(mask)
        return self.before is not None and 0 < min(self.before.area, mask.area) <= 2 * shared


@dataclass(frozen=True, eq=False)
class Placed:
    """The mask of one cell in the frame it was carried to; ``agreement`` as in ``MaskRecord``."""

    cell_id: int
    mask: Mask
    predicted_iou: float
    agreement: float | None = None


@dataclass(frozen=True, eq=False)
class Split:
    """A mother that is explained better by two masks than by one.

    ``confidence`` is from 0 to 1; ``instead`` is the one mask that the mother would have otherwise.
    """

    mother: int
    masks: tuple[Mask, Mask]
    predicted_ious: tuple[float, float]
    confidence: float
    instead: Mask | None = None
    agreements: tuple[float | None, float | None] = (None, None)


@dataclass(frozen=True)
class Lost:
    """A cell that was not found again; ``reason`` is a sentence for the curator."""

    cell_id: int
    reason: str


@dataclass(frozen=True, eq=False)
class Young:
    """A division that was proposed on the frame that is carried from, and may be taken back.

    ``mother`` is she as if she had not divided: her mask is that of both ``daughters`` together, who have
    ``masks``.
    """

    mother: Carried
    daughters: tuple[int, int]
    masks: tuple[Mask, Mask]

    @classmethod
    def of(cls, before: Carried, daughters: tuple[int, int], masks: tuple[Mask, Mask]) -> Young:
        """The division of what was known of a mother ``before`` into daughters with these masks."""
        whole = masks[0].union(masks[1])
        return cls(before.then(Placed(before.cell_id, whole, 0.0)), daughters, masks)


@dataclass(frozen=True, eq=False)
class NextFrame:
    """What became of all cells: each is placed, split or lost.

    ``undone`` are the mothers that had not divided yet: they are among the others in their daughters' place.
    """

    placed: list[Placed]
    splits: list[Split]
    lost: list[Lost]
    undone: list[Young] = field(default_factory=list)
