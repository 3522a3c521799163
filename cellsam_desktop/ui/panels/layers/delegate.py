"""How the places of the layer list look: small switches, and the name beside the cell's colour."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from cellsam_desktop.ui import icons
from cellsam_desktop.ui.panels.layers.model import ColourRole, StateRole
from cellsam_desktop.ui.panels.layers.rows import Column
from cellsam_desktop.ui.theme import Theme, theme_of

_ICON = 15
_CHIP = 10
_RIGHT = 6
_RIGHT_SIDE = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT_SIDE = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_SWITCHES = {
    Column.EYE: ("eye", "eye-off"),
    Column.LOCK: ("lock", "unlock"),
    Column.SOLO: ("solo", "solo"),
}
# Strength of a switch in its ordinary state and in the other one, which should be noticed.
_CALM, _FAINT, _CLEAR = 0.7, 0.22, 1.0
_STRENGTH = {
    (Column.EYE, True): _CALM,
    (Column.EYE, False): _CLEAR,
    (Column.LOCK, True): _CLEAR,
    (Column.LOCK, False): _FAINT,
    (Column.SOLO, True): _CLEAR,
    (Column.SOLO, False): _FAINT,
}


class LayerDelegate(QStyledItemDelegate):
    """Paints the rows of the layer list."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint one place."""
        column, view = Column(index.column()), option.widget
        theme = theme_of(view)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, theme.colour("selection"))
        if column is Column.NAME:
            self._paint_name(painter, option, index, theme)
        elif column in _SWITCHES:
            self._paint_switch(painter, option.rect, column, bool(index.data(StateRole)), theme, view)
        elif text := index.data():  # much faster than the style sheet's own way
            painter.setPen(theme.colour("warning" if column is Column.DOUBT else "text"))
            painter.drawText(option.rect.adjusted(0, 0, -_RIGHT, 0), _RIGHT_SIDE, text)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Switches are as wide as their icon needs."""
        if Column(index.column()) in _SWITCHES:
            return QSize(_ICON + 10, _ICON + 8)
        return super().sizeHint(option, index)

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """The field for renaming covers the name but not the colour."""
        editor.setGeometry(option.rect.adjusted(_CHIP + 8, 0, 0, 0))
        if isinstance(editor, QLineEdit):
            editor.setStyleSheet("padding: 0 2px; min-height: 0; border-radius: 2px;")

    def _paint_switch(
        self, painter: QPainter, rect: QRect, column: Column, on: bool, theme: Theme, view: QWidget
    ) -> None:
        strength = _STRENGTH[column, on]
        role = "accent" if column is Column.SOLO and on else "text"
        name = _SWITCHES[column][0 if on else 1]
        place = QRect(0, 0, _ICON, _ICON)
        place.moveCenter(rect.center())
        painter.drawPixmap(
            place, icons.tinted(name, theme.colour(role, strength), _ICON, view.devicePixelRatioF())
        )

    def _paint_name(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
        theme: Theme,
    ) -> None:
        visible = bool(index.sibling(index.row(), Column.EYE).data(StateRole))
        colour = QColor(*index.data(ColourRole))
        middle = option.rect.center().y() + 0.5
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chip = QRectF(option.rect.left() + 4, middle - _CHIP / 2, _CHIP, _CHIP)
        if visible:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawRoundedRect(chip, 3, 3)
        else:
            painter.setPen(colour)
            painter.drawRoundedRect(chip.translated(QPointF(0.5, -0.5)).adjusted(0, 0, -1, 0), 3, 3)
        named = bool(index.data(StateRole))
        painter.setPen(theme.colour("text" if named and visible else "muted", 1.0 if visible else 0.7))
        text = option.rect.adjusted(_CHIP + 11, 0, -4, 0)
        title = painter.fontMetrics().elidedText(index.data(), Qt.TextElideMode.ElideRight, text.width())
        painter.drawText(text, _LEFT_SIDE, title)
        painter.restore()
