"""What to learn from: the open project, other projects, folders; with what each of them holds."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cellsam_desktop.project.schema import SUFFIX
from cellsam_desktop.ui.dialogs.training.words import NOTHING, DataCount
from cellsam_desktop.ui.theme import SPACE, TIGHT

_COLUMNS = ("Data", "Learn", "Choose", "Judge")
_TIPS = (
    "Projects, folders with images and labels, folders of the Cell Tracking Challenge",
    "Cells that are learned from",
    "Cells of other frames, which choose the best weights",
    "Cells of yet other frames, which say whether the new decoder is better",
)
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_PATH = Qt.ItemDataRole.UserRole


class DataList(QWidget):
    """A row per set of data; ``changed`` follows each choice. The open project has a box to tick."""

    changed = Signal()

    def __init__(self, project: Path | None, others: tuple[Path, ...] = (), *, ticked: bool = True) -> None:
        super().__init__()
        self.tree = QTreeWidget()
        self.tree.setRootIsDecorated(False)
        self.tree.setHeaderLabels(list(_COLUMNS))
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.tree.setMinimumHeight(110)
        self.tree.setMaximumHeight(200)
        self.tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setStretchLastSection(False)
        for column, tip in enumerate(_TIPS):
            self.tree.headerItem().setToolTip(column, tip)
            self.tree.headerItem().setTextAlignment(column, _RIGHT if column else _LEFT)
        self._project: QTreeWidgetItem | None = None
        if project is not None:
            self.set_project(project, ticked=ticked)
        for path in others:
            self._add(path)
        self._add_buttons()
        self.tree.itemChanged.connect(lambda *_: self.changed.emit())
        self.tree.itemSelectionChanged.connect(self._enable)
        self._enable()

    @property
    def this_project(self) -> bool:
        """Whether the open project is learned from."""
        return self._project is not None and self._project.checkState(0) == Qt.CheckState.Checked

    @property
    def others(self) -> tuple[Path, ...]:
        """The other projects and folders, in order."""
        return tuple(item.data(0, _PATH) for item in self._items() if item is not self._project)

    def set_project(self, project: Path | None, *, ticked: bool = True) -> None:
        """Another project is open, or none; its row is the first."""
        if self._project is not None:
            self.tree.takeTopLevelItem(self.tree.indexOfTopLevelItem(self._project))
        self._project = None if project is None else self._add_project(project, ticked)

    def add(self, path: Path) -> None:
        """Learn from another project or folder; the open project is ticked, if it is that."""
        if self._project is not None and _is_same(path, self._project.data(0, _PATH)):
            self._project.setCheckState(0, Qt.CheckState.Checked)
        elif not any(_is_same(path, other) for other in self.others):
            self._add(path)
            self.changed.emit()

    def remove_selected(self) -> None:
        """Take the selected row away; the open project is only unticked."""
        for item in self.tree.selectedItems():
            if item is self._project:
                item.setCheckState(0, Qt.CheckState.Unchecked)
            else:
                self.tree.takeTopLevelItem(self.tree.indexOfTopLevelItem(item))
                self.changed.emit()

    def show_counts(self, counts: list[DataCount]) -> None:
        """Fill in what each set of data has, in the order of the rows that take part."""
        rows = [item for item in self._items() if item is not self._project or self.this_project]
        rows = rows[len(rows) - len(counts) :]  # the first, an open project without a mask, has no count
        self.tree.blockSignals(True)
        for item in self._items():
            _clear(item)
        for item, count in zip(rows, counts, strict=False):
            for column, (cells, frames) in enumerate(zip(count.cells, count.frames, strict=True), start=1):
                item.setText(column, f"{cells} / {frames}" if cells else NOTHING)
                item.setToolTip(column, f"{cells} cells on {frames} frames")
        self.tree.blockSignals(False)

    # -- building ----------------------------------------------------------------------------------

    def _add_project(self, project: Path, ticked: bool) -> QTreeWidgetItem:
        item = _row(project)
        self.tree.insertTopLevelItem(0, item)
        item.setText(0, f"This project ({project.name.removesuffix(SUFFIX)})")
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(0, Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        return item

    def _add(self, path: Path) -> None:
        self.tree.addTopLevelItem(_row(path))

    def _add_buttons(self) -> None:
        project, folder = QPushButton("Add a project…"), QPushButton("Add a folder…")
        self.remove = QPushButton("Remove")
        project.clicked.connect(self._ask_project)
        folder.clicked.connect(self._ask_folder)
        self.remove.clicked.connect(self.remove_selected)
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        for button in (project, folder, self.remove):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(TIGHT)
        column.addWidget(self.tree, 1)
        column.addLayout(row)

    def _items(self) -> list[QTreeWidgetItem]:
        items = (self.tree.topLevelItem(row) for row in range(self.tree.topLevelItemCount()))
        return [item for item in items if item is not None]

    def _enable(self) -> None:
        self.remove.setEnabled(bool(self.tree.selectedItems()))

    def _ask_project(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, "Learn from projects", "", f"Projects (*{SUFFIX})")
        for name in names:
            self.add(Path(name))

    def _ask_folder(self) -> None:
        title = "Learn from a folder with images and labels, or of the Cell Tracking Challenge"
        if name := QFileDialog.getExistingDirectory(self, title):
            self.add(Path(name))


def _row(path: Path) -> QTreeWidgetItem:
    item = QTreeWidgetItem([path.name])
    item.setData(0, _PATH, path)
    item.setToolTip(0, str(path))
    for column in range(1, len(_COLUMNS)):
        item.setTextAlignment(column, _RIGHT)
    return item


def _is_same(path: Path, other: Path) -> bool:
    return path.resolve() == other.resolve()


def _clear(item: QTreeWidgetItem) -> None:
    for column in range(1, len(_COLUMNS)):
        item.setText(column, "")
        item.setToolTip(column, "")
