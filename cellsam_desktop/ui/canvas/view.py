"""The window onto a plane: which part of it is seen, and the mapping between widget and plane pixels.

Pixel centres lie at integers: pixel (0, 0) covers -0.5 to 0.5 in both directions. Why this is a plain
``QGraphicsView`` says docs/decisions/0140-canvas.md.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QResizeEvent, QTransform
from PySide6.QtWidgets import QFrame, QGraphicsItem, QGraphicsRectItem, QGraphicsScene, QGraphicsView, QWidget

MARGIN = 0.04
"""Part of the widget left free on each side when the whole plane is shown."""

NEAREST = 64.0
"""Greatest magnification, screen pixels per plane pixel."""


class PlaneView(QGraphicsView):
    """Shows items placed in plane pixels under ``root``; zooms and pans with the aspect locked.

    ``range_changed`` is emitted when another part of the plane is seen.
    """

    range_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plane = QRectF(-0.5, -0.5, 1.0, 1.0)
        self._zoom = 1.0
        self._corner = QPointF(-0.5, -0.5)
        self._fitted = True
        scene = QGraphicsScene(self)
        scene.setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)
        self.setScene(scene)
        self.root = QGraphicsRectItem()
        self.root.setFlag(QGraphicsItem.GraphicsItemFlag.ItemHasNoContents)
        scene.addItem(self.root)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.MinimalViewportUpdate)
        self.setOptimizationFlag(QGraphicsView.OptimizationFlag.DontSavePainterState)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)

    # -- what is seen ------------------------------------------------------------------------------

    @property
    def zoom(self) -> float:
        """Screen pixels (device-independent) per plane pixel."""
        return self._zoom

    @property
    def fitted(self) -> bool:
        """Whether the whole plane is shown and stays so when the widget's size changes."""
        return self._fitted

    @property
    def visible(self) -> QRectF:
        """What fills the widget, in plane pixels; it may reach beyond the plane."""
        width, height = self.width() / self._zoom, self.height() / self._zoom
        return QRectF(self._corner.x(), self._corner.y(), width, height)

    def set_plane_size(self, width: int, height: int) -> None:
        """Say how large the plane is."""
        self._plane = QRectF(-0.5, -0.5, max(width, 1), max(height, 1))

    def fit(self) -> None:
        """Show the whole plane with a small margin."""
        self._show(self._plane, MARGIN)
        self._fitted = True

    def set_visible(self, rect: QRectF) -> None:
        """Show at least this rectangle of the plane, in its middle."""
        self._show(rect, 0.0)

    def centre_on(self, point: QPointF) -> None:
        """Put a point of the plane into the middle, at the same zoom."""
        self._place(self._zoom, point - QPointF(self.width(), self.height()) / (2 * self._zoom))

    def zoom_at(self, position: QPointF, factor: float) -> None:
        """Zoom by ``factor``; the plane pixel under ``position`` (widget coordinates) stays where it is."""
        zoom = min(max(self._zoom * factor, self._smallest_zoom()), NEAREST)
        fixed = self.to_plane(position)
        self._place(zoom, fixed - position / zoom)

    def pan_by(self, offset: QPointF) -> None:
        """Move the plane by ``offset`` widget pixels."""
        self._place(self._zoom, self._corner - offset / self._zoom)

    # -- mapping -----------------------------------------------------------------------------------

    def to_plane(self, position: QPointF) -> QPointF:
        """Plane pixels of a widget position."""
        return self._corner + position / self._zoom

    def from_plane(self, point: QPointF) -> QPointF:
        """Widget position of a point of the plane."""
        return (point - self._corner) * self._zoom

    # -- inside ------------------------------------------------------------------------------------

    def set_ground(self, colour: QColor) -> None:
        """Colour behind the plane."""
        self.setBackgroundBrush(colour)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the middle in the middle, or the whole plane in view if it was."""
        super().resizeEvent(event)
        self.setSceneRect(0, 0, self.width(), self.height())
        if self._fitted:
            self.fit()
            return
        change = event.size() - event.oldSize() if event.oldSize().isValid() else event.size()
        self._place(self._zoom, self._corner - QPointF(change.width(), change.height()) / (2 * self._zoom))

    def _show(self, rect: QRectF, margin: float) -> None:
        width = max(self.width() * (1 - 2 * margin), 1.0)
        height = max(self.height() * (1 - 2 * margin), 1.0)
        zoom = min(width / max(rect.width(), 1e-9), height / max(rect.height(), 1e-9), NEAREST)
        self._place(zoom, rect.center() - QPointF(self.width(), self.height()) / (2 * zoom))

    def _smallest_zoom(self) -> float:
        fitting = min(self.width() / self._plane.width(), self.height() / self._plane.height())
        return min(fitting / 2, 1.0)

    def _place(self, zoom: float, corner: QPointF) -> None:
        self._fitted = False
        self._zoom = zoom
        self._corner = self._kept_in_reach(corner)
        shift = -self._corner * zoom
        self.root.setTransform(QTransform(zoom, 0, 0, zoom, shift.x(), shift.y()))
        self.range_changed.emit()

    def _kept_in_reach(self, corner: QPointF) -> QPointF:
        """The middle of the widget always lies on the plane, so that it cannot get lost."""
        half = QPointF(self.width(), self.height()) / (2 * self._zoom)
        middle, plane = corner + half, self._plane
        x = min(max(middle.x(), plane.left()), plane.right())
        y = min(max(middle.y(), plane.top()), plane.bottom())
        return QPointF(x, y) - half
