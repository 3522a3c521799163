"""The colours of cells: 255 well-separated ones, fixed by cell id and the same on every frame.

They were chosen once with Glasbey's method (see docs/decisions/0150-cell-colours.md) and are stored as data.
Values have a scale of their own (docs/decisions/0221-colours-by.md).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from cellsam_desktop.analysis.colouring import NO_VALUE, ColourBy

RGB = tuple[int, int, int]
RowOf = Callable[[int], int]

COLOURS = 255
"""Cells whose ids differ by a multiple of this share a colour."""

SELECTED_OPACITY = 0.18
"""What a selected cell's opacity gains over the others."""

LIGHTEST_INK = 0.42
"""Lightness, the mean of the strongest and the weakest channel, up to which lines are seen on white."""


_SCALE = (
    "#6200a7", "#8004a7", "#9a169e", "#b22b8e", "#c6417c", "#d7566b",
    "#e66d5b", "#f2844b", "#fa9e3a", "#febb2a", "#f9da24",
)  # fmt: skip
"""Eleven colours at equal distances on matplotlib's plasma (CC0), from 0.18 to 0.93 of it: even steps of
lightness, without the ends that would vanish on black images and on white paper."""
_GREY = (128, 128, 128)


@cache
def scale() -> npt.NDArray[np.uint8]:
    """The colours of values from low to high, (256, 3) RGB; the last row stands for "no value"."""
    anchors = np.array([list(bytes.fromhex(entry[1:])) for entry in _SCALE], np.float64)
    places = np.linspace(0, len(_SCALE) - 1, NO_VALUE - 1)
    table = np.zeros((COLOURS + 1, 3), np.uint8)
    for channel in range(3):
        values = np.interp(places, np.arange(len(_SCALE)), anchors[:, channel])
        table[1:NO_VALUE, channel] = np.rint(values)
    table[NO_VALUE] = _GREY
    table.setflags(write=False)
    return table


def table_of(by: ColourBy) -> npt.NDArray[np.uint8]:
    """The colour table whose rows ``curation.colouring`` gives, (256, 3) RGB."""
    return colours() if by in (ColourBy.CELL, ColourBy.LINEAGE) else scale()


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


def colour_of(cell_id: int) -> RGB:
    """The colour of a cell as (red, green, blue), 0 to 255."""
    return colour_at(colour_index(cell_id))


def colour_at(row: int, by: ColourBy = ColourBy.CELL) -> RGB:
    """The colour in a row of a table as (red, green, blue), 0 to 255."""
    red, green, blue = (int(value) for value in table_of(by)[row])
    return red, green, blue


def lut(
    opacity: float,
    *,
    hidden: Collection[int] = (),
    solo: Collection[int] = (),
    selected: Collection[int] = (),
    row_of: RowOf = colour_index,
    table: npt.NDArray[np.uint8] | None = None,
) -> npt.NDArray[np.uint8]:
    """Lookup table (256, 4) RGBA for an overlay of colour indices; index 0 is transparent.

    ``opacity`` (0 to 1) holds for all cells, selected ones stand out a little. ``hidden`` and ``solo``
    are cell ids; with a non-empty ``solo`` everything else is transparent. ``row_of`` gives the index of a
    cell, ``table`` (256, 3) the colours. Cells that share an index share their row here: an overlay where
    that happens leaves hidden cells out of its indices.
    """
    shown = np.zeros((COLOURS + 1, 4), np.uint8)
    shown[:, :3] = colours() if table is None else table
    shown[1:, 3] = _alpha(opacity)
    if solo:
        shown[:, 3] = 0
        shown[[row_of(i) for i in solo], 3] = _alpha(opacity)
    chosen = [row_of(i) for i in selected]
    shown[chosen, 3] = np.where(shown[chosen, 3] > 0, _alpha(opacity + SELECTED_OPACITY), 0)
    shown[[row_of(i) for i in hidden], 3] = 0
    shown[0] = 0
    return shown


def ink(table: npt.NDArray[np.uint8], *, dark: bool) -> npt.NDArray[np.uint8]:
    """Colours (N, 3) for thin lines: on light ground none is brighter than ``LIGHTEST_INK``, at the hue and
    the saturation (of HSL) that it had.
    """
    if dark:
        return table
    colours = table / 255
    light = (colours.max(axis=1, keepdims=True) + colours.min(axis=1, keepdims=True)) / 2
    darker = np.minimum(light, LIGHTEST_INK)
    room, before = 1 - np.abs(2 * darker - 1), 1 - np.abs(2 * light - 1)
    return np.rint(255 * (darker + (colours - light) * room / np.maximum(before, 1e-6))).astype(np.uint8)


def line_colour(cell_id: int, *, dark: bool) -> RGB:
    """The colour of a cell's curve, on dark or on light ground."""
    red, green, blue = (int(value) for value in ink(np.array([colour_of(cell_id)]), dark=dark)[0])
    return red, green, blue


def _alpha(opacity: float) -> int:
    return round(255 * min(max(opacity, 0.0), 1.0))
