"""The border of a mask along the edges of its pixels, as straight pieces between corners."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.mask import Mask

Pieces = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]
"""Of n pieces (n,) each: the line on which it lies, and where along that line it begins and ends."""


def border_pieces(mask: Mask) -> tuple[Pieces, Pieces]:
    """The pieces that run across (lines are rows of corners), and those that run down (columns of corners).

    Corner (0, 0) is the upper left one of the first pixel of the mask's box. Holes have borders too; no two
    pieces on one line touch.
    """
    padded = np.zeros((mask.height + 2, mask.width + 2), np.bool_)
    padded[1:-1, 1:-1] = mask.bits
    return _pieces(padded[1:, :] != padded[:-1, :]), _pieces((padded[:, 1:] != padded[:, :-1]).T)


def _pieces(edges: NDArray[np.bool_]) -> Pieces:
    """Each run of True along the second axis, whose ends are False."""
    line, before = np.nonzero(edges[:, 1:] != edges[:, :-1])
    return line[::2], before[::2], before[1::2]
