"""The axes of a plot: few ticks, each with its number."""

from __future__ import annotations

from math import ceil, floor, log10
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

_APART = {"left": 20.0, "bottom": 48.0}
"""Ticks are at least so far apart, in pixels."""
_TICK = 4.0
_TEXT = QRectF(-40, -10, 80, 20)
_BESIDE = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_BELOW = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop


class PlotAxis(pg.AxisItem):
    """The left or the bottom axis; while ``whole``, ticks stand at whole numbers only (no frame 1.5).

    pyqtgraph's own axis tries out three levels of ticks and measures every number, which took longer than
    everything else in the plot.
    """

    def __init__(self, orientation: str) -> None:
        super().__init__(orientation)
        self.enableAutoSIPrefix(False)
        self.whole = False

    def generateDrawSpecs(self, painter: QPainter) -> tuple[Any, list[Any], list[Any]]:
        """The hook of pyqtgraph: the line, the ticks and the numbers."""
        bounds = self.mapRectFromParent(self.geometry())
        low, high = self.range
        left = self.orientation == "left"
        length = bounds.height() if left else bounds.width()
        line = (bounds.topRight(), bounds.bottomRight()) if left else (bounds.topLeft(), bounds.topRight())
        ticks: list[Any] = []
        texts: list[Any] = []
        for value in ticks_between(low, high, length / _APART[self.orientation], whole=self.whole):
            along = (value - low) / (high - low) * length
            if left:
                at = QPointF(bounds.right(), bounds.bottom() - along)
                box, flags = _TEXT.translated(at - QPointF(_TICK + 44, 0)), _BESIDE
                end = at - QPointF(_TICK, 0)
            else:
                at = QPointF(bounds.left() + along, bounds.top())
                box, flags = _TEXT.translated(at + QPointF(0, _TICK + 11)), _BELOW
                end = at + QPointF(0, _TICK)
            ticks.append((self.pen(), at, end))
            texts.append((box, flags.value, f"{value:.6g}"))
        return (self.pen(), *line), ticks, texts


def ticks_between(low: float, high: float, most: float, *, whole: bool = False) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten from ``low`` to ``high`` (in any order).

    There are at most ``most`` intervals between them, one if it is below 1.
    """
    low, high = min(low, high), max(low, high)
    if not high > low:
        return []
    wanted = (high - low) / max(most, 1.0)
    power = 10.0 ** floor(log10(wanted))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= wanted)
    if whole:
        step = max(step, 1.0)
    return [step * n for n in range(ceil(low / step), floor(high / step) + 1)]
