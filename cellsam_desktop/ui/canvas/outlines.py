"""Outlines that run exactly along pixel edges."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QPainterPath

from cellsam_desktop.core.edges import border_pieces
from cellsam_desktop.core.mask import Mask

Floats = npt.NDArray[np.floating[Any]]


def outline(*masks: Mask) -> QPainterPath:
    """The borders of masks, holes included, as one path in plane pixels."""
    return path_of(map(border, masks))


def path_of(borders: Iterable[tuple[Floats, Floats]]) -> QPainterPath:
    """Borders as one path; made at once, which takes a fifth of the time of joining paths."""
    ends = list(borders)
    if not ends:
        return QPainterPath()
    from pyqtgraph import arrayToQPath  # the start of the window does not wait for it

    x, y = (np.concatenate(parts) for parts in zip(*ends, strict=True))
    return arrayToQPath(x, y, connect="pairs")


def border(mask: Mask) -> tuple[Floats, Floats]:
    """Ends of the border's straight pieces, x and y of shape (2 n,): piece i joins 2 i and 2 i + 1."""
    (row, left, right), (column, top, bottom) = border_pieces(mask)
    across = 2 * row.size
    x, y = np.empty(across + 2 * column.size), np.empty(across + 2 * column.size)
    x[0:across:2], x[1:across:2], x[across::2], x[across + 1 :: 2] = left, right, column, column
    y[0:across:2], y[1:across:2], y[across::2], y[across + 1 :: 2] = row, row, top, bottom
    return x + (mask.x0 - 0.5), y + (mask.y0 - 0.5)
