"""The prompts of the draft: green plus and red minus points, and the box."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.ui.canvas.mask_items import cosmetic

POSITIVE = QColor("#2fbf71")
NEGATIVE = QColor("#e5484d")
BOX = QColor("#ffd166")
_GROUND = QColor(0, 0, 0, 150)
_RADIUS = 6.0


class PromptItem(QGraphicsItem):
    """Draws prompts at a constant size on screen."""

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self._prompts = Prompts()

    def show_prompts(self, prompts: Prompts) -> None:
        """Show these prompts and no others."""
        if prompts != self._prompts:
            self.prepareGeometryChange()
            self._prompts = prompts
            self.update()

    def boundingRect(self) -> QRectF:
        """The box of all prompts with room for the signs."""
        points, box = self._prompts.points, self._prompts.box
        xs = [p.x for p in points] + ([box.x0, box.x1] if box else [])
        ys = [p.y for p in points] + ([box.y0, box.y1] if box else [])
        if not xs:
            return QRectF()
        room = (_RADIUS + 3) / max(self.sceneTransform().m11(), 1e-6)
        around = QRectF(QPointF(min(xs), min(ys)), QPointF(max(xs), max(ys)))
        return around.adjusted(-room, -room, room, room)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the box, then the points."""
        if self._prompts.box is not None:
            draw_box(painter, self._prompts.box)
        to_screen = painter.worldTransform()
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for point in self._prompts.points:
            _draw_sign(painter, to_screen.map(QPointF(point.x, point.y)), point)
        painter.restore()


def draw_box(painter: QPainter, box: Box) -> None:
    """A box prompt, its corners at the pixels it names."""
    rect = QRectF(box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(cosmetic(_GROUND, 3.5))
    painter.drawRect(rect)
    painter.setPen(cosmetic(BOX, 1.5))
    painter.drawRect(rect)


def _draw_sign(painter: QPainter, centre: QPointF, point: Point) -> None:
    painter.setPen(QPen(QColor(255, 255, 255, 235), 1.5))
    painter.setBrush(POSITIVE if point.positive else NEGATIVE)
    painter.drawEllipse(centre, _RADIUS, _RADIUS)
    painter.setPen(QPen(QColor("white"), 1.8, c=Qt.PenCapStyle.RoundCap))
    arm = _RADIUS / 2
    painter.drawLine(centre - QPointF(arm, 0), centre + QPointF(arm, 0))
    if point.positive:
        painter.drawLine(centre - QPointF(0, arm), centre + QPointF(0, arm))
