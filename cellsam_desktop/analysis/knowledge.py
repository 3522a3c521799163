"""What is known about the cells of a movie when the model is asked for one more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.mask import Mask


@dataclass(frozen=True, slots=True)
class CellFacts:
    """One accepted mask in numbers; worked out once, when it is accepted.

    ``area`` in pixels; ``extent`` is the longer side of its bounding box.
    """

    area: int
    extent: int


def facts_of(mask: Mask, image: NDArray[np.uint8] | None = None) -> CellFacts:
    """The facts of an accepted mask; ``image`` (height, width, 3) is its plane as the encoder sees it."""
    return CellFacts(mask.area, max(mask.bits.shape))


@dataclass(frozen=True, eq=False)
class Knowledge:
    """A snapshot: ``cells`` are facts of accepted masks of the movie in any order, ``taken`` the masks of
    other cells on the plane asked about, ``previous`` the mask of the cell asked about in the frame before.
    """

    cells: Sequence[CellFacts] = ()
    taken: Sequence[Mask] = ()
    previous: Mask | None = None

    @property
    def diameter(self) -> float | None:
        """The median diameter of accepted cells, as of discs of their areas; None when nothing is known."""
        areas = [cell.area for cell in self.cells] or ([self.previous.area] if self.previous else [])
        return float(2 * math.sqrt(np.median(areas) / math.pi)) if areas else None


NOTHING = Knowledge()
"""No cell was accepted yet."""
