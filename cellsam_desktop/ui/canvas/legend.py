"""The scale of colours in the lower right corner of the canvas."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from cellsam_desktop.curation.colouring import Legend
from cellsam_desktop.ui.palette import scale

_WIDTH, _HEIGHT, _MARGIN, _BAR = 190, 52, 10, 6
_WORDS = QColor(255, 255, 255, 235)


class ColourLegend(QWidget):
    """Shows which values the first and the last colour stand for; hidden where there is no scale."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFixedSize(_WIDTH, _HEIGHT)
        self.shown: Legend | None = None
        self.hide()

    def show_legend(self, legend: Legend | None) -> None:
        """Show this scale, or none."""
        if legend != self.shown:
            self.shown = legend
            self.setVisible(legend is not None)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw name, colours and numbers on a dark plate, readable on any picture."""
        if self.shown is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 110))
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        bar = QRectF(_MARGIN, 22, _WIDTH - 2 * _MARGIN, _BAR)
        colours = QLinearGradient(bar.topLeft(), bar.topRight())
        for share in range(11):
            colours.setColorAt(share / 10, QColor(*map(int, scale()[1 + round(25.3 * share)])))
        painter.setBrush(colours)
        painter.drawRect(bar)
        painter.setPen(_WORDS)
        unit = f" ({self.shown.unit})" if self.shown.unit else ""
        painter.drawText(QPointF(_MARGIN, 16), f"{self.shown.title}{unit}")
        numbers = QRectF(_MARGIN, bar.bottom() + 2, bar.width(), 18)
        painter.drawText(numbers, Qt.AlignmentFlag.AlignLeft, f"{self.shown.low:.3g}")
        painter.drawText(numbers, Qt.AlignmentFlag.AlignRight, f"{self.shown.high:.3g}")
