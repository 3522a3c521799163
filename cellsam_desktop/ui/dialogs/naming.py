"""Name founders, say where the embryo's axes point, look at the names that follow, and give them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from cellsam_desktop.analysis.sulston import Axes
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.wording import counted
from cellsam_desktop.curation.naming import Direction, Naming, Proposal
from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui.dialogs.frame import Dialog, form_layout
from cellsam_desktop.ui.panels.chips import chip
from cellsam_desktop.ui.panels.labels import muted, restyle, styled
from cellsam_desktop.ui.theme import SPACE

_CELL, _NOW, _NEW = range(3)
_ID = Qt.ItemDataRole.UserRole
_SIZE = (520, 620)
_MOST = 5000
"""So many cells at most are listed."""
_FLAGS = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable
_FROM_CELLS = "as ABa, ABp, EMS and P2 lie"


class NamingDialog(Dialog):
    """A tree of the lineages with the names they would get, which can be typed over: what follows from a name
    given by hand follows at once. Giving a cell the name of her sister swaps the two.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Name cells", parent, modal=True)
        self._session = session
        self._naming = Naming(session)
        self._given: dict[int, str] = {}
        self._items: dict[int, QTreeWidgetItem] = {}
        self.proposal = Proposal()
        self.anterior = _choice(_FROM_CELLS, *Direction)
        self.dorsal = _choice(*Direction)
        self.mirrored = QCheckBox("z is counted towards the viewer, or the image is mirrored")
        self.overwrite = QCheckBox("Replace names that descendants have already")
        self.tree = QTreeWidget()
        self.note = muted()
        self._build()
        self.resize(*_SIZE)
        self._fill()
        self._propose()

    def _build(self) -> None:
        words = "Double-click a cell to name it: AB, P1, EMS, P2 … The names of her descendants follow."
        intro = styled("muted", words)
        intro.setWordWrap(True)
        self.anterior.setCurrentText(Direction.LEFT)
        self.dorsal.setCurrentText(Direction.UP)
        form = form_layout()
        form.addRow("Anterior points", self.anterior)
        form.addRow("Dorsal points", self.dorsal)
        form.addRow("", self.mirrored)
        self._build_tree()
        self.note.setWordWrap(True)
        self.column.addWidget(intro)
        self.column.addSpacing(SPACE)
        self.column.addLayout(form)
        for part in (self.tree, self.overwrite, self.note):
            self.column.addWidget(part, 1 if part is self.tree else 0)
        for choice in (self.anterior, self.dorsal):
            choice.currentIndexChanged.connect(self._propose)
        for switch in (self.mirrored, self.overwrite):
            switch.toggled.connect(self._propose)
        box = self.add_buttons(ok="Name cells")
        self.main = next(b for b in box.buttons() if box.buttonRole(b) is box.ButtonRole.AcceptRole)

    def _build_tree(self) -> None:
        self.tree.setHeaderLabels(["Cell", "Name", "New name"])
        self.tree.setMinimumSize(460, 320)
        self.tree.setUniformRowHeights(True)
        self.tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.tree.header().setSectionResizeMode(_CELL, QHeaderView.ResizeMode.Stretch)
        self.tree.itemDoubleClicked.connect(lambda item: self.tree.editItem(item, _NEW))
        self.tree.itemChanged.connect(self._on_typed)

    def _fill(self) -> None:
        """The lineages with divisions, founders open to their daughters."""
        movie = self._session.movie
        assert movie is not None, "cells are named with an open movie"
        document = movie.document
        self.tree.blockSignals(True)
        todo = [(cell_id, self.tree.invisibleRootItem()) for cell_id in self._naming.founders()]
        for cell_id, above in todo:
            if len(self._items) == _MOST:
                break
            item = QTreeWidgetItem(above, [f"Cell {cell_id}", document.cell(cell_id).name, ""])
            item.setIcon(_CELL, QIcon(chip(cell_id)))
            item.setData(_CELL, _ID, cell_id)
            item.setFlags(_FLAGS)
            self._items[cell_id] = item
            todo += [(daughter, item) for daughter in document.lineage.daughters(cell_id) or ()]
        self.tree.expandToDepth(0)
        self.tree.blockSignals(False)

    # -- names -----------------------------------------------------------------------------------------

    def give(self, cell_id: int, name: str) -> None:
        """Name a cell by hand ("" leaves it as it was); the name of her sister swaps the two."""
        names, sister = self.proposal.names, self._sister(cell_id)
        if name and sister is not None and name == names.get(sister):
            self._set(sister, names.get(cell_id, ""))
        self._set(cell_id, name)
        self._propose()

    def accept(self) -> None:
        """Give the names, as one step of undo."""
        super().accept()
        self._naming.apply(self.proposal.changes)

    def _set(self, cell_id: int, name: str) -> None:
        if name.strip():
            self._given[cell_id] = name.strip()
        else:
            self._given.pop(cell_id, None)

    def _sister(self, cell_id: int) -> int | None:
        movie = self._session.movie
        assert movie is not None, "there are no rows without a movie"
        lineage = movie.document.lineage
        mother = lineage.mother(cell_id)
        both = () if mother is None else lineage.daughters(mother) or ()
        return next((other for other in both if other != cell_id), None)

    def _on_typed(self, item: QTreeWidgetItem, column: int) -> None:
        if column == _NEW:
            self.give(item.data(_CELL, _ID), item.text(_NEW))

    def _propose(self) -> None:
        from_cells = self.anterior.currentText() == _FROM_CELLS
        for field in (self.dorsal, self.mirrored):
            field.setEnabled(not from_cells)
        try:
            axes = self._axes()
        except EditRefused as reason:
            self.proposal = Proposal()
            self._show(str(reason), "warning")
            return
        self.proposal = self._naming.propose(self._given, axes, overwrite=self.overwrite.isChecked())
        self._show(_summary(self.proposal), "muted")

    def _axes(self) -> Axes:
        if self.anterior.currentText() != _FROM_CELLS:
            anterior, dorsal = (Direction(choice.currentText()) for choice in (self.anterior, self.dorsal))
            return Axes(anterior.vector, dorsal.vector, self.mirrored.isChecked())
        axes = self._naming.axes_from(self._given)
        if axes is None:
            raise EditRefused(
                "Name the cells ABa, ABp, EMS and P2 of one frame, or say where the axes point."
            )
        return axes

    def _show(self, text: str, role: str) -> None:
        names, undecided = self.proposal.names, self.proposal.undecided
        self.tree.blockSignals(True)
        for cell_id, item in self._items.items():
            item.setText(_NEW, names.get(cell_id, ""))
            item.setToolTip(_NEW, undecided.get(cell_id, ""))
            font = item.font(_NEW)
            font.setBold(cell_id in self.proposal.changes)
            item.setFont(_NEW, font)
        self.tree.blockSignals(False)
        self.note.setText(text)
        restyle(self.note, role)
        self.main.setEnabled(bool(self.proposal.changes))


def _summary(proposal: Proposal) -> str:
    count = len(proposal.changes)
    if not proposal.names:
        return "Name a founder to begin."
    text = f"{counted(count, 'cell')} will get a new name."
    reasons = list(proposal.undecided.values())
    more = f" And {len(reasons) - 1} more." if len(reasons) > 1 else ""
    return f"{text} {reasons[0]}{more}" if reasons else text


def _choice(*texts: str) -> QComboBox:
    choice = QComboBox()
    choice.addItems([str(text) for text in texts])
    return choice
