"""Find a cell by id or name."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon, QKeyEvent
from PySide6.QtWidgets import QHeaderView, QLineEdit, QTreeWidget, QTreeWidgetItem, QWidget

from cellsam_desktop.core.wording import counted
from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui import icons
from cellsam_desktop.ui.dialogs.frame import Dialog
from cellsam_desktop.ui.panels.chips import chip
from cellsam_desktop.ui.panels.labels import muted
from cellsam_desktop.ui.panels.layers.rows import row_of
from cellsam_desktop.ui.theme import theme_of

MAX_SHOWN = 200


class FindCellDialog(Dialog):
    """Type, choose with the arrow keys, Enter: the cell is selected and shown on its nearest frame."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Find a cell", parent, modal=True)
        self._session = session
        self.field = QLineEdit()
        self.field.setPlaceholderText("Id or name")
        self.field.addAction(icons.icon("search", theme_of(self)), QLineEdit.ActionPosition.LeadingPosition)
        self.found = QTreeWidget()
        self.found.setColumnCount(2)
        self.found.setHeaderHidden(True)
        self.found.setRootIsDecorated(False)
        self.found.setUniformRowHeights(True)
        self.found.header().setStretchLastSection(False)
        self.found.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.found.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.found.setMinimumSize(360, 220)
        self.found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.note = muted()
        for part in (self.field, self.found, self.note):
            self.column.addWidget(part)
        self.field.textChanged.connect(self._search)
        self.field.returnPressed.connect(self._choose)
        self.found.itemClicked.connect(self._choose)
        self._search("")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The arrow keys move through what was found while the text field keeps the focus."""
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        step = steps.get(Qt.Key(event.key()))
        count = self.found.topLevelItemCount()
        if step is not None and count:
            self._point_at((self.found.currentIndex().row() + step) % count)
            return
        super().keyPressEvent(event)

    def _search(self, text: str) -> None:
        movie = self._session.movie
        self.found.clear()
        if movie is None:
            return
        ids = self._session.editing.find(text) if text.strip() else movie.document.cell_ids
        for cell_id in ids[:MAX_SHOWN]:
            row = row_of(movie.document, cell_id)
            item = QTreeWidgetItem(self.found, [row.title, row.frames])
            item.setIcon(0, QIcon(chip(cell_id)))
            item.setData(0, Qt.ItemDataRole.UserRole, cell_id)
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._point_at(0)
        self.note.setText(_summary(len(ids)))

    def _point_at(self, row: int) -> None:
        item = self.found.topLevelItem(row)
        if item is not None:
            self.found.setCurrentItem(item)

    def _choose(self) -> None:
        movie, item = self._session.movie, self.found.currentItem()
        if movie is None or item is None:
            return
        cell_id = item.data(0, Qt.ItemDataRole.UserRole)
        frames, t = movie.document.frames(cell_id), self._session.view.t
        if frames and t not in frames:
            self._session.navigation.go_to(min(frames, key=lambda frame: abs(frame - t)))
        self._session.editing.select((cell_id,))
        self.accept()


def _summary(count: int) -> str:
    if count > MAX_SHOWN:
        return f"{count} cells, the first {MAX_SHOWN} are listed"
    return counted(count, "cell") if count else "no cell"
