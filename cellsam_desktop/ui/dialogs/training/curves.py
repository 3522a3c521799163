"""Curves over the time of training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from cellsam_desktop.core.smoothing import smoothed
from cellsam_desktop.ui.panels.cell.axis import PlotAxis
from cellsam_desktop.ui.theme import Theme, follow_theme

_NEWEST = 0.05
"""How much the newest loss counts in the smoothed one."""


class TimeCurve(pg.PlotWidget):
    """One quantity over minutes; ``dots`` marks each value, ``smooth`` draws a calm line over a noisy one.

    A dashed line stands at what the quantity was before.
    """

    def __init__(
        self, title: str, *, dots: bool = False, smooth: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent, axisItems={"left": PlotAxis("left"), "bottom": PlotAxis("bottom")})
        self._title, self._dots, self._smooth = title, dots, smooth
        self.curve = pg.PlotCurveItem(antialias=True)
        self.calm = pg.PlotCurveItem(antialias=True)
        self.spots = pg.ScatterPlotItem(size=6, pen=None)
        self.before = pg.InfiniteLine(angle=0, movable=False)
        self.before.hide()
        for item in (self.before, self.curve, self.calm, self.spots):
            self.addItem(item, ignoreBounds=True)
        self.setMenuEnabled(False)
        self.setMouseEnabled(x=False, y=False)
        self.hideButtons()
        self.disableAutoRange()
        self.setMinimumSize(240, 150)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(self.Shape.NoFrame)
        self.setAccessibleName(title)
        self.plotItem.setContentsMargins(2, 6, 10, 2)
        self.getAxis("left").setWidth(64)
        follow_theme(self, self._use_theme)

    def show_values(self, values: Sequence[tuple[float, float]], before: float | None = None) -> None:
        """Draw (seconds, value) pairs, and a line where ``before`` lies."""
        pairs = np.array(values, np.float64).reshape(-1, 2)
        minutes, heights = pairs[:, 0] / 60, pairs[:, 1]
        self.curve.setData(minutes, heights)
        self.calm.setData(minutes, smoothed(heights.tolist(), _NEWEST)) if self._smooth else None
        self.spots.setData(minutes, heights) if self._dots else None
        self.before.setVisible(before is not None)
        if before is not None:
            self.before.setValue(before)
            heights = np.append(heights, before)
        if heights.size:
            low, high = float(heights.min()), float(heights.max())
            margin = max(0.02, 0.08 * (high - low))
            last = float(minutes.max()) if minutes.size else 0.0
            self.plotItem.vb.setRange(
                xRange=(0, max(last, 0.1)), yRange=(low - margin, high + margin), padding=0.02
            )

    def _use_theme(self, theme: Theme) -> None:
        self.setBackground(theme.plot)
        style = {"color": theme.muted, "font-size": "8pt"}
        for side, text in (("left", self._title), ("bottom", "Minutes")):
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(theme.border))
            axis.setTextPen(pg.mkPen(theme.muted))
            self.setLabel(side, text, **style)
        noisy = theme.colour("accent", 0.35) if self._smooth else theme.colour("accent")
        self.curve.setPen(pg.mkPen(noisy, width=1.2 if self._smooth else 1.8))
        self.calm.setPen(pg.mkPen(theme.accent, width=1.8))
        self.spots.setBrush(pg.mkBrush(theme.accent))
        self.before.setPen(pg.mkPen(theme.muted, width=1.2, style=Qt.PenStyle.DashLine))
