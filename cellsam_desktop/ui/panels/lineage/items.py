"""What is drawn of the lineage: the branches with their names as one kept picture, and the selected ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from cellsam_desktop.analysis.forest import NO_FOREST, Forest, Indices
from cellsam_desktop.ui.panels.lineage.drawing import Ink, Strokes, Window, draw, strokes

_GAP = 4.0
"""Between a branch and its name, in pixels."""
_RIM = 2.5
"""The line around a selected branch lies so far outside it, in pixels."""
_MOST_NAMES = 400
_FINE = 100
"""More selected branches than so many get plain lines, which take a fraction of the time."""


class ForestItem(QGraphicsItem):
    """All branches in view. They are drawn once into a picture, which is reused until the view, the forest or
    the colours change: repainting a strip of it costs a copy. ``renders`` counts the pictures made.
    """

    def __init__(self, window: Callable[[], Window], title: Callable[[int], str]) -> None:
        super().__init__()
        self._window, self._title = window, title
        self._forest, self._ink = NO_FOREST, Ink(np.zeros(256, np.uint32), np.zeros(0, np.uint8))
        self._text = QColor()
        self._picture = QImage()
        self._drawn: Window | None = None
        self.renders = 0
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)

    def show_forest(self, forest: Forest, ink: Ink, text: QColor) -> None:
        """Draw another forest, or in other colours; ``text`` is that of names."""
        self.prepareGeometryChange()
        self._forest, self._ink, self._text = forest, ink, text
        self._drawn = None
        self.update()

    def boundingRect(self) -> QRectF:
        """All columns and frames, with room around them."""
        first, last = self._forest.frames
        return QRectF(-2, first - 1, self._forest.width + 4, last - first + 5)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Copy the exposed part of the picture, which is made when it is not there."""
        window = self._window()
        if window != self._drawn:
            self._picture, self._drawn = self._render(window), window
        corner = painter.worldTransform().map(QPointF(window.x0, window.y0))
        painter.save()
        painter.resetTransform()
        painter.drawImage(QPointF(round(corner.x()), round(corner.y())), self._picture)
        painter.restore()

    def _render(self, window: Window) -> QImage:
        self.renders += 1
        pixels = draw(self._forest, window, self._ink)
        image = QImage(
            pixels.data, window.width, window.height, 4 * window.width, QImage.Format.Format_ARGB32
        ).convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(window.ratio)
        painter = QPainter(image)
        painter.setPen(self._text)
        self._write_names(painter, window)
        painter.end()
        return image

    def _write_names(self, painter: QPainter, window: Window) -> None:
        """Names beside branches that have room for them: across if they fit, or else along the branch."""
        forest, ratio = self._forest, window.ratio
        font = painter.font()
        font.setPointSizeF(max(6.5, font.pointSizeF() * 0.85))
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        seen, stroke = strokes(forest, window), window.stroke
        room = (forest.left + forest.leaves - forest.columns)[seen.cells] * window.per_column
        room = (room - stroke) / ratio - _GAP
        long = (seen.bottom - seen.top) / ratio
        height = metrics.height()
        for n in np.flatnonzero((room > 0.8 * height) & (long > height))[:_MOST_NAMES].tolist():
            text = self._title(int(forest.ids[seen.cells[n]]))
            width = metrics.horizontalAdvance(text)
            x, y = (seen.x[n] + stroke) / ratio + _GAP / 2, seen.top[n] / ratio
            if width <= room[n]:
                painter.drawText(QPointF(x + 1, y + metrics.ascent() + 1), text)
            elif width + _GAP <= long[n]:
                painter.save()
                painter.translate(x, y + _GAP)
                painter.rotate(90)
                painter.drawText(QPointF(0, -metrics.descent()), text)
                painter.restore()


class SelectedItem(QGraphicsItem):
    """Lines around the selected branches, over the forest. ``paints`` counts how often they were drawn."""

    def __init__(self, window: Callable[[], Window]) -> None:
        super().__init__()
        self._window = window
        self._forest, self._cells = NO_FOREST, np.zeros(0, np.intp)
        self._colour = QColor()
        self.paints = 0

    def show_cells(self, forest: Forest, cells: Indices, colour: QColor) -> None:
        """Mark these cells of the forest."""
        self.prepareGeometryChange()
        self._forest, self._cells, self._colour = forest, cells, colour
        self.update()

    def boundingRect(self) -> QRectF:
        """From the first to the last selected branch."""
        if not self._cells.size:
            return QRectF()
        columns = self._forest.columns[self._cells]
        first, last = self._forest.first[self._cells].min(), self._forest.last[self._cells].max()
        window = self._window()
        across = (window.stroke + 3 * _RIM * window.ratio) / window.per_column
        along = 3 * _RIM * window.ratio / window.per_frame
        left, top = float(columns.min()) - across, float(first) + 0.5 - along
        return QRectF(left, top, float(columns.max()) + across - left, float(last) + 1.5 + along - top)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the lines, in pixels of the screen."""
        if not self._cells.size:
            return
        self.paints += 1
        window = self._window()
        corner = painter.worldTransform().map(QPointF(window.x0, window.y0))
        painter.save()
        painter.resetTransform()
        painter.translate(round(corner.x()), round(corner.y()))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        rects = self._rects(strokes(self._forest, window), window)
        if len(rects) > _FINE:
            painter.setPen(QPen(self._colour, 1))
            painter.drawRects(rects)
        else:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self._colour, 1.5))
            for rect in rects:
                painter.drawRoundedRect(rect, 2, 2)
        painter.restore()

    def _rects(self, seen: Strokes, window: Window) -> list[QRectF]:
        chosen = np.flatnonzero(np.isin(seen.cells, self._cells))
        ratio, wide = window.ratio, window.stroke / window.ratio
        places = zip(*(part[chosen].tolist() for part in (seen.x, seen.top, seen.bottom)), strict=True)
        return [
            QRectF(x / ratio, top / ratio, wide, (bottom - top) / ratio).adjusted(-_RIM, -_RIM, _RIM, _RIM)
            for x, top, bottom in places
        ]
