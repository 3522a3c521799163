"""What the canvas shows while no movie is open."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from cellsam_desktop.ui.theme import theme_of

_TITLE = "Drop a movie here"
_DETAIL = (
    "TIFF, OME-TIFF, ND2, OME-Zarr, PNG or JPEG,\n"
    "a folder of numbered images, or a project.\n"
    "File > Open… finds one."
)
_SIZE = (460, 180)


class Invitation(QWidget):
    """Fills its parent with one quiet sentence in a dashed frame; ``lit`` while a file hovers over it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._lit = False

    def set_lit(self, lit: bool) -> None:
        """Say whether something that can be dropped is over the window."""
        if lit != self._lit:
            self._lit = lit
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw frame and words in the middle."""
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(0, 0, *_SIZE)
        frame.moveCenter(QRectF(self.rect()).center())
        pen = QPen(theme.colour("accent" if self._lit else "muted", 0.9 if self._lit else 0.45), 1.5)
        pen.setDashPattern([5, 4])
        painter.setPen(pen)
        painter.drawRoundedRect(frame, 12, 12)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 1.5)
        painter.setFont(font)
        painter.setPen(theme.colour("text"))
        upper = QRectF(frame.left(), frame.top() + 42, frame.width(), 34)
        painter.drawText(upper, Qt.AlignmentFlag.AlignCenter, _TITLE)
        painter.setFont(self.font())
        painter.setPen(theme.colour("muted"))
        lower = QRectF(frame.left() + 24, upper.bottom() + 6, frame.width() - 48, 64)
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
        painter.drawText(lower, int(flags), _DETAIL)
