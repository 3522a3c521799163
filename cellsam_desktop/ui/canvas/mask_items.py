"""Single masks on the canvas: the proposal, the mask under the mouse, and outlines of chosen cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from cellsam_desktop.core.mask import BoolArray, Mask
from cellsam_desktop.ui.canvas.outlines import outline

_HALO = 1.5
"""How much wider than the line the dark ground under it is, in screen pixels."""


@dataclass(frozen=True)
class Look:
    """How a mask is drawn: fill, line, and the line's width in screen pixels. ``halo`` puts a dark ground
    under the line, so that it shows on bright pictures.
    """

    fill: QColor
    line: QColor
    width: float
    halo: QColor | None = None


class MaskItem(QGraphicsItem):
    """One mask, filled and outlined. ``rebuilds`` counts the masks it was given."""

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self._mask: Mask | None = None
        self._bits: BoolArray | None = None
        self._look: Look | None = None
        self._image = QImage()
        self._path = QPainterPath()
        self.rebuilds = 0

    def show_mask(self, mask: Mask | None, look: Look) -> None:
        """Show a mask, or nothing."""
        if mask is self._mask and look == self._look:
            return
        self.prepareGeometryChange()
        if mask is not self._mask and mask is not None:
            self._path = _outline(mask)
            self.rebuilds += 1
        self._mask, self._look = mask, look
        if mask is not None:
            self._bits = mask.bits  # the image below only points at them, and the mask may let go of them
            height, width = self._bits.shape
            self._image = QImage(self._bits.data, width, height, width, QImage.Format.Format_Indexed8)
            self._image.setColorTable([0, look.fill.rgba()])
        self.setVisible(mask is not None)
        self.update()

    def boundingRect(self) -> QRectF:
        """The mask's box with room for the line."""
        if self._mask is None:
            return QRectF()
        return _roomy(_rect(self._mask), self, self._look.width if self._look else 0)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw fill and line."""
        if self._mask is None or self._look is None:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        if self._look.fill.alpha():
            painter.drawImage(_rect(self._mask), self._image)
        _stroke(painter, self._path, self._look)


class OutlineItem(QGraphicsItem):
    """Outlines of any number of masks as one path."""

    def __init__(self, parent: QGraphicsItem, look: Look) -> None:
        super().__init__(parent)
        self._look = look
        self._masks: tuple[Mask, ...] = ()
        self._path = QPainterPath()
        self._rect = QRectF()
        self.rebuilds = 0

    def show_masks(self, masks: Sequence[Mask]) -> None:
        """Outline these masks and no others."""
        masks = tuple(masks)
        if len(masks) == len(self._masks) and all(a is b for a, b in zip(masks, self._masks, strict=True)):
            return
        self.prepareGeometryChange()
        self._masks = masks
        self._path, self._rect = outline(*masks), QRectF()
        for mask in masks:
            self._rect |= _rect(mask)
        self.rebuilds += 1
        self.update()

    def boundingRect(self) -> QRectF:
        """The box of all masks with room for the line."""
        return _roomy(self._rect, self, self._look.width) if self._masks else QRectF()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the path."""
        _stroke(painter, self._path, self._look)


@lru_cache(maxsize=4)
def _outline(mask: Mask) -> QPainterPath:
    """Kept for the click that turns the mask under the mouse into the proposal."""
    return outline(mask)


def cosmetic(colour: QColor, width: float) -> QPen:
    """A pen whose width is in screen pixels at any zoom."""
    pen = QPen(colour, width)
    pen.setCosmetic(True)
    pen.setCapStyle(Qt.PenCapStyle.SquareCap)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    return pen


def _stroke(painter: QPainter, path: QPainterPath, look: Look) -> None:
    # Pixel edges are straight, so smoothing would only blur them, and it takes ten times as long.
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if look.halo is not None:
        painter.setPen(cosmetic(look.halo, look.width + _HALO))
        painter.drawPath(path)
    if look.width:
        painter.setPen(cosmetic(look.line, look.width))
        painter.drawPath(path)


def _rect(mask: Mask) -> QRectF:
    return QRectF(mask.x0 - 0.5, mask.y0 - 0.5, mask.width, mask.height)


def _roomy(rect: QRectF, item: QGraphicsItem, width: float) -> QRectF:
    """The rectangle with room for half a line and its halo at the present zoom."""
    room = (width + _HALO) / max(item.sceneTransform().m11(), 1e-6)
    return rect.adjusted(-room, -room, room, room)
