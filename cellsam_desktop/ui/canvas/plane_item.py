"""The picture itself: a plane of any pixel type, shown through the contrast.

Only what is on screen is converted to 8 bits, and zoomed out only as many pixels as the screen has, so that
the cost of a repaint depends on the widget and not on the plane.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from cellsam_desktop.images.contrast import Contrast, to_uint8

Plane = np.ndarray[Any, np.dtype[Any]]

_SPARE = 0.15
"""How much more than the visible part is converted on each side, so that small pans convert nothing."""


class PlaneItem(QGraphicsItem):
    """Draws a plane, (Y, X) or (Y, X, 3). ``conversions`` counts the conversions to 8 bits."""

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._plane: Plane | None = None
        self._contrast = Contrast(0.0, 1.0)
        self._block: _Block | None = None
        self.conversions = 0

    def set_plane(self, plane: Plane | None, contrast: Contrast) -> None:
        """Show another plane or another contrast."""
        if plane is self._plane and contrast == self._contrast:
            return
        if plane is None or self._plane is None or plane.shape != self._plane.shape:
            self.prepareGeometryChange()
        self._plane, self._contrast, self._block = plane, contrast, None
        self.update()

    def boundingRect(self) -> QRectF:
        """The plane from outer edge to outer edge."""
        if self._plane is None:
            return QRectF()
        height, width = self._plane.shape[:2]
        return QRectF(-0.5, -0.5, width, height)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the exposed part."""
        if self._plane is None:
            return
        zoom = painter.deviceTransform().m11()
        step = max(1, math.floor(1 / zoom)) if zoom > 0 else 1
        block = self._block
        if block is None or block.step != step or not block.covers(option.exposedRect, self._plane):
            block = self._block = self._convert(self._visible(widget, option.exposedRect), step)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, zoom < 1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.drawImage(block.rect, block.image)

    def _visible(self, widget: QWidget | None, exposed: QRectF) -> QRectF:
        if widget is None:
            return exposed
        shown, _ = self.sceneTransform().inverted()
        return shown.mapRect(QRectF(widget.rect())) | exposed

    def _convert(self, visible: QRectF, step: int) -> _Block:
        assert self._plane is not None
        height, width = self._plane.shape[:2]
        spare_x, spare_y = visible.width() * _SPARE, visible.height() * _SPARE
        x0 = _down(visible.left() - spare_x, step, width)
        y0 = _down(visible.top() - spare_y, step, height)
        x1 = min(width, max(x0 + step, math.ceil(visible.right() + spare_x + 1)))
        y1 = min(height, max(y0 + step, math.ceil(visible.bottom() + spare_y + 1)))
        self.conversions += 1
        pixels = to_uint8(self._plane[y0:y1:step, x0:x1:step], self._contrast)
        return _Block(np.ascontiguousarray(pixels), x0, y0, step)


class _Block:
    """A converted rectangle of the plane, every ``step``-th pixel of it."""

    def __init__(self, pixels: np.ndarray[Any, np.dtype[np.uint8]], x0: int, y0: int, step: int) -> None:
        height, width = pixels.shape[:2]
        kind = QImage.Format.Format_RGB888 if pixels.ndim == 3 else QImage.Format.Format_Grayscale8
        self._pixels = pixels  # the QImage below only points at them
        self.image = QImage(pixels.data, width, height, pixels.strides[0], kind)
        self.rect = QRectF(x0 - 0.5, y0 - 0.5, width * step, height * step)
        self.step = step

    def covers(self, exposed: QRectF, plane: Plane) -> bool:
        height, width = plane.shape[:2]
        return self.rect.contains(exposed & QRectF(-0.5, -0.5, width, height))


def _down(value: float, step: int, size: int) -> int:
    """The multiple of ``step`` at or below ``value``, within the axis."""
    return min(max(0, math.floor(value / step) * step), max(0, (size - 1) // step * step))
