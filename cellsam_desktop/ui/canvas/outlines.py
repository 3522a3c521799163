"""Outlines that run exactly along pixel edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QPainterPath

from cellsam_desktop.core.mask import Mask

Floats = npt.NDArray[np.floating[Any]]


def outline(mask: Mask) -> QPainterPath:
    """The border of a mask, holes included, as one path in plane pixels."""
    from pyqtgraph import arrayToQPath  # the start of the window does not wait for it

    x, y = border(mask)
    return arrayToQPath(x, y, connect="pairs")


def border(mask: Mask) -> tuple[Floats, Floats]:
    """Ends of the border's straight pieces, x and y of shape (2 n,): piece i joins 2 i and 2 i + 1."""
    padded = np.pad(mask.bits, 1)
    row, left, right = _runs(padded[1:, :] != padded[:-1, :])
    column, top, bottom = _runs((padded[:, 1:] != padded[:, :-1]).T)
    # Padded pixel k is the plane's pixel k - 1; the edge between k and k + 1 lies half a pixel further.
    x = np.concatenate([_pairs(left - 1.5, right - 1.5), _pairs(column - 0.5, column - 0.5)]) + mask.x0
    y = np.concatenate([_pairs(row - 0.5, row - 0.5), _pairs(top - 1.5, bottom - 1.5)]) + mask.y0
    return x, y


def _runs(edges: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], ...]:
    """Line, start and end (exclusive) of each run of True along the second axis."""
    steps = np.diff(np.pad(edges, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    line, start = np.nonzero(steps == 1)
    _, end = np.nonzero(steps == -1)
    return line, start, end


def _pairs(a: Floats, b: Floats) -> Floats:
    return np.stack([a, b], axis=1).ravel()
