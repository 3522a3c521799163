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

_HERE = ("Here: point", "and 3 clicks", "box")
_COLUMNS = ("Decoder", "One point", "and 3 clicks", "Box", "Held-out cells", "Made", *_HERE)
_FIRST_HERE = 6
_MEASURED = (("point", 0), ("point", 3), ("box", 0))
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_NAME = Qt.ItemDataRole.UserRole
_SIZE = (820, 380)
_NOTHING = "–"


class DecodersDialog(Dialog):
    """A list of all decoders that fit the model in use; the one in use stands in bold."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Decoders", parent)
        self._session = session
        self._decoders = session.decoders
        self._comparing = session.comparing
        self.tree = QTreeWidget()
        self.use, self.back = QPushButton("Use now"), QPushButton("Roll back")
        self.report, self.rename = QPushButton("Report"), QPushButton("Rename")
        self.export, self.bring = QPushButton("Export…"), QPushButton("Add…")
        self.compare, self.note = QPushButton("Compare here"), muted()
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
        self.note.setWordWrap(True)
        self.column.addWidget(self.note)
        self.compare.setToolTip("Measure all of them on the curated cells of the open project")
        grid = QGridLayout()
        grid.setSpacing(SPACE)
        left = (self.bring, self.export, self.rename, self.remove, self.compare)
        order = (*left, self.report, self.back, self.use)
        for place, button in enumerate(order):
            button.setAutoDefault(False)
            grid.addWidget(button, 0, place + (place >= len(left)))
        grid.setColumnStretch(len(left), 1)
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
        self.compare.clicked.connect(self.compare_here)
        listen(self, self._comparing.changed, self._show)
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

    def compare_here(self) -> None:
        """Measure all decoders on the cells of the open project, or stop doing so."""
        if self._comparing.running:
            self._comparing.cancel()
        else:
            self._comparing.start([OWN, *(decoder.name for decoder in self._decoders.known)])

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
        self._show_here(own, OWN)
        for decoder in self._decoders.known:
            _embolden(self._add(decoder), decoder == in_use)
        self.tree.blockSignals(False)
        self.select(chosen)
        self._explain()
        self._enable()

    def _explain(self) -> None:
        comparing = self._comparing
        compared = bool(comparing.results) or comparing.running
        for column in range(_FIRST_HERE, len(_COLUMNS)):
            self.tree.setColumnHidden(column, not compared)
        if comparing.error:
            self.note.setText(comparing.error)
        elif compared:
            cells = next((scores.cells for scores in comparing.results.values()), None)
            measured = (
                "being measured" if cells is None else f"measured on {cells} curated cells of this project"
            )
            self.note.setText(
                f"The columns at the right are {measured}, the same for each decoder. A decoder that learned "
                "from these cells is flattered by them."
            )
        else:
            self.note.setText(
                "IoU before → after, each on the held-out cells of its own training: numbers of different "
                "trainings cannot be compared. Compare here measures all of them on the same cells."
            )

    def _add(self, decoder: TrainedDecoder) -> QTreeWidgetItem:
        numbers = [_change(decoder.before, decoder.after, *what) for what in _MEASURED]
        cells = _NOTHING if decoder.after is None else str(decoder.after.cells)
        item = QTreeWidgetItem(self.tree, [decoder.title, *numbers, cells, decoder.made[:10]])
        item.setData(0, _NAME, decoder.name)
        item.setToolTip(0, str(decoder.manifest.get("verdict", {}).get("sentence", "")))
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        self._show_here(item, decoder.name)
        return item

    def _show_here(self, item: QTreeWidgetItem, name: str) -> None:
        """What was measured on the open project."""
        for column in range(1, len(_COLUMNS)):
            item.setTextAlignment(column, _RIGHT)
        scores = self._comparing.results.get(name)
        for column, what in enumerate(_MEASURED, start=_FIRST_HERE):
            item.setText(column, "" if scores is None else _change(None, scores, *what))

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
        self.compare.setEnabled(self._session.movie is not None)
        self.compare.setText("Stop comparing" if self._comparing.running else "Compare here")

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
