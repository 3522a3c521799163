"""The layer list as a table model that touches only the rows an edit touches.

Rows are filtered and sorted here rather than by a proxy: with thousands of cells a proxy would ask Python
for every value again and again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui.listening import listen
from cellsam_desktop.ui.palette import colour_at
from cellsam_desktop.ui.panels.layers.rows import Column, Query, Row, area_on, row_of

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()

CellIdRole = int(Qt.ItemDataRole.UserRole)
StateRole = CellIdRole + 1
"""Whether an eye, lock or solo column is switched on."""
ColourRole = CellIdRole + 2
"""The colour of the cell as (red, green, blue)."""

_FLAGS = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
_NAME_FLAGS = _FLAGS | Qt.ItemFlag.ItemIsEditable

FEW = 50
"""So many rows are looked up one by one; for more it is cheaper to go through the list."""

BULK = 200
"""An edit of more cells than this (an import) lists everything anew instead of row by row."""

_COLUMNS = tuple(Column)
_HEADERS = {
    Column.NAME: "Name", Column.ID: "ID", Column.FRAMES: "Frames", Column.MASKS: "Masks", Column.AREA: "Area",
    Column.DOUBT: "!",
}  # fmt: skip
_TIPS = {
    Column.EYE: "Shown or hidden",
    Column.LOCK: "Locked cells refuse changes",
    Column.SOLO: "Show only these cells",
    Column.NAME: "Double-click to rename",
    Column.ID: "The cell's id, never reused",
    Column.FRAMES: "First and last frame",
    Column.MASKS: "Number of masks",
    Column.DOUBT: "Doubtful masks, the likeliest mistakes first",
}


class LayerModel(QAbstractTableModel):
    """The cells of the open movie that match ``query``. ``changing`` is true while rows come and go.

    What a row says is found out when it is asked for: for the rows in view, and for all only when the order
    or the filter needs it. ``read`` counts the rows found out so far.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.read = 0
        self._rows: dict[int, Row] = {}
        self._order: list[int] = []
        self._places: dict[int, tuple[Any, ...]] = {}
        self._ranked = session.reviewing.ranked
        self.query = Query()
        self.changing = False
        listen(self, session.movie_changed, self.list_anew)
        listen(self, session.document_changed, self._on_document)
        listen(self, session.view.changed, self._on_view)
        listen(self, session.colouring.changed, self._on_colours)
        listen(self, session.reviewing.changed, self._on_doubts)
        self.list_anew()

    # -- reading -----------------------------------------------------------------------------------

    @property
    def ids(self) -> list[int]:
        """The listed cells, in the order of their rows."""
        return self._order[::-1] if self.query.descending else list(self._order)

    @property
    def total(self) -> int:
        """How many cells there are, listed or not."""
        return 0 if self._document is None else len(self._document)

    def id_at(self, row: int) -> int:
        """The cell of a row."""
        return self._order[len(self._order) - 1 - row if self.query.descending else row]

    def row_of_cell(self, cell_id: int) -> int | None:
        """The row of a cell, or None while it is not listed."""
        place = self._places.get(cell_id)
        return None if place is None else self._flip(self._position(place), len(self._order) - 1)

    def rows_of_cells(self, ids: Sequence[int]) -> list[int]:
        """The rows of those cells that are listed, ascending."""
        if len(ids) <= FEW:
            return sorted(row for i in ids if (row := self.row_of_cell(i)) is not None)
        wanted = set(ids)
        return [row for row, cell_id in enumerate(self.ids) if cell_id in wanted]

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """Number of listed cells."""
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """Number of columns."""
        return 0 if parent.isValid() else len(Column)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What Qt asks about one place of the table."""
        row, column = self._row(self.id_at(index.row())), _COLUMNS[index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(row, column)
            case Qt.ItemDataRole.EditRole if column is Column.NAME:
                return row.name
            case Qt.ItemDataRole.TextAlignmentRole if column > Column.NAME:
                return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            case Qt.ItemDataRole.ToolTipRole:
                return self._tip(row, column)
            case int() if role == CellIdRole:
                return row.cell_id
            case int() if role == ColourRole:
                colouring = self._session.colouring
                return colour_at(colouring.row(row.cell_id), colouring.by)
            case int() if role == StateRole:
                return self._state(row, column)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Titles and tips of the columns."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = Column(section)
        if role == Qt.ItemDataRole.DisplayRole:
            return _HEADERS.get(column, "")
        if role == Qt.ItemDataRole.ToolTipRole:
            return _TIPS.get(column, f"Area on this frame in {self._area_unit()[1]}")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column > Column.NAME else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Every row can be selected; names can be edited."""
        return _NAME_FLAGS if index.column() == Column.NAME else _FLAGS

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Rename a cell; the list changes when the document has."""
        if role != Qt.ItemDataRole.EditRole or index.column() != Column.NAME:
            return False
        self._session.editing.rename(self.id_at(index.row()), str(value))
        return True

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column, as the header asks."""
        query = self.query
        self.ask(Query(query.text, query.show, Column(column), order is Qt.SortOrder.DescendingOrder))

    # -- changing ----------------------------------------------------------------------------------

    def ask(self, query: Query) -> None:
        """List other cells, or in another order."""
        if query != self.query:
            self.query = query
            self._relist()

    def list_anew(self) -> None:
        """Read the whole document: after opening, and after edits of very many cells."""
        self._rows = {}
        self._relist()

    @property
    def _document(self) -> Document | None:
        return None if self._session.movie is None else self._session.movie.document

    def _on_document(self, changes: ChangeSet) -> None:
        if changes.calibration:
            self._touch_columns(Column.AREA, Column.AREA)
        touched = changes.touched_cells
        if len(touched) > BULK:
            self.list_anew()
            return
        for cell_id in sorted(touched):
            self._update(cell_id)

    def _on_view(self, names: frozenset[str]) -> None:
        if (names & {"t", "z"} and self.query.follows_frame) or (
            names & {"hidden", "solo"} and self.query.follows_visibility
        ):
            self._relist()
            return
        if names & {"t", "z"}:
            self._touch_columns(Column.AREA, Column.AREA)
        if "t" in names and self._session.colouring.by.measured:
            self._on_colours()
        if names & {"hidden", "solo"}:
            self._touch_columns(Column.EYE, Column.NAME)

    def _on_colours(self) -> None:
        self._touch_columns(Column.NAME, Column.NAME)

    def _on_doubts(self) -> None:
        before, self._ranked = self._ranked, self._session.reviewing.ranked
        if self._ranked is before:
            return  # another frame, or another place in the queue: the doubts are the same
        if self.query.sort is Column.DOUBT:
            self._relist()
            return
        changed = {doubt.cell_id for doubt in before} ^ {doubt.cell_id for doubt in self._ranked}
        if len(changed) > FEW:
            self._touch_columns(Column.DOUBT, Column.DOUBT)
            return
        for row in self.rows_of_cells(list(changed)):
            place = self.index(row, Column.DOUBT)
            self.dataChanged.emit(place, place)

    def _place(self, row: Row, document: Document) -> tuple[Any, ...]:
        """By what a cell is sorted."""
        if self.query.sort is not Column.DOUBT:
            return self.query.place(row, document, self._session.view)
        doubt = self._session.reviewing.worst(row.cell_id)
        return (0.0 if doubt is None else -doubt.score, row.cell_id)

    def _row(self, cell_id: int) -> Row:
        row = self._rows.get(cell_id)
        if row is None:
            assert self._document is not None, "without a movie no row is listed"
            self.read += 1
            row = self._rows[cell_id] = row_of(self._document, cell_id)
        return row

    def _update(self, cell_id: int) -> None:
        """Bring the row of one cell up to date, wherever it belongs now."""
        document = self._document
        assert document is not None
        before = self._places.get(cell_id)
        place = None
        self._rows.pop(cell_id, None)
        if cell_id in document:
            row = self._row(cell_id)
            if self.query.wants(row, document, self._session.view):
                place = self._place(row, document)
        if place == before and place is not None:
            at = self._flip(self._position(place), len(self._order) - 1)
            self.dataChanged.emit(self.index(at, 0), self.index(at, len(Column) - 1))
        elif place != before:
            self._take_out(cell_id)
            self._put_in(cell_id, place)

    def _take_out(self, cell_id: int) -> None:
        place = self._places.get(cell_id)
        if place is None:
            return
        position = self._position(place)
        at = self._flip(position, len(self._order) - 1)
        with self._rows_changing():
            self.beginRemoveRows(_NOWHERE, at, at)
            del self._order[position], self._places[cell_id]
            self.endRemoveRows()

    def _put_in(self, cell_id: int, place: tuple[Any, ...] | None) -> None:
        if place is None:
            return
        position = self._position(place)
        at = self._flip(position, len(self._order))
        with self._rows_changing():
            self.beginInsertRows(_NOWHERE, at, at)
            self._order.insert(position, cell_id)
            self._places[cell_id] = place
            self.endInsertRows()

    def _relist(self) -> None:
        """Filter and sort everything."""
        document, query, view = self._document, self.query, self._session.view
        places: dict[int, tuple[Any, ...]] = {}
        if document is not None and query.plain:
            places = {cell_id: (cell_id,) for cell_id in document.cell_ids}
        elif document is not None:
            rows = map(self._row, query.candidates(document, view))
            places = {
                row.cell_id: self._place(row, document) for row in rows if query.wants(row, document, view)
            }
        with self._rows_changing():
            self.beginResetModel()
            self._places = places
            self._order = sorted(places, key=places.__getitem__)
            self.endResetModel()

    def _touch_columns(self, first: Column, last: Column) -> None:
        if self._order:
            self.dataChanged.emit(self.index(0, first), self.index(len(self._order) - 1, last))

    @contextmanager
    def _rows_changing(self) -> Iterator[None]:
        self.changing = True
        try:
            yield
        finally:
            self.changing = False

    def _position(self, place: tuple[Any, ...]) -> int:
        return bisect_left(self._order, place, key=self._places.__getitem__)

    def _flip(self, position: int, last: int) -> int:
        return last - position if self.query.descending else position

    # -- texts -------------------------------------------------------------------------------------

    def _text(self, row: Row, column: Column) -> str | None:
        match column:
            case Column.NAME:
                return row.title
            case Column.ID:
                return str(row.cell_id)
            case Column.FRAMES:
                return row.frames
            case Column.MASKS:
                return str(row.masks)
            case Column.AREA:
                return self._area(row.cell_id)
            case Column.DOUBT:
                return "" if self._session.reviewing.worst(row.cell_id) is None else "!"
        return None

    def _tip(self, row: Row, column: Column) -> str | None:
        if column is Column.DOUBT and (doubt := self._session.reviewing.of(row.cell_id)) is not None:
            return f"Frame {doubt.key.t + 1}: {doubt.words}"
        return row.title if column is Column.NAME else _TIPS.get(column)

    def _area(self, cell_id: int) -> str:
        document = self._document
        area = None if document is None else area_on(document, cell_id, self._session.view.key)
        if area is None:
            return ""
        scale, unit = self._area_unit()
        return f"{area * scale:.1f}" if unit == "µm²" else str(area)

    def _area_unit(self) -> tuple[float, str]:
        size = None if self._document is None else self._document.calibration.pixel_size_um
        return (1.0, "px") if size is None else (size * size, "µm²")

    def _state(self, row: Row, column: Column) -> bool | None:
        view = self._session.view
        match column:
            case Column.EYE:
                return view.is_visible(row.cell_id)
            case Column.LOCK:
                return row.locked
            case Column.SOLO:
                return row.cell_id in view.solo
            case Column.NAME:
                return bool(row.name)
        return None
