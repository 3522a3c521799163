"""The table of the selected cells' masks, as it is copied and exported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeySequence, QMouseEvent, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from cellsam_desktop.analysis.table import Value

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_FROM_0 = ("frame", "z")
"""Counted from 0 in files, which the table copies; everywhere else on screen one counts from 1."""


class TrackModel(QAbstractTableModel):
    """Rows of values under a header."""

    def __init__(self) -> None:
        super().__init__()
        self._header: Sequence[str] = ()
        self._rows: Sequence[Sequence[Value]] = ()

    def show(self, header: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
        """Show another table."""
        self.beginResetModel()
        self._header, self._rows = header, rows
        self.endResetModel()

    def value(self, row: int, name: str) -> Value:
        """One value by the name of its column."""
        return self._rows[row][self._header.index(name)]

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """Number of masks."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """Number of columns."""
        return 0 if parent.isValid() else len(self._header)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The value as text; numbers stand right."""
        value = self._rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return shown(value)
        if role == Qt.ItemDataRole.TextAlignmentRole and isinstance(value, (int, float)):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Names of the columns, with units."""
        if role == Qt.ItemDataRole.DisplayRole and orientation is Qt.Orientation.Horizontal:
            name = self._header[section]
            return f"{name} (from 0)" if name in _FROM_0 else name
        return None

    def as_text(self, rows: Iterable[int]) -> str:
        """The header and these rows, separated by tabs, as spreadsheets paste them."""
        lines = [self._header, *([written(value) for value in self._rows[row]] for row in rows)]
        return "\n".join("\t".join(line) for line in lines) + "\n"


class TrackTable(QTableView):
    """Copies with Ctrl+C: the selected rows, or all when none is; ``frame_asked`` is a double click."""

    frame_asked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.rows = TrackModel()
        self.rows.setParent(self)
        self.setModel(self.rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(22)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setResizeContentsPrecision(20)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.setToolTip("Ctrl+C copies with the header; double-click goes to the frame")
        copy = QShortcut(QKeySequence.StandardKey.Copy, self)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)
        copy.activated.connect(self.copy)

    def copy(self) -> None:
        """Put the selected rows, or all, on the clipboard."""
        chosen = sorted({index.row() for index in self.selectionModel().selectedRows()})
        QGuiApplication.clipboard().setText(self.rows.as_text(chosen or range(self.rows.rowCount())))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Go to the frame of the row."""
        index = self.indexAt(event.position().toPoint())
        if index.isValid():
            frame = self.rows.value(index.row(), "frame")
            assert isinstance(frame, int)
            self.frame_asked.emit(frame)


def shown(value: Value) -> str:
    """A value as read on screen."""
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"
    return "" if value is None else str(value)


def written(value: Value) -> str:
    """A value as copied: numbers with all digits that matter, no tab or line end within a name."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else " ".join(str(value).split())
