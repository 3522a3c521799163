"""A ring that says that clicks have to wait: small beside the mouse, and around a click that was made."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

_SMALL = 22
_LARGE = 34
_BESIDE = QPointF(14, 14)
_STEP_MS = 50
_STEP_DEGREES = 24
_ARC_DEGREES = 100
_GROUND = QColor(0, 0, 0, 150)
_TRACK = QColor(255, 255, 255, 70)
_DONE = QColor(255, 255, 255, 240)


class WaitingBadge(QWidget):
    """Shown while there is something to wait for.

    ``progress`` is asked now and then how much of it is done (0 to 1); while it cannot tell (None), the ring
    turns.
    """

    def __init__(self, parent: QWidget, progress: Callable[[], float | None]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._progress = progress
        self._angle = 0
        self._waiting = False
        self._text = ""
        self._place: QPointF | None = None
        self._around = False
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

    def place(self, position: QPointF | None, *, around: bool = False) -> None:
        """Put the ring beside the mouse, or ``around`` a click, in the parent's pixels; None hides it."""
        self._place = position
        if around != self._around:
            self._around = around
            self._resize()
        if self._waiting:
            self._update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw ring and text."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_GROUND)
        size = self.height()
        pill = QRectF(self.rect()) if not self._around else QRectF(size + 2, 6, self.width() - size - 2, 22)
        if not self._around or self._text:
            painter.drawRoundedRect(pill, _SMALL / 2, _SMALL / 2)
        painter.setPen(_DONE)
        words = QRectF(size + (10 if self._around else 2), 0, self.width(), size)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self._text)
        self._draw_ring(painter, QRectF(0, 0, size, size).adjusted(5, 5, -5, -5))

    def _draw_ring(self, painter: QPainter, ring: QRectF) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._around:
            painter.setPen(QPen(_GROUND, 5.5))
            painter.drawEllipse(ring)
        painter.setPen(QPen(_TRACK, 2.2))
        painter.drawEllipse(ring)
        painter.setPen(QPen(_DONE, 2.6 if self._around else 2.2, c=Qt.PenCapStyle.RoundCap))
        done = self._progress() if self._around else None
        if done is None:
            painter.drawArc(ring, -self._angle * 16, _ARC_DEGREES * 16)
        else:
            painter.drawArc(ring, 90 * 16, -round(max(done, 0.04) * 360 * 16))

    def _resize(self) -> None:
        size = _LARGE if self._around else _SMALL
        width = self.fontMetrics().horizontalAdvance(self._text) + size // 2 + 8 if self._text else 0
        self.setFixedSize(QSize(size + width, size))

    def _update(self) -> None:
        on = self._waiting and self._place is not None
        if on and self._place is not None:
            offset = QPointF(-_LARGE / 2, -_LARGE / 2) if self._around else _BESIDE
            self.move((self._place + offset).toPoint())
        self.setVisible(on)
        if on and not self._timer.isActive():
            self._timer.start()
        elif not on:
            self._timer.stop()

    def _turn(self) -> None:
        self._angle = (self._angle + _STEP_DEGREES) % 360
        self.update()
