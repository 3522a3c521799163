"""Small squares in the colours of cells."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap

from cellsam_desktop.ui.palette import colour_index, colours

SIZE = 12


def chip(cell_id: int) -> QPixmap:
    """A rounded square in a cell's colour."""
    return _drawn(colour_index(cell_id))


@lru_cache(maxsize=256)
def _drawn(index: int) -> QPixmap:
    picture = QPixmap(2 * SIZE, 2 * SIZE)
    picture.setDevicePixelRatio(2)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(*(int(value) for value in colours()[index])))
    painter.drawRoundedRect(QRectF(0, 0, SIZE, SIZE), 3, 3)
    painter.end()
    return picture
