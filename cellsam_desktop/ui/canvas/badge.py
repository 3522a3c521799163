"""A small turning ring beside the mouse while clicks have to wait; after a click it says for what."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

_SIZE = 22
_OFFSET = QPoint(14, 14)
_STEP_MS = 50
_STEP_DEGREES = 24


class WaitingBadge(QWidget):
    """Shown while there is something to wait for and the mouse is on the canvas."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._angle = 0
        self._waiting = False
        self._text = ""
        self._place: QPointF | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_STEP_MS)
        self._timer.timeout.connect(self._turn)
        self._resize()
        self.hide()

    def set_waiting(self, waiting: bool, text: str = "") -> None:
        """Say whether there is something to wait for, and what, if it should be said."""
        if (waiting, text) != (self._waiting, self._text):
            self._waiting, self._text = waiting, text
            self._resize()
            self._update()

    def follow(self, position: QPointF | None) -> None:
        """Where the mouse is, in the parent's coordinates; None when it is elsewhere."""
        self._place = position
        if self._waiting:
            self._update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 150))
        painter.drawRoundedRect(QRectF(self.rect()), _SIZE / 2, _SIZE / 2)
        painter.setPen(QColor(255, 255, 255, 235))
        painter.drawText(QRectF(_SIZE + 2, 0, self.width(), _SIZE), Qt.AlignmentFlag.AlignVCenter, self._text)
        ring = QRectF(0, 0, _SIZE, _SIZE).adjusted(5, 5, -5, -5)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(255, 255, 255, 70), 2.2))
        painter.drawEllipse(ring)
        painter.setPen(QPen(QColor(255, 255, 255, 240), 2.2, c=Qt.PenCapStyle.RoundCap))
        painter.drawArc(ring, -self._angle * 16, 100 * 16)

    def _resize(self) -> None:
        width = self.fontMetrics().horizontalAdvance(self._text) + _SIZE // 2 + 4 if self._text else 0
        self.setFixedSize(QSize(_SIZE + width, _SIZE))

    def _update(self) -> None:
        on = self._waiting and self._place is not None
        if on and self._place is not None:
            self.move(self._place.toPoint() + _OFFSET)
        self.setVisible(on)
        if on and not self._timer.isActive():
            self._timer.start()
        elif not on:
            self._timer.stop()

    def _turn(self) -> None:
        self._angle = (self._angle + _STEP_DEGREES) % 360
        self.update()
