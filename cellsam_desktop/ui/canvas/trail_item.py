"""The recent path of each cell's centroid, drawn behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from cellsam_desktop.ui.canvas.mask_items import cosmetic
from cellsam_desktop.ui.palette import colour_of

Steps = Sequence[tuple[int, float, float]]
"""(frame, x, y) in order of time."""

_GROUND = QColor(0, 0, 0, 90)
_DOT = 2.2


class TrailItem(QGraphicsItem):
    """All paths of a frame: one dark ground, and one line and one dot per cell over it."""

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self._lines: list[tuple[QColor, QPainterPath, QPointF]] = []
        self._ground = QPainterPath()
        self.rebuilds = 0

    def show_trails(self, trails: Iterable[tuple[int, Steps]]) -> None:
        """Show these cells' paths, each up to the frame on screen."""
        self.prepareGeometryChange()
        self._lines, self._ground = [], QPainterPath()
        for cell_id, steps in trails:
            path = QPainterPath(QPointF(*steps[0][1:]))
            for _, x, y in steps[1:]:
                path.lineTo(x, y)
            colour = QColor(*colour_of(cell_id)).lighter(125)
            self._lines.append((colour, path, path.currentPosition()))
            self._ground.addPath(path)
        self.rebuilds += 1
        self.update()

    def boundingRect(self) -> QRectF:
        """The box of all paths with room for their lines."""
        if not self._lines:
            return QRectF()
        room = 5 / max(self.sceneTransform().m11(), 1e-6)
        return self._ground.boundingRect().adjusted(-room, -room, room, room)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw ground, lines, and a dot where each cell is now."""
        radius = _DOT / max(painter.worldTransform().m11(), 1e-6)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(cosmetic(_GROUND, 3.2))
        painter.drawPath(self._ground)
        for colour, path, _ in self._lines:
            painter.setPen(cosmetic(colour, 1.6))
            painter.drawPath(path)
        painter.setPen(cosmetic(_GROUND, 1.0))
        for colour, _, end in self._lines:
            painter.setBrush(colour)
            painter.drawEllipse(end, radius, radius)
