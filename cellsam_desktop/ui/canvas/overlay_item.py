"""All cells of the plane as one indexed image under a table of 256 colours."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QImage, QPainter, qRgba
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from cellsam_desktop.core.geometry import Region


class OverlayItem(QGraphicsItem):
    """Draws an array of colour indices in place: showing a change costs a repaint, never a copy."""

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._indices: npt.NDArray[np.uint8] = np.zeros((0, 0), np.uint8)
        self._image = QImage()
        self._table = [0] * 256

    def set_indices(self, indices: npt.NDArray[np.uint8]) -> None:
        """Show this array (Y, X), which the caller may go on changing; ``touch`` says where it did."""
        if indices.shape != self._indices.shape:
            self.prepareGeometryChange()
        self._indices = indices
        height, width = indices.shape
        self._image = QImage(indices.data, width, height, width, QImage.Format.Format_Indexed8)
        self._image.setColorTable(self._table)
        self.update()

    def touch(self, region: Region) -> None:
        """Repaint a rectangle that the caller has changed."""
        self.update(QRectF(region.x0 - 0.5, region.y0 - 0.5, region.width, region.height))

    def set_lut(self, lut: npt.NDArray[np.uint8]) -> None:
        """Use another colour table, (256, 4) RGBA."""
        table = [qRgba(*entry) for entry in lut.tolist()]
        if table != self._table:
            self._table = table
            self._image.setColorTable(table)
            self.update()

    def boundingRect(self) -> QRectF:
        """The plane from outer edge to outer edge."""
        height, width = self._indices.shape
        return QRectF(-0.5, -0.5, width, height) if height and width else QRectF()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the exposed part, whole pixels only."""
        exposed = option.exposedRect & self.boundingRect()
        if exposed.isEmpty():
            return
        x0, y0 = math.floor(exposed.left() + 0.5), math.floor(exposed.top() + 0.5)
        x1, y1 = math.ceil(exposed.right() + 0.5), math.ceil(exposed.bottom() + 0.5)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        source = QRect(x0, y0, x1 - x0, y1 - y0)
        painter.drawImage(QRectF(x0 - 0.5, y0 - 0.5, source.width(), source.height()), self._image, source)
