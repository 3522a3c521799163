"""The decoders of the model in use: their numbers side by side, choosing, renaming, exporting, removing."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QGridLayout,
    QHeaderView,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from cellsam_desktop.core.decoder_scores import Scores
from cellsam_desktop.curation.decoders import OWN
from cellsam_desktop.curation.session import Session
from cellsam_desktop.sam.trained import TrainedDecoder
from cellsam_desktop.ui.dialogs.frame import Dialog, make_main
from cellsam_desktop.ui.listening import listen
from cellsam_desktop.ui.panels.labels import muted
from cellsam_desktop.ui.theme import SPACE

_COLUMNS = ("Decoder", "One point", "and 3 corrections", "Box", "Held-out cells", "Made")
_MEASURED = (("point", 0), ("point", 3), ("box", 0))
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_NAME = Qt.ItemDataRole.UserRole
_SIZE = (760, 380)
_NOTHING = "–"


class DecodersDialog(Dialog):
    """A list of all decoders that fit the model in use; the one in use stands in bold."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Decoders", parent)
        self._session = session
        self._decoders = session.decoders
        self.tree = QTreeWidget()
        self.use, self.back = QPushButton("Use now"), QPushButton("Roll back")
        self.report, self.rename = QPushButton("Report"), QPushButton("Rename")
        self.export, self.bring = QPushButton("Export…"), QPushButton("Add…")
        self.remove = QPushButton("Remove")
        self._build()
        self._connect()
        self.resize(*_SIZE)
        self._show()
        self._decoders.refresh()

    def _build(self) -> None:
        self.tree.setHeaderLabels(list(_COLUMNS))
        for column in range(1, len(_COLUMNS)):
            self.tree.headerItem().setTextAlignment(column, _RIGHT)
        self.tree.setRootIsDecorated(False)
        self.tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setStretchLastSection(False)
        self.column.addWidget(self.tree, 1)
        note = muted(
            "IoU before → after, each on the held-out cells of its own training: numbers of different "
            "trainings can be compared only where they were measured on the same data."
        )
        note.setWordWrap(True)
        self.column.addWidget(note)
        grid = QGridLayout()
        grid.setSpacing(SPACE)
        order = (self.bring, self.export, self.rename, self.remove, self.report, self.back, self.use)
        for place, button in enumerate(order):
            button.setAutoDefault(False)
            grid.addWidget(button, 0, place + (place > 3))
        grid.setColumnStretch(4, 1)
        make_main(self.use)
        self.column.addLayout(grid)

    def _connect(self) -> None:
        self.tree.itemSelectionChanged.connect(self._enable)
        self.tree.itemChanged.connect(self._on_typed)
        self.tree.itemDoubleClicked.connect(lambda *_: self.use_selected())
        self.use.clicked.connect(self.use_selected)
        self.back.clicked.connect(self._decoders.roll_back)
        self.rename.clicked.connect(self.edit_title)
        self.export.clicked.connect(self._ask_export)
        self.bring.clicked.connect(self._ask_bring)
        self.remove.clicked.connect(lambda: self._decoders.remove(self.selected))
        self.report.clicked.connect(self.open_report)
        listen(self, self._decoders.changed, self._show)
        listen(self, self._session.encoding.changed, self._enable)

    # -- what is selected --------------------------------------------------------------------------

    @property
    def selected(self) -> str:
        """Name of the selected decoder, "" for the model's own or none."""
        chosen = self.tree.selectedItems()
        return chosen[0].data(0, _NAME) if chosen else OWN

    def select(self, name: str) -> None:
        """Select a row."""
        for item in self._items():
            if item.data(0, _NAME) == name:
                self.tree.setCurrentItem(item)

    def use_selected(self) -> None:
        """Answer with the selected decoder from now on."""
        if self.tree.selectedItems():
            self._decoders.use(self.selected)

    def edit_title(self) -> None:
        """Let the title of the selected decoder be typed over."""
        for item in self.tree.selectedItems():
            self.tree.editItem(item, 0)

    def open_report(self) -> None:
        """Open the page about its training in the browser."""
        decoder = self._decoders.get(self.selected)
        if decoder is not None and decoder.report is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(decoder.report)))

    # -- showing -----------------------------------------------------------------------------------

    def _show(self) -> None:
        chosen, in_use = self.selected, self._decoders.in_use
        self.tree.blockSignals(True)
        self.tree.clear()
        own = QTreeWidgetItem(self.tree, [f"The model's own ({self._session.encoding.model})"])
        own.setData(0, _NAME, OWN)
        _embolden(own, in_use is None)
        for decoder in self._decoders.known:
            _embolden(self._add(decoder), decoder == in_use)
        self.tree.blockSignals(False)
        self.select(chosen)
        self._enable()

    def _add(self, decoder: TrainedDecoder) -> QTreeWidgetItem:
        numbers = [_change(decoder.before, decoder.after, *what) for what in _MEASURED]
        cells = _NOTHING if decoder.after is None else str(decoder.after.cells)
        item = QTreeWidgetItem(self.tree, [decoder.title, *numbers, cells, decoder.made[:10]])
        item.setData(0, _NAME, decoder.name)
        item.setToolTip(0, str(decoder.manifest.get("verdict", {}).get("sentence", "")))
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        for column in range(1, len(_COLUMNS)):
            item.setTextAlignment(column, _RIGHT)
        return item

    def _enable(self) -> None:
        decoder, any_row = self._decoders.get(self.selected), bool(self.tree.selectedItems())
        in_use = self._decoders.in_use
        self.use.setEnabled(any_row and decoder != in_use)
        self.back.setEnabled(self._decoders.can_roll_back)
        before = self._decoders.before
        self.back.setToolTip(f"Return to {'the model’s own' if before is None else before.title}")
        for button in (self.rename, self.export, self.remove):
            button.setEnabled(decoder is not None)
        self.report.setEnabled(decoder is not None and decoder.report is not None)

    def _items(self) -> list[QTreeWidgetItem]:
        items = (self.tree.topLevelItem(row) for row in range(self.tree.topLevelItemCount()))
        return [item for item in items if item is not None]

    # -- asking ------------------------------------------------------------------------------------

    def _on_typed(self, item: QTreeWidgetItem, column: int) -> None:
        decoder = self._decoders.get(item.data(0, _NAME))
        if column == 0 and decoder is not None and item.text(0) != decoder.title:
            self._decoders.rename(decoder.name, item.text(0))

    def _ask_export(self) -> None:
        decoder = self._decoders.get(self.selected)
        if decoder is None:
            return
        name, _ = QFileDialog.getSaveFileName(self, "Export to a new folder", decoder.name)
        if name:
            self._decoders.export(decoder.name, Path(name))

    def _ask_bring(self) -> None:
        if name := QFileDialog.getExistingDirectory(self, "Add the decoder in a folder"):
            self._decoders.bring(Path(name))


def _change(before: Scores | None, after: Scores | None, kind: str, corrections: int) -> str:
    new = None if after is None else after.iou(kind, corrections)
    if new is None:
        return _NOTHING
    old = None if before is None else before.iou(kind, corrections)
    return f"{new:.2f}" if old is None else f"{old:.2f} → {new:.2f}"


def _embolden(item: QTreeWidgetItem, on: bool) -> None:
    font = item.font(0)
    font.setBold(on)
    for column in range(len(_COLUMNS)):
        item.setFont(column, font)
