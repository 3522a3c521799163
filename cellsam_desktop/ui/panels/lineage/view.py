"""The drawing of the lineage: time runs downwards, as in Sulston's; zoom, pan, point, select."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QToolTip

from cellsam_desktop.analysis.forest import NO_FOREST, Forest, Indices
from cellsam_desktop.ui.panels.cell.axis import PlotAxis
from cellsam_desktop.ui.panels.lineage.drawing import Ink, Window
from cellsam_desktop.ui.panels.lineage.items import ForestItem, SelectedItem
from cellsam_desktop.ui.theme import Theme, follow_theme, theme_of

_REACH = 6.0
"""The mouse points at a branch up to so many pixels away."""
_SIDES = 1.0
"""Columns left free at the sides."""
_CLOSEST = (3.0, 4.0)
"""No fewer columns and frames than these fill the view."""
_ARROWS = {Qt.Key.Key_Up: "mother", Qt.Key.Key_Down: "daughter", Qt.Key.Key_Left: "left",
           Qt.Key.Key_Right: "right"}  # fmt: skip


class LineageBox(pg.ViewBox):
    """Drag to move, wheel to zoom, Shift and drag for a rubber band: ``banded`` gives its rectangle."""

    banded = Signal(QRectF)

    def __init__(self) -> None:
        super().__init__(invertY=True, enableMenu=False)
        self.setMouseMode(self.PanMode)

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        """The hook of pyqtgraph."""
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if not shift or event.button() != Qt.MouseButton.LeftButton or axis is not None:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        start, end = event.buttonDownPos(event.button()), event.pos()
        if event.isFinish():
            self.rbScaleBox.hide()
            self.banded.emit(self.childGroup.mapRectFromParent(QRectF(start, end)).normalized())
        else:
            self.updateScaleBox(start, end)


class LineageView(pg.PlotWidget):
    """Shows a forest. ``pointed`` is a click or an arrow key: a cell (0 for none), a frame, and whether to
    add it to the selection; ``banded`` the cells within a rubber band. While ``fitted`` all stays in view.

    ``describe`` and ``title`` give the words of a cell for the tool tip and for the drawing.
    """

    pointed = Signal(int, int, bool)
    banded = Signal(list)

    def __init__(self, title: Callable[[int], str], describe: Callable[[int], str]) -> None:
        self.box = LineageBox()
        left = PlotAxis("left")
        left.whole = True
        super().__init__(viewBox=self.box, axisItems={"left": left})
        self._describe = describe
        self.forest: Forest = NO_FOREST
        self._selected: Indices = np.zeros(0, np.intp)
        self._frames = 1
        self._t = 0
        self.fitted = True
        self.branches = ForestItem(self.seen, title)
        self.marked = SelectedItem(self.seen)
        self.line = pg.InfiniteLine(angle=0, movable=False)
        for item in (self.branches, self.line, self.marked):
            self.addItem(item, ignoreBounds=True)
        self._quiet()
        follow_theme(self, self._use_theme)
        self.box.banded.connect(self._on_band)
        self.box.sigRangeChanged.connect(self._on_range)
        self.box.sigRangeChangedManually.connect(self._unfit)
        self.scene().sigMouseClicked.connect(self._on_click)

    def _quiet(self) -> None:
        self.hideButtons()
        self.hideAxis("bottom")
        self.disableAutoRange()
        self.setFrameShape(self.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMouseTracking(True)
        self.setMinimumHeight(120)
        self.setAccessibleName("Lineage")
        self.plotItem.setContentsMargins(2, 4, 4, 4)
        self.getAxis("left").setWidth(36)
        for side in ("top", "right"):
            self.getAxis(side).unlinkFromView()

    # -- what is shown -----------------------------------------------------------------------------

    def show_forest(self, forest: Forest, frames: int, ink: Ink) -> None:
        """Show a forest in a movie of so many frames."""
        other = forest.width != self.forest.width or frames != self._frames
        self.forest, self._frames = forest, frames
        self.show_ink(ink)
        if other:
            self._limit()
            if self.fitted:
                self.fit()

    def show_ink(self, ink: Ink) -> None:
        """Show the same cells in other colours."""
        self.branches.show_forest(self.forest, ink, theme_of(self).colour("muted"))

    def show_selected(self, cell_ids: tuple[int, ...]) -> None:
        """Mark these cells; the last of them comes into view."""
        self._selected = self.forest.indices(cell_ids)
        self.marked.show_cells(self.forest, self._selected, theme_of(self).colour("text"))
        if self._selected.size:
            self._reveal(int(self._selected[-1]))

    def show_frame(self, t: int) -> None:
        """Mark the frame on screen; only the line moves."""
        self._t = t
        self.line.setValue(t + 1)

    # -- what is in view ---------------------------------------------------------------------------

    @property
    def whole(self) -> QRectF:
        """All columns and frames."""
        return QRectF(-_SIDES, 0.4, max(self.forest.width - 1, 0) + 2 * _SIDES, self._frames + 0.4)

    def seen(self) -> Window:
        """The part in view, in pixels of this screen."""
        rect, ratio = self.box.viewRect(), self.devicePixelRatioF()
        place = self.box.sceneBoundingRect()
        width, height = (max(1, round(side * ratio)) for side in (place.width(), place.height()))
        return Window(rect.left(), rect.right(), rect.top(), rect.bottom(), width, height, ratio)

    def fit(self) -> None:
        """Show everything."""
        self.fitted = True
        self.box.setRange(self.whole, padding=0)

    def _unfit(self) -> None:
        self.fitted = False

    def frame_family(self, index: int) -> None:
        """Bring a cell and all its descendants into view."""
        self.fitted = False
        family, forest = self.forest.offspring(index), self.forest
        top, bottom = forest.first[family].min() + 0.5, forest.last[family].max() + 1.5
        left, leaves = forest.left[index], forest.leaves[index]
        sides = max(0.0, _CLOSEST[0] - leaves) / 2 + 0.5
        self.box.setRange(
            xRange=(left - sides, left + leaves - 1 + sides), yRange=(top - 1, bottom + 1), padding=0.02
        )

    def _reveal(self, index: int) -> None:
        """Move, without zooming, until a cell is in view."""
        seen, x = self.box.viewRect(), float(self.forest.columns[index])
        first, last = self.forest.first[index] + 0.5, self.forest.last[index] + 1.5
        across = 0.0 if seen.left() <= x <= seen.right() else x - seen.center().x()
        along = 0.0
        if last < seen.top() or first > seen.bottom():
            along = float(first + last) / 2 - seen.center().y()
        if across or along:
            self.box.translateBy(x=across, y=along)

    def _limit(self) -> None:
        whole = self.whole
        self.box.setLimits(
            xMin=whole.left(), xMax=whole.right(), yMin=whole.top(), yMax=whole.bottom(),
            minXRange=min(_CLOSEST[0], whole.width()), minYRange=min(_CLOSEST[1], whole.height()),
        )  # fmt: skip

    def _on_range(self) -> None:
        self.marked.show_cells(self.forest, self._selected, theme_of(self).colour("text"))
        self.branches.update()

    def _use_theme(self, theme: Theme) -> None:
        self.setBackground(theme.plot)
        axis = self.getAxis("left")
        axis.setPen(pg.mkPen(theme.border))
        axis.setTextPen(pg.mkPen(theme.muted))
        self.line.setPen(pg.mkPen(theme.accent, width=1.5))
        self.box.rbScaleBox.setPen(pg.mkPen(theme.accent))
        self.box.rbScaleBox.setBrush(pg.mkBrush(theme.colour("accent", 0.15)))
        self._on_range()

    # -- mouse and keys ----------------------------------------------------------------------------

    def cell_at(self, place: QPointF) -> tuple[int | None, int]:
        """The cell drawn near a place of the widget (its index, None for none), and the frame there."""
        at = self.box.mapSceneToView(self.mapToScene(place.toPoint()))
        t = min(max(round(at.y()) - 1, 0), self._frames - 1)
        reach = _REACH * self.devicePixelRatioF() / self.seen().per_column
        return self.forest.nearest(at.x(), at.y() - 1, max(reach, 0.3)), t

    def _on_click(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not len(self.forest):
            return
        place = self.mapFromScene(event.scenePos())
        cell, t = self.cell_at(QPointF(place))
        if event.double():
            if cell is None:
                self.fit()
            else:
                self.frame_family(cell)
            return
        add = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self.pointed.emit(0 if cell is None else int(self.forest.ids[cell]), t, add)

    def _on_band(self, rect: QRectF) -> None:
        forest = self.forest
        inside = (forest.columns >= rect.left()) & (forest.columns <= rect.right())
        inside &= (forest.last + 1.5 >= rect.top()) & (forest.first + 0.5 <= rect.bottom())
        self.banded.emit(forest.ids[inside].tolist())

    def viewportEvent(self, event: QEvent) -> bool:
        """Tell about the cell under the mouse in a tool tip."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            cell, _ = self.cell_at(QPointF(event.pos()))
            text = "" if cell is None else self._describe(int(self.forest.ids[cell]))
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return bool(super().viewportEvent(event))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """A hand where a click would select."""
        super().mouseMoveEvent(event)
        if event.buttons() == Qt.MouseButton.NoButton and len(self.forest):
            over = self.cell_at(event.position())[0] is not None
            self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def event(self, event: QEvent) -> bool:
        """The arrow keys belong to the lineage while it has the keyboard."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and self._arrow(event) is not None
        ):
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """To the mother, the first daughter, or the next cell beside."""
        way = self._arrow(event)
        if way is None:
            super().keyPressEvent(event)
            return
        cell = self._neighbour(int(self._selected[-1]), way) if self._selected.size else None
        if cell is not None:
            t = min(max(self._t, int(self.forest.first[cell])), int(self.forest.last[cell]))
            self.pointed.emit(int(self.forest.ids[cell]), t, False)

    def _arrow(self, event: QKeyEvent) -> str | None:
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        return _ARROWS.get(Qt.Key(event.key())) if plain else None

    def _neighbour(self, cell: int, way: str) -> int | None:
        forest = self.forest
        if way in ("mother", "daughter"):
            other = int(forest.mother[cell] if way == "mother" else forest.daughters[cell].max())
            if way == "daughter" and forest.daughters[cell, 0] >= 0:
                other = int(forest.daughters[cell, 0])
            return other if other >= 0 else None
        t = min(max(self._t, int(forest.first[cell])), int(forest.last[cell]))
        return forest.beside(cell, t, 1 if way == "right" else -1)
