"""Curves of the selected cells; a click on a curve's time goes to that frame."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from cellsam_desktop.ui.palette import colour_of
from cellsam_desktop.ui.panels.cell.series import Track
from cellsam_desktop.ui.theme import Theme, follow_theme, theme_of


class Curve(StrEnum):
    """What a plot shows."""

    AREA = "Area over time"
    POSITION = "x and y over time"
    PATH = "Path"


class CellPlot(pg.PlotWidget):
    """One plot. ``frame_asked`` is a click, ``redraws`` counts how often the curves were made."""

    frame_asked = Signal(int)

    def __init__(self, curve: Curve, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.redraws = 0
        self._curve = curve
        self._tracks: tuple[Track, ...] = ()
        self._unit = "px"
        self._t = 0
        self._items: list[pg.PlotDataItem] = []
        self._line = pg.InfiniteLine(angle=90, movable=False)
        self._dots = pg.ScatterPlotItem(size=8, pxMode=True)
        self.addItem(self._line, ignoreBounds=True)
        self.addItem(self._dots, ignoreBounds=True)
        self._line.setZValue(-1)
        self._quiet()
        follow_theme(self, self._use_theme)
        self.scene().sigMouseClicked.connect(self._on_click)

    @property
    def curve(self) -> Curve:
        """What is shown."""
        return self._curve

    def set_curve(self, curve: Curve) -> None:
        """Show something else of the same cells."""
        if curve != self._curve:
            self._curve = curve
            self._redraw()

    def set_tracks(self, tracks: Sequence[Track], unit: str) -> None:
        """Show these cells; ``unit`` is that of lengths, "px" or "µm"."""
        self._tracks, self._unit = tuple(tracks), unit
        self._redraw()

    def set_frame(self, t: int) -> None:
        """Mark the frame on screen; the curves stay as they are."""
        self._t = t
        self._mark()

    # -- drawing -----------------------------------------------------------------------------------

    def _quiet(self) -> None:
        self.setMenuEnabled(False)
        self.setMouseEnabled(x=False, y=False)
        self.hideButtons()
        self.setMinimumHeight(90)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(self.Shape.NoFrame)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.plotItem.setContentsMargins(2, 6, 8, 2)
        self.getAxis("bottom").enableAutoSIPrefix(False)
        self.getAxis("left").enableAutoSIPrefix(False)
        self.getAxis("left").setWidth(52)

    def _redraw(self) -> None:
        self.redraws += 1
        for item in self._items:
            self.removeItem(item)
        self._items.clear()
        for track in self._tracks:
            for x, y, dashed in self._lines(track):
                self._items.append(self._draw(track.cell_id, x, y, dashed))
        path = self._curve is Curve.PATH
        self.plotItem.invertY(path)
        self.plotItem.setAspectLocked(path)
        self._line.setVisible(not path)
        self._label()
        self.plotItem.enableAutoRange()
        self._mark()

    def _lines(self, track: Track) -> list[tuple[np.ndarray, np.ndarray, bool]]:
        frame = track.t + 1
        match self._curve:
            case Curve.AREA:
                return [(frame, track.area, False)]
            case Curve.POSITION:
                return [(frame, track.x, False), (frame, track.y, True)]
            case Curve.PATH:
                return [(track.x, track.y, False)]

    def _draw(self, cell_id: int, x: np.ndarray, y: np.ndarray, dashed: bool) -> pg.PlotDataItem:
        colour = self._ink(cell_id)
        style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
        alone = np.count_nonzero(np.isfinite(x)) == 1
        return self.plot(
            x, y, pen=pg.mkPen(colour, width=1.6, style=style), connect="finite", antialias=True,
            symbol="o" if alone else None, symbolSize=5, symbolBrush=colour, symbolPen=None,
        )  # fmt: skip

    def _ink(self, cell_id: int) -> QColor:
        """The cell's colour, darkened on light ground so that yellow stays readable."""
        colour = QColor(*colour_of(cell_id))
        if not theme_of(self).dark and colour.lightnessF() > 0.42:
            colour = QColor.fromHslF(max(colour.hslHueF(), 0.0), colour.hslSaturationF(), 0.42)
        return colour

    def _mark(self) -> None:
        self._line.setValue(self._t + 1)
        spots = []
        for track in self._tracks:
            here = np.flatnonzero(track.t == self._t)
            for x, y, _ in self._lines(track):
                spots += [{"pos": (x[i], y[i]), "brush": self._ink(track.cell_id)} for i in here]
        self._dots.setData(spots)

    def _label(self) -> None:
        style = {"color": theme_of(self).muted, "font-size": "8pt"}
        area = "px" if self._unit == "px" else "µm²"
        left, bottom = {
            Curve.AREA: (f"Area ({area})", ""),
            Curve.POSITION: (f"x ─   y ┄  ({self._unit})", "Frame"),
            Curve.PATH: (f"y ({self._unit})", f"x ({self._unit})"),
        }[self._curve]
        self.setLabel("left", left, **style)
        self.setLabel("bottom", bottom, **style)
        self.getAxis("bottom").showLabel(bool(bottom))
        self.getAxis("bottom").setHeight(32 if bottom else 18)

    def _use_theme(self, theme: Theme) -> None:
        self.setBackground(theme.plot)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(theme.border))
            axis.setTextPen(pg.mkPen(theme.muted))
        self._line.setPen(pg.mkPen(theme.accent, width=1))
        self._dots.setPen(pg.mkPen(theme.plot, width=1))
        self._redraw()

    # -- mouse -------------------------------------------------------------------------------------

    def _on_click(self, event: Any) -> None:
        place = self.plotItem.vb.mapSceneToView(event.scenePos())
        if event.button() == Qt.MouseButton.LeftButton and self._tracks:
            self.frame_asked.emit(self.frame_at(place.x(), place.y()))

    def frame_at(self, x: float, y: float) -> int:
        """The frame meant by a place in plot coordinates; on a path, that of the nearest point."""
        if self._curve is not Curve.PATH:
            return max(0, round(x) - 1)
        nearest, best = 0, np.inf
        for track in self._tracks:
            distances = (track.x - x) ** 2 + (track.y - y) ** 2
            i = int(np.nanargmin(distances))
            if distances[i] < best:
                nearest, best = int(track.t[i]), float(distances[i])
        return nearest
