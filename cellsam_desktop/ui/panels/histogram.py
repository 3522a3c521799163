"""The histogram of a plane with the range that is shown: loaded with pyqtgraph, when it is first seen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal

from cellsam_desktop.ui.theme import Theme, follow_theme


class HistogramPlot(pg.PlotWidget):
    """Counts on a logarithmic scale, and a region with two edges to drag.

    ``dragged`` gives low and high, and whether the mouse let go.
    """

    dragged = Signal(float, float, bool)

    def __init__(self) -> None:
        super().__init__()
        self.region = pg.LinearRegionItem(movable=True, swapMode="block")
        self.curve = pg.PlotCurveItem()
        self.setMenuEnabled(False)
        self.setMouseEnabled(x=False, y=False)
        self.hideButtons()
        self.hideAxis("left")
        self.setMinimumHeight(90)
        self.setFrameShape(self.Shape.NoFrame)
        self.getAxis("bottom").enableAutoSIPrefix(False)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.addItem(self.curve)
        self.addItem(self.region)
        self.region.sigRegionChanged.connect(lambda: self._tell(False))
        self.region.sigRegionChangeFinished.connect(lambda: self._tell(True))
        follow_theme(self, self._use_theme)

    def show_range(self, low: float, high: float) -> None:
        """Put the edges there, without a signal."""
        if tuple(self.region.getRegion()) != (low, high):
            self.region.blockSignals(True)
            self.region.setRegion((low, high))
            self.region.blockSignals(False)

    def show_counts(
        self, counts: npt.NDArray[np.int64], edges: npt.NDArray[np.float64], low: float, high: float
    ) -> None:
        """Draw ``counts`` (N,) between ``edges`` (N + 1,), with room for a range from ``low`` to ``high``."""
        heights = np.log1p(counts)
        self.curve.setData(edges, heights, stepMode="center", fillLevel=0)
        low, high = min(float(edges[0]), low), max(float(edges[-1]), high)
        self.region.setBounds((low, high))
        self.setXRange(low, high, padding=0.03)
        self.setYRange(0, max(1.0, float(heights.max())), padding=0.05)

    def show_nothing(self) -> None:
        """There is no plane."""
        self.curve.setData([0.0], [], stepMode="center")

    def _tell(self, final: bool) -> None:
        low, high = self.region.getRegion()
        self.dragged.emit(float(low), float(high), final)

    def _use_theme(self, theme: Theme) -> None:
        self.setBackground(theme.plot)
        axis = self.getAxis("bottom")
        axis.setPen(pg.mkPen(theme.border))
        axis.setTextPen(pg.mkPen(theme.muted))
        self.curve.setPen(None)
        self.curve.setBrush(pg.mkBrush(theme.colour("muted", 0.55)))
        self.region.setBrush(pg.mkBrush(theme.colour("accent", 0.10)))
        self.region.setHoverBrush(pg.mkBrush(theme.colour("accent", 0.16)))
        for line in self.region.lines:
            line.setPen(pg.mkPen(theme.accent, width=1.5))
            line.setHoverPen(pg.mkPen(theme.accent, width=3))
