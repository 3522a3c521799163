"""The recent path of each cell's centroid, drawn behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from cellsam_desktop.ui.canvas.mask_items import cosmetic
from cellsam_desktop.ui.palette import RGB, colour_of

Steps = Sequence[tuple[int, float, float]]
"""(frame, x, y) in order of time."""

_GROUND = cosmetic(QColor(0, 0, 0, 90), 3.2)
_LINE = 1.6
_DOT = 5.0
_FINE = 200
"""More paths than so many are drawn as plain lines one pixel wide, which takes a tenth of the time."""


@dataclass(frozen=True)
class _Trail:
    line: QPolygonF
    pen: QPen
    plain: QPen
    box: QRectF


class TrailItem(QGraphicsItem):
    """All paths of a frame, each with a dot where its cell is now."""

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._trails: list[_Trail] = []
        self._box = QRectF()
        self.rebuilds = 0

    def show_trails(
        self, trails: Iterable[tuple[int, Steps]], colour_of: Callable[[int], RGB] = colour_of
    ) -> None:
        """Show these cells' paths, each up to the frame on screen; a single place is no path."""
        self.prepareGeometryChange()
        self._trails, self._box = [], QRectF()
        for cell_id, steps in trails:
            if len(steps) > 1:
                line = QPolygonF([QPointF(x, y) for _, x, y in steps])
                box = line.boundingRect()
                colour = colour_of(cell_id)
                self._trails.append(_Trail(line, _pen(colour), _plain_pen(colour), box))
                self._box |= box
        self.rebuilds += 1
        self.update()

    def boundingRect(self) -> QRectF:
        """The box of all paths with room for their lines."""
        return _roomy(self._box, self.sceneTransform().m11()) if self._trails else QRectF()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw what meets the exposed part: a dark ground, then the line, then the dot."""
        exposed = _roomy(option.exposedRect, painter.worldTransform().m11())
        trails = [trail for trail in self._trails if _meet(trail.box, exposed)]
        fine = len(trails) <= _FINE
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, fine)
        if not fine:
            _draw_plain(painter, trails)
            return
        painter.setPen(_GROUND)
        for trail in trails:
            painter.drawPolyline(trail.line)
        for trail in trails:
            painter.setPen(trail.pen)
            painter.drawPolyline(trail.line)
        for trail in trails:
            dot = QPen(trail.pen)
            dot.setWidthF(_DOT)
            painter.setPen(dot)
            painter.drawPoint(trail.line.last())


def _draw_plain(painter: QPainter, trails: Iterable[_Trail]) -> None:
    for trail in trails:
        painter.setPen(trail.plain)
        painter.drawPolyline(trail.line)


@cache
def _pen(colour: RGB) -> QPen:
    """The pen of a colour, a little lighter than the mask under it."""
    pen = cosmetic(QColor(*colour).lighter(125), _LINE)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    return pen


@cache
def _plain_pen(colour: RGB) -> QPen:
    return cosmetic(_pen(colour).color(), 1.0)


def _roomy(rect: QRectF, zoom: float) -> QRectF:
    """A rectangle with room for a dot."""
    room = _DOT / max(zoom, 1e-6)
    return rect.adjusted(-room, -room, room, room)


def _meet(box: QRectF, exposed: QRectF) -> bool:
    """Whether two rectangles meet; unlike Qt's, also for a path without width or height."""
    return (
        box.left() <= exposed.right()
        and box.right() >= exposed.left()
        and box.top() <= exposed.bottom()
        and box.bottom() >= exposed.top()
    )
