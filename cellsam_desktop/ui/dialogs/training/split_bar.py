"""How the cells split, at a glance."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from cellsam_desktop.ui.theme import Theme, follow_theme

_HEIGHT, _GAP, _RADIUS = 22, 2.0, 4.0
_NAMES = ("learn", "choose", "judge")
_ROLES = ("accent", "muted", "good")


class SplitBar(QWidget):
    """A bar in three parts as wide as they have cells: to learn from, to choose by, to judge by."""

    def __init__(self) -> None:
        super().__init__()
        self._cells: tuple[int, ...] = ()
        self._theme: Theme
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        follow_theme(self, self._use_theme)

    def show_cells(self, cells: tuple[int, ...]) -> None:
        """Show so many cells of each part; empty for nothing."""
        if cells != self._cells:
            self._cells = cells
            words = ", ".join(f"{count} {name}" for count, name in zip(cells, _NAMES, strict=False))
            self.setAccessibleName(f"Cells: {words}" if words else "")
            self.update()

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(300, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Three rounded boxes with their number where it fits."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not any(self._cells):
            self._box(painter, QRectF(0, 0, self.width(), _HEIGHT), self._theme.colour("raised"), "")
            return
        left = 0.0
        room = self.width() - _GAP * (len(self._cells) - 1)
        for count, name, role in zip(self._cells, _NAMES, _ROLES, strict=False):
            width = room * count / sum(self._cells)
            box = QRectF(left, 0, width, _HEIGHT)
            self._box(painter, box, self._theme.colour(role), f"{count} {name}")
            left += width + _GAP

    def _box(self, painter: QPainter, box: QRectF, colour: QColor, text: str) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(box, _RADIUS, _RADIUS)
        if painter.fontMetrics().horizontalAdvance(text) + 8 < box.width():
            painter.setPen(self._theme.colour("on_accent"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _use_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()
