"""The part of the lineage in view as a picture, made of straight strokes in an array. No Qt.

Branches run along the axes of the picture, so that filling slices of an array draws them sharply, in a
fraction of the time that a painter takes for as many lines, each in its own colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cellsam_desktop.analysis.forest import Forest, Indices, Numbers

Picture = npt.NDArray[np.uint32]

_STROKE, _WIDEST = 0.3, 5.0
"""A branch is so wide in columns, but between 1 and ``_WIDEST`` pixels."""


@dataclass(frozen=True)
class Window:
    """What is in view: columns ``x0`` to ``x1``, and frames ``y0`` to ``y1``, which count from 1 and have
    their number in their middle; ``width`` and ``height`` are pixels of the device, ``ratio`` of which make
    one on screen.
    """

    x0: float
    x1: float
    y0: float
    y1: float
    width: int
    height: int
    ratio: float = 1.0

    @property
    def per_column(self) -> float:
        """Device pixels per column."""
        return self.width / (self.x1 - self.x0)

    @property
    def per_frame(self) -> float:
        """Device pixels per frame."""
        return self.height / (self.y1 - self.y0)

    @property
    def stroke(self) -> int:
        """Width of a branch in device pixels."""
        return max(1, round(min(max(_STROKE * self.per_column, self.ratio), _WIDEST * self.ratio)))

    def x(self, columns: Numbers) -> Numbers:
        """Where columns lie in the picture."""
        return (columns - self.x0) * self.per_column

    def y(self, frames: npt.NDArray[np.floating[Any]]) -> Numbers:
        """Where frames lie, counted from 0 as the forest does; halves are edges of frames."""
        return np.asarray((frames + 1 - self.y0) * self.per_frame, np.float64)


@dataclass(frozen=True, eq=False)
class Ink:
    """The colours of N cells: rows (N,) of a table (256,) of 0xAARRGGBB.

    With ``over_time`` a cell changes its colour: the row of cell i on frame t is
    ``over_time[starts[i] + t - first[i]]``.
    """

    table: Picture
    rows: npt.NDArray[np.uint8]
    over_time: npt.NDArray[np.uint8] | None = None
    starts: Indices | None = None


@dataclass(frozen=True, eq=False)
class Strokes:
    """The cells in view, and where they lie in the picture: (N,) pixels, ends exclusive."""

    cells: Indices
    x: Indices
    top: Indices
    bottom: Indices


def packed(table: npt.NDArray[np.uint8]) -> Picture:
    """Colours (N, 3) as opaque 0xAARRGGBB."""
    red, green, blue = table.astype(np.uint32).T
    return np.asarray(0xFF000000 | red << 16 | green << 8 | blue, np.uint32)


def strokes(forest: Forest, window: Window) -> Strokes:
    """The cells that can be seen."""
    x, top, bottom = window.x(forest.columns), window.y(forest.first - 0.5), window.y(forest.last + 0.5)
    room = window.stroke
    seen = (x > -room) & (x < window.width + room) & (bottom > 0) & (top < window.height)
    cells = np.flatnonzero(seen)
    left = np.round(x[cells] - window.stroke / 2).astype(np.intp)
    starts = np.round(np.clip(top[cells], 0, window.height)).astype(np.intp)
    ends = np.round(np.clip(bottom[cells], 0, window.height)).astype(np.intp)
    return Strokes(cells, left, starts, np.maximum(ends, starts + 1))


def draw(forest: Forest, window: Window, ink: Ink) -> Picture:
    """The part of the forest in view, (height, width) of 0xAARRGGBB, transparent where nothing is."""
    picture = np.zeros((window.height, window.width), np.uint32)
    _draw_divisions(picture, forest, window, ink)
    seen, wide = strokes(forest, window), window.stroke
    places = zip(*(part.tolist() for part in (seen.cells, seen.x, seen.top, seen.bottom)), strict=True)
    if ink.over_time is None or ink.starts is None:
        colours = ink.table[ink.rows]
        for cell, x, top, bottom in places:
            picture[top:bottom, max(x, 0) : max(x + wide, 0)] = colours[cell]
        return picture
    frames = np.floor((np.arange(window.height) + 0.5) / window.per_frame + window.y0 - 0.5).astype(np.intp)
    for cell, x, top, bottom in places:
        t = np.clip(frames[top:bottom], forest.first[cell], forest.last[cell]) - forest.first[cell]
        colours = ink.table[ink.over_time[ink.starts[cell] + t]]
        picture[top:bottom, max(x, 0) : max(x + wide, 0)] = colours[:, None]
    return picture


def _draw_divisions(picture: Picture, forest: Forest, window: Window, ink: Ink) -> None:
    """A stroke from daughter to daughter where the mother ends, and thin ones down to late daughters."""
    mothers = np.flatnonzero((forest.daughters >= 0).any(axis=1))
    pair = forest.daughters[mothers]
    pair = np.where(pair >= 0, pair, pair[:, ::-1])
    thick, thin = max(1, window.stroke // 2), max(1, round(window.ratio))
    top = np.round(window.y(forest.last[mothers] + 0.5) - thick / 2)
    ends = np.round(window.x(forest.columns[pair]))
    begin = np.round(window.y(forest.first[pair] - 0.5))
    seen = (begin.max(axis=1) + thick >= 0) & (top < window.height)
    seen &= (ends[:, 1] >= 0) & (ends[:, 0] < window.width)
    colours = ink.table[_last_rows(forest, ink, mothers)]
    places = np.maximum(np.stack([top, top + thick, *ends.T, *begin.T], axis=1), 0).astype(np.intp)
    for n in np.flatnonzero(seen).tolist():
        y0, y1, left, right, *begins = places[n].tolist()
        picture[y0:y1, left : right + 1] = colours[n]
        for daughter, x, y in zip(pair[n], ends[n], begins, strict=True):
            if y > y1 and x >= 0:
                picture[y0:y, int(x) : int(x) + thin] = ink.table[ink.rows[daughter]]


def _last_rows(forest: Forest, ink: Ink, cells: Indices) -> npt.NDArray[np.uint8]:
    """The colours in which cells end."""
    if ink.over_time is None or ink.starts is None:
        return ink.rows[cells]
    return ink.over_time[ink.starts[cells] + forest.last[cells] - forest.first[cells]]
