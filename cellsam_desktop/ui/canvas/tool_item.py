"""What the hand is doing: the brush's circle, and the box, stroke or lasso being drawn."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from cellsam_desktop.curation.tools import BoxPreview, LinkPreview, PathPreview, Preview
from cellsam_desktop.curation.view_state import Tool
from cellsam_desktop.ui.canvas.mask_items import cosmetic
from cellsam_desktop.ui.canvas.prompt_item import NEGATIVE, draw_box

_PAINT = QColor(255, 255, 255)
_GROUND = QColor(0, 0, 0, 140)


class PreviewItem(QGraphicsItem):
    """Draws ``ToolController.preview``."""

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self._preview: Preview | None = None
        self._rect = QRectF()

    def show_preview(self, preview: Preview | None) -> None:
        """Show what is being dragged, or nothing."""
        if preview is self._preview:
            return
        self.prepareGeometryChange()
        self._preview, self._rect = preview, _rect_of(preview)
        self.update()

    def boundingRect(self) -> QRectF:
        """The drawing with room for its lines."""
        if self._preview is None:
            return QRectF()
        room = 4 / max(self.sceneTransform().m11(), 1e-6)
        return self._rect.adjusted(-room, -room, room, room)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the box, the stroke or the lasso."""
        preview = self._preview
        if isinstance(preview, BoxPreview):
            draw_box(painter, preview.box)
        elif isinstance(preview, PathPreview) and preview.tool is Tool.LASSO:
            _draw_lasso(painter, preview)
        elif isinstance(preview, PathPreview):
            _draw_stroke(painter, preview)
        elif isinstance(preview, LinkPreview):
            _draw_link(painter, preview)


class BrushItem(QGraphicsItem):
    """The circle at the mouse that shows the size of brush and eraser."""

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self._radius: float | None = None

    def show_circle(self, centre: QPointF | None, radius: float | None) -> None:
        """Show a circle of ``radius`` plane pixels, or with None nothing."""
        if radius != self._radius:
            self.prepareGeometryChange()
            self._radius = radius
        self.setVisible(centre is not None and radius is not None)
        if centre is not None:
            self.setPos(centre)

    def boundingRect(self) -> QRectF:
        """The circle with room for its line."""
        radius = (self._radius or 0.0) + 3 / max(self.sceneTransform().m11(), 1e-6)
        return QRectF(-radius, -radius, 2 * radius, 2 * radius)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw a light circle on a dark one."""
        if self._radius is None:
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((_GROUND, 3.0), (_PAINT, 1.2)):
            painter.setPen(cosmetic(colour, width))
            painter.drawEllipse(QPointF(), self._radius, self._radius)


def _rect_of(preview: Preview | None) -> QRectF:
    if preview is None:
        return QRectF()
    if isinstance(preview, BoxPreview):
        box = preview.box
        return QRectF(box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0)
    if isinstance(preview, LinkPreview):
        return QRectF(QPointF(*preview.start), QPointF(*preview.end)).normalized()
    rect = _polygon(preview.points).boundingRect()
    radius = 0.0 if preview.tool is Tool.LASSO else preview.radius
    return rect.adjusted(-radius, -radius, radius, radius)


def _polygon(points: Sequence[tuple[float, float]]) -> QPolygonF:
    return QPolygonF([QPointF(x, y) for x, y in points])


def _draw_lasso(painter: QPainter, preview: PathPreview) -> None:
    colour = NEGATIVE if preview.erase else _PAINT
    fill = QColor(colour)
    fill.setAlpha(45)
    polygon = _polygon(preview.points)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    painter.drawPolygon(polygon)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for line, width in ((_GROUND, 3.5), (colour, 1.5)):
        painter.setPen(cosmetic(line, width))
        painter.drawPolyline(polygon)


def _draw_stroke(painter: QPainter, preview: PathPreview) -> None:
    colour = QColor(NEGATIVE if preview.erase else _PAINT)
    colour.setAlpha(95)
    pen = QPen(colour, 2 * preview.radius)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    path = QPainterPath()
    path.addPolygon(_polygon(preview.points))
    if len(preview.points) == 1:
        path.lineTo(QPointF(*preview.points[0]) + QPointF(1e-3, 0))
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(path)


def _draw_link(painter: QPainter, preview: LinkPreview) -> None:
    """A line with a dot at the mother's end."""
    for colour, width in ((_GROUND, 3.5), (_PAINT, 1.5)):
        pen = cosmetic(colour, width)
        painter.setPen(pen)
        painter.drawLine(QPointF(*preview.start), QPointF(*preview.end))
        pen.setWidthF(width + 5)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPoint(QPointF(*preview.start))
