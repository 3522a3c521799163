"""Curves of the selected cells; a click on a curve's time goes to that frame."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import QWidget

from cellsam_desktop.core.records import Calibration
from cellsam_desktop.curation.curves import Values
from cellsam_desktop.ui.palette import line_colour
from cellsam_desktop.ui.panels.cell.axis import PlotAxis
from cellsam_desktop.ui.panels.cell.series import Curve, Numbers, Track
from cellsam_desktop.ui.theme import Theme, follow_theme, theme_of


class Outdated(IntEnum):
    """What of a plot has to be drawn again; curves take the mark of the frame along."""

    NOTHING = 0
    MARK = 1
    CURVES = 2


Line = tuple[Track, Numbers, Numbers, bool]
"""A track, abscissa and ordinate of its line, and whether the line is dashed."""


class CellPlot(pg.PlotWidget):
    """One plot. ``frame_asked`` is a click, ``redraws`` counts how often the curves were made.

    What it shall show is drawn in an event of its own, once for all that was asked meanwhile, and only while
    it can be seen: the plots must not add up with what else a key or a click sets off. Curves are kept and
    given other data, and the range is set once per drawing, for the same reason.
    """

    frame_asked = Signal(int)

    def __init__(self, curve: Curve, parent: QWidget | None = None) -> None:
        self._bottom = PlotAxis("bottom")
        super().__init__(parent, axisItems={"left": PlotAxis("left"), "bottom": self._bottom})
        self.redraws = 0
        self._outdated = Outdated.NOTHING
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._draw)
        self._curve = curve
        self._tracks: tuple[Track, ...] = ()
        self._scale = Calibration()
        self._values: Values = {}
        self._t = 0
        self._labels = ("", "")
        self._curves: list[pg.PlotCurveItem] = []
        self._line = pg.InfiniteLine(angle=90, movable=False)
        self._lone = pg.ScatterPlotItem(size=5, pen=None)
        self._dots = pg.ScatterPlotItem(size=8)
        for item in (self._line, self._lone, self._dots):
            self.addItem(item, ignoreBounds=True)
        self._line.setZValue(-1)
        self._dots.setZValue(1)
        self._quiet()
        follow_theme(self, self._use_theme)
        self.scene().sigMouseClicked.connect(self._on_click)

    def set_curve(self, curve: Curve) -> None:
        """Show something else of the same cells."""
        if curve != self._curve:
            self._curve = curve
            self._ask(Outdated.CURVES)

    def set_tracks(self, tracks: Sequence[Track], scale: Calibration) -> None:
        """Show these cells; ``scale`` gives the units."""
        self._tracks, self._scale = tuple(tracks), scale
        self._ask(Outdated.CURVES)

    def set_values(self, values: Values) -> None:
        """What was measured in the background, for curves that need it."""
        self._values = values
        self._ask(Outdated.CURVES)

    def set_frame(self, t: int) -> None:
        """Mark the frame on screen; the curves stay as they are."""
        self._t = t
        self._ask(Outdated.MARK)

    # -- drawing -----------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what changed while the plot was hidden."""
        super().showEvent(event)
        self._ask(Outdated.NOTHING)

    def _ask(self, part: Outdated) -> None:
        self._outdated = max(self._outdated, part)
        if self._outdated and self.isVisible():
            self._soon.start()

    def _draw(self) -> None:
        outdated, self._outdated = self._outdated, Outdated.NOTHING
        if outdated is Outdated.CURVES:
            self._redraw()
        elif outdated is Outdated.MARK:
            self._mark()

    def _quiet(self) -> None:
        self.setMenuEnabled(False)
        self.setMouseEnabled(x=False, y=False)
        self.hideButtons()
        self.disableAutoRange()
        self.setMinimumHeight(72)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(self.Shape.NoFrame)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.plotItem.setContentsMargins(2, 6, 8, 2)
        self.getAxis("left").setWidth(52)
        for side in ("top", "right"):  # never shown, but they would follow every change of range
            self.getAxis(side).unlinkFromView()

    def _redraw(self) -> None:
        self.redraws += 1
        lines = [line for track in self._tracks for line in self._lines(track)]
        while len(self._curves) < len(lines):
            self._curves.append(pg.PlotCurveItem(connect="finite", antialias=True))
            self.addItem(self._curves[-1], ignoreBounds=True)
        for item, (track, x, y, dashed) in zip(self._curves, lines, strict=False):
            style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
            item.setData(x, y, pen=pg.mkPen(self._ink(track.cell_id), width=1.6, style=style))
            item.show()
        for item in self._curves[len(lines) :]:
            item.hide()
        self._lone.setData([spot for line in lines if line[0].t.size == 1 for spot in self._spots(line, 0)])
        path = self._curve is Curve.PATH
        self.plotItem.invertY(path)
        self.plotItem.setAspectLocked(path)
        self._line.setVisible(not path)
        self._show_range(lines)
        self._label()
        self._mark()

    def _lines(self, track: Track) -> list[Line]:
        frame = track.t + 1
        match self._curve:
            case Curve.POSITION:
                return [(track, frame, track.x, False), (track, frame, track.y, True)]
            case Curve.PATH:
                return [(track, track.x, track.y, False)]
            case Curve.AREA:
                values = track.area
            case Curve.SPEED:
                values = track.speed
            case Curve.DISPLACEMENT:
                values = track.displacement
            case _:
                values = self._slow_values(track)
        return [(track, frame, values, False)]

    def _slow_values(self, track: Track) -> Numbers:
        """NaN where nothing was measured, or not yet."""
        known = self._values.get(track.cell_id, {})
        size = (self._scale.pixel_size_um or 1.0) if self._curve is Curve.PERIMETER else 1.0
        return np.array([known.get(t, np.nan) for t in track.t.tolist()], np.float64) * size

    def _show_range(self, lines: Sequence[Line]) -> None:
        x, y = (np.concatenate([*(line[part] for line in lines), np.zeros(0)]) for part in (1, 2))
        shown = np.isfinite(x) & np.isfinite(y)
        if shown.any():
            (x0, x1), (y0, y1) = (_wide(values[shown].min(), values[shown].max()) for values in (x, y))
            self.plotItem.vb.setRange(xRange=(x0, x1), yRange=(y0, y1), padding=0.06)

    def _ink(self, cell_id: int) -> QColor:
        """The cell's colour, darkened on light ground."""
        return QColor(*line_colour(cell_id, dark=theme_of(self).dark))

    def _spots(self, line: Line, i: int) -> list[dict[str, Any]]:
        track, x, y, _ = line
        if not np.isfinite(y[i]):
            return []
        return [{"pos": (x[i], y[i]), "brush": self._ink(track.cell_id)}]

    def _mark(self) -> None:
        self._line.setValue(self._t + 1)
        lines = [line for track in self._tracks for line in self._lines(track)]
        here = [(line, i) for line in lines for i in np.flatnonzero(line[0].t == self._t)]
        self._dots.setData([spot for line, i in here for spot in self._spots(line, int(i))])

    def _label(self) -> None:
        labels = _titles(self._curve, self._scale)
        if labels == self._labels:
            return
        self._labels = labels
        self._bottom.whole = self._curve is not Curve.PATH
        style = {"color": theme_of(self).muted, "font-size": "8pt"}
        for side, text in zip(("left", "bottom"), labels, strict=True):
            self.setLabel(side, text, **style)
        self.getAxis("bottom").showLabel(bool(labels[1]))
        self.getAxis("bottom").setHeight(32 if labels[1] else 18)

    def _use_theme(self, theme: Theme) -> None:
        self.setBackground(theme.plot)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(theme.border))
            axis.setTextPen(pg.mkPen(theme.muted))
        self._line.setPen(pg.mkPen(theme.accent, width=1))
        self._dots.setPen(pg.mkPen(theme.plot, width=1))
        self._labels = ("", "")
        self._ask(Outdated.CURVES)

    # -- mouse -------------------------------------------------------------------------------------

    def _on_click(self, event: Any) -> None:
        place = self.plotItem.vb.mapSceneToView(event.scenePos())
        if event.button() == Qt.MouseButton.LeftButton and self._tracks:
            self.frame_asked.emit(self.frame_at(place.x(), place.y()))

    def frame_at(self, x: float, y: float) -> int:
        """The frame meant by a place in plot coordinates; on a path, that of the nearest point."""
        if self._curve is not Curve.PATH:
            return max(0, round(x) - 1)
        tracks = [track for track in self._tracks if track.t.size]
        distances = np.concatenate([(track.x - x) ** 2 + (track.y - y) ** 2 for track in tracks])
        return int(np.concatenate([track.t for track in tracks])[np.nanargmin(distances)])


def _titles(curve: Curve, scale: Calibration) -> tuple[str, str]:
    """What stands beside the left and the bottom axis."""
    length, area = ("px", "px") if scale.pixel_size_um is None else ("µm", "µm²")
    time = "frame" if scale.frame_interval_s is None else "min"
    return {
        Curve.AREA: (f"Area ({area})", ""),
        Curve.SPEED: (f"Speed ({length}/{time})", "Frame"),
        Curve.DISPLACEMENT: (f"Displacement ({length})", "Frame"),
        Curve.POSITION: (f"x─ y┄ ({length})", "Frame"),
        Curve.PATH: (f"y ({length})", f"x ({length})"),
        Curve.PERIMETER: (f"Perimeter ({length})", "Frame"),
        Curve.ECCENTRICITY: ("Eccentricity", "Frame"),
        Curve.NEIGHBOURS: ("Neighbours", "Frame"),
        Curve.INTENSITY: ("Mean intensity", "Frame"),
    }[curve]


def _wide(low: float, high: float) -> tuple[float, float]:
    """A range that is not empty."""
    return (low, high) if high > low else (low - 1, high + 1)
