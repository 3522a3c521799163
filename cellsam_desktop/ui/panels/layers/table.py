"""The view of the layer list; its selection and the session's are one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui.listening import listen
from cellsam_desktop.ui.panels.layers.delegate import LayerDelegate
from cellsam_desktop.ui.panels.layers.model import Index, LayerModel
from cellsam_desktop.ui.panels.layers.rows import Column

_ROW_HEIGHT = 24
_SWITCHES = (Column.EYE, Column.LOCK, Column.SOLO)
_WIDTHS = {
    Column.ID: "888",
    Column.FRAMES: "88–888",
    Column.MASKS: "Masks",
    Column.AREA: "888.8",
    Column.DOUBT: "",
}


class LayerTable(QTableView):
    """Rows of cells. Switches leave the selection alone; ``menu_asked`` is a right click."""

    menu_asked = Signal(QPoint)

    def __init__(self, session: Session, model: LayerModel) -> None:
        super().__init__()
        self._session = session
        self._layers = model
        self._following = False
        self.setModel(model)
        self.setItemDelegate(LayerDelegate(self))
        self._look()
        self.selectionModel().selectionChanged.connect(self._on_selected)
        for signal in (model.rowsInserted, model.rowsRemoved, model.modelReset):
            signal.connect(self._follow)
        listen(self, session.view.changed, self._on_view)
        self._follow()

    def _look(self) -> None:
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self.menu_asked)
        self.setAccessibleName("Cells")
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(_ROW_HEIGHT)
        columns = self.horizontalHeader()
        columns.setHighlightSections(False)
        # The header would ask for every row whether it is selected, to show columns that are wholly selected.
        columns.setSelectionModel(QItemSelectionModel(self._layers, columns))
        columns.setMinimumSectionSize(20)
        columns.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        for switch in _SWITCHES:
            self.setColumnWidth(switch, 22)
        for column, sample in _WIDTHS.items():
            self.setColumnWidth(column, self.fontMetrics().horizontalAdvance(sample) + 13)
        self.setSortingEnabled(True)
        self.sortByColumn(Column.ID, Qt.SortOrder.AscendingOrder)

    # -- mouse -------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A switch acts at once; everywhere else Qt selects."""
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid() and index.column() in _SWITCHES:
            self._switch(index)
            return
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Two quick clicks on a switch are two clicks."""
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and index.column() in _SWITCHES:
            self.mousePressEvent(event)
            return
        super().mouseDoubleClickEvent(event)

    def _switch(self, index: QModelIndex) -> None:
        """Act on the cell of the row, or on the whole selection if the row is part of it."""
        cell_id = self._layers.id_at(index.row())
        selection = self._session.view.selection
        ids = selection if cell_id in selection else (cell_id,)
        editing, movie = self._session.editing, self._session.movie
        match Column(index.column()):
            case Column.EYE:
                editing.toggle_visible(ids)
            case Column.SOLO:
                editing.toggle_solo(ids)
            case Column.LOCK if movie is not None:
                editing.set_locked(ids, not movie.document.cell(cell_id).locked)

    # -- painting ----------------------------------------------------------------------------------

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] = ()) -> None:
        """Repaint the places that changed: Qt would repaint every place in view for one column."""
        if self.state() == QAbstractItemView.State.EditingState:
            super().dataChanged(first, last, roles)
            return
        self.viewport().update(self.visualRect(first) | self.visualRect(last))

    # -- selection ---------------------------------------------------------------------------------

    def _on_selected(self) -> None:
        if self._following or self._layers.changing:
            return
        listed, before = self._layers.ids, self._session.view.selection
        ids = {cell_id for first, last in self._selected_runs() for cell_id in listed[first : last + 1]}
        kept = [i for i in before if i in ids]
        self._session.editing.select([*kept, *sorted(ids.difference(kept))])

    def _on_view(self, names: frozenset[str]) -> None:
        if "selection" in names:
            self._follow()

    def _follow(self) -> None:
        """Select the rows of the session's selection and show the last of them."""
        wanted = runs_of_rows(self._layers.rows_of_cells(self._session.view.selection))
        if wanted == self._selected_runs():
            return
        self._following = True
        try:
            how = QItemSelectionModel.SelectionFlag
            self.selectionModel().select(self._selection_of(wanted), how.ClearAndSelect | how.Rows)
        finally:
            self._following = False
        self._reveal()

    def _selected_runs(self) -> list[tuple[int, int]]:
        """First and last of every run of selected rows. Qt keeps ranges; asking it for rows, or for indexes,
        would ask Python about every place of the table.
        """
        ranges = self.selectionModel().selection()
        parts = (ranges.at(number) for number in range(ranges.count()))
        return joined_runs((part.top(), part.bottom()) for part in parts)

    def _selection_of(self, runs: Iterable[tuple[int, int]]) -> QItemSelection:
        selection = QItemSelection()
        for first, last in runs:
            selection.select(self._layers.index(first, 0), self._layers.index(last, len(Column) - 1))
        return selection

    def _reveal(self) -> None:
        selection = self._session.view.selection
        row = self._layers.row_of_cell(selection[-1]) if selection else None
        if row is not None and not self.hasFocus():
            index = self._layers.index(row, Column.NAME)
            self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
            self.scrollTo(index)


def runs_of_rows(rows: Iterable[int]) -> list[tuple[int, int]]:
    """First and last of every run of neighbouring rows: one range instead of many."""
    return joined_runs((row, row) for row in rows)


def joined_runs(runs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same rows in as few runs as possible, ascending."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(runs):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found
