"""A scale bar of a round length in the lower left corner of the canvas."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

_LONGEST = 140.0
_HEIGHT = 36
_MARGIN = 10


class ScaleBar(QWidget):
    """Shows how long a round number of micrometres is at the present zoom; hidden without a pixel size."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._length_um = 0.0
        self._length_px = 0.0
        self.setFixedSize(QSize(round(_LONGEST) + 2 * _MARGIN, _HEIGHT))
        self.hide()

    @property
    def length_um(self) -> float:
        """Micrometres that the bar stands for; 0 when there is none."""
        return self._length_um

    @property
    def length_px(self) -> float:
        """Length of the bar on screen."""
        return self._length_px

    def set_scale(self, pixels_per_um: float | None) -> None:
        """Say how many screen pixels a micrometre is, or None when that is not known."""
        self.setVisible(pixels_per_um is not None)
        self._length_um = round_length(_LONGEST / pixels_per_um) if pixels_per_um else 0.0
        self._length_px = self._length_um * (pixels_per_um or 0.0)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bar and length on a dark plate, readable on any picture."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bar = QRectF(_MARGIN, self.height() - 12, self._length_px, 3)
        text = length_text(self._length_um)
        width = max(self._length_px, painter.fontMetrics().horizontalAdvance(text)) + 2 * _MARGIN
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 110))
        painter.drawRoundedRect(QRectF(0, 0, width, self.height()), 6, 6)
        painter.setBrush(QColor(255, 255, 255, 235))
        painter.drawRect(bar)
        painter.setPen(QColor(255, 255, 255, 235))
        painter.drawText(QPointF(_MARGIN, bar.top() - 6), text)


def round_length(longest: float) -> float:
    """The greatest of 1, 2 and 5 times a power of ten that is not longer than ``longest``."""
    power = 10.0 ** math.floor(math.log10(longest))
    return max(step * power for step in (1, 2, 5) if step * power <= longest * (1 + 1e-9))


def length_text(length_um: float) -> str:
    """A length with the unit that keeps its number short."""
    if length_um >= 1000:
        return f"{length_um / 1000:g} mm"
    if length_um >= 1:
        return f"{length_um:g} µm"
    return f"{length_um * 1000:g} nm"
