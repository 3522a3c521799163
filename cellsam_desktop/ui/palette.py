"""The colours of cells: 255 well-separated ones, fixed by cell id and the same on every frame.

They were chosen once with Glasbey's method (see docs/decisions/0150-cell-colours.md) and are stored as data.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

COLOURS = 255
"""Cells whose ids differ by a multiple of this share a colour."""

SELECTED_OPACITY = 0.18
"""What a selected cell's opacity gains over the others."""


@cache
def colours() -> npt.NDArray[np.uint8]:
    """The colour table, (256, 3) RGB; row 0 is black and stands for "no cell"."""
    text = files("cellsam_desktop.ui").joinpath("resources", "palette.json").read_text(encoding="utf-8")
    table = np.zeros((COLOURS + 1, 3), np.uint8)
    table[1:] = [list(bytes.fromhex(entry.removeprefix("#"))) for entry in json.loads(text)]
    table.setflags(write=False)
    return table


def colour_index(cell_id: int) -> int:
    """Row of ``colours`` for a cell, 1 to 255."""
    return (cell_id - 1) % COLOURS + 1


def colour_indices(cell_ids: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Rows of ``colours`` for an array of cell ids of any shape; 0 stays 0."""
    return np.where(cell_ids > 0, (cell_ids - 1) % COLOURS + 1, 0).astype(np.uint8)


def colour_of(cell_id: int) -> tuple[int, int, int]:
    """The colour of a cell as (red, green, blue), 0 to 255."""
    red, green, blue = (int(value) for value in colours()[colour_index(cell_id)])
    return red, green, blue


def lut(
    opacity: float,
    *,
    hidden: Collection[int] = (),
    solo: Collection[int] = (),
    selected: Collection[int] = (),
) -> npt.NDArray[np.uint8]:
    """Lookup table (256, 4) RGBA for an overlay of colour indices; index 0 is transparent.

    ``opacity`` (0 to 1) holds for all cells, selected ones stand out a little. ``hidden`` and ``solo``
    are cell ids; with a non-empty ``solo`` everything else is transparent. Cells that share a colour
    share their row here: an overlay with more than 255 cells leaves hidden cells out of its indices.
    """
    table = np.zeros((COLOURS + 1, 4), np.uint8)
    table[:, :3] = colours()
    table[1:, 3] = _alpha(opacity)
    if solo:
        table[:, 3] = 0
        table[[colour_index(i) for i in solo], 3] = _alpha(opacity)
    chosen = [colour_index(i) for i in selected]
    table[chosen, 3] = np.where(table[chosen, 3] > 0, _alpha(opacity + SELECTED_OPACITY), 0)
    table[[colour_index(i) for i in hidden], 3] = 0
    return table


def _alpha(opacity: float) -> int:
    return round(255 * min(max(opacity, 0.0), 1.0))
