from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QModelIndex, QObject, QRect, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from cellsam_desktop.core.edits import AddCell, ChangeCell, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source
from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui.dialogs.desk import Desk
from cellsam_desktop.ui.panels.layers import LayersPanel
from cellsam_desktop.ui.panels.layers.model import LayerModel
from cellsam_desktop.ui.panels.layers.rows import Column, Query, Show
from cellsam_desktop.ui.panels.layers.table import LayerTable, runs_of_rows

MANY = 5000


@pytest.fixture
def model(ready: Session) -> LayerModel:
    return LayerModel(ready)


class Touched:
    """What a model told its views."""

    def __init__(self, model: LayerModel) -> None:
        self.cells = 0
        self.inserted = self.removed = self.resets = 0
        model.dataChanged.connect(self._on_data)
        model.rowsInserted.connect(lambda _, first, last: self._count("inserted", first, last))
        model.rowsRemoved.connect(lambda _, first, last: self._count("removed", first, last))
        model.modelReset.connect(lambda: self._count("resets", 0, 0))

    def _on_data(self, first: QModelIndex, last: QModelIndex) -> None:
        self.cells += (last.row() - first.row() + 1) * (last.column() - first.column() + 1)

    def _count(self, name: str, first: int, last: int) -> None:
        setattr(self, name, getattr(self, name) + last - first + 1)

    def take(self) -> tuple[int, int, int, int]:
        """Places changed, rows inserted, rows removed, resets since the last time."""
        seen = (self.cells, self.inserted, self.removed, self.resets)
        self.cells = self.inserted = self.removed = self.resets = 0
        return seen


def _text(model: LayerModel, cell_id: int, column: Column) -> str:
    row = model.row_of_cell(cell_id)
    assert row is not None
    return model.index(row, column).data()


def _fill(session: Session, count: int, first: int = 1) -> None:
    """Many cells in one transaction, each with masks on two frames; the project file is not written."""
    mask = Mask.from_array(np.ones((3, 4), bool), 5, 5)
    assert mask is not None
    assert session.movie is not None
    record = MaskRecord(mask, Source.IMPORTED)
    ids = range(first, first + count)
    edits: list[object] = [AddCell(Cell(i)) for i in ids]
    edits += [SetMask(i, PlaneKey(i % 3 + t), record) for i in ids for t in (0, 1)]
    changes = session.movie.history.commit("Fill", edits)  # type: ignore[arg-type]
    session.document_changed.emit(changes)


def test_a_row_tells_about_its_cell(ready: Session, model: LayerModel, put_cell: Callable[..., int]) -> None:
    cell = put_cell(10, 10, 4, 6)
    put_cell(10, 12, 4, 5, t=2, cell_id=cell)
    ready.editing.rename(cell, "mother")
    assert model.ids == [cell]
    assert _text(model, cell, Column.NAME) == "mother"
    assert _text(model, cell, Column.ID) == "1"
    assert _text(model, cell, Column.FRAMES) == "1–3"
    assert _text(model, cell, Column.MASKS) == "2"
    assert _text(model, cell, Column.AREA) == "6.0"  # 24 pixels of 0.25 square micrometres
    ready.navigation.go_to(1)
    assert _text(model, cell, Column.AREA) == ""
    ready.navigation.go_to(2)
    assert _text(model, cell, Column.AREA) == "5.0"
    ready.editing.set_calibration(Calibration())
    assert _text(model, cell, Column.AREA) == "20"


def test_an_edit_touches_its_own_row_only(
    ready: Session, model: LayerModel, put_cell: Callable[..., int]
) -> None:
    for i in range(5):
        put_cell(5 * i, 5, 3, 3)
    touched = Touched(model)
    put_cell(5, 5, 4, 4, cell_id=2)
    assert touched.take() == (len(Column), 0, 0, 0)
    put_cell(40, 40, 4, 4)
    assert touched.take() == (0, 1, 0, 0)
    ready.undo()
    assert touched.take() == (0, 0, 1, 0)
    ready.editing.rename(3, "x")
    assert touched.take() == (len(Column), 0, 0, 0)


def test_a_step_touches_one_column_only(
    ready: Session, model: LayerModel, put_cell: Callable[..., int]
) -> None:
    for i in range(5):
        put_cell(5 * i, 5, 3, 3)
    touched = Touched(model)
    ready.navigation.step(1)
    assert touched.take() == (5, 0, 0, 0)
    ready.view.set(brush_radius=3.0)
    assert touched.take() == (0, 0, 0, 0)


def test_thousands_of_cells_stay_fluid(ready: Session, model: LayerModel) -> None:
    _fill(ready, MANY)
    assert model.rowCount() == MANY
    touched = Touched(model)
    assert model.read == 0
    for i in range(90, 51 * 90, 90):
        changes = ready.movie.history.commit("Name", [ChangeCell(Cell(i, name=f"n{i}"))])
        ready.document_changed.emit(changes)
    assert touched.take() == (50 * len(Column), 0, 0, 0)
    assert model.read == 50
    model.ask(Query("n45", Show.HERE, Column.AREA, True))
    assert model.read <= 50 + ready.movie.document.count_on(PlaneKey(0))
    assert model.ids == [4500, 450]
    ready.navigation.go_to(2)
    assert model.ids == []


def test_sorting_and_filtering(ready: Session, model: LayerModel, put_cell: Callable[..., int]) -> None:
    put_cell(5, 5, 3, 3)
    put_cell(5, 20, 5, 5, t=1)
    put_cell(5, 40, 2, 2)
    ready.editing.rename(3, "Anna")
    ready.editing.rename(1, "bea")
    ready.editing.set_locked([2], True)
    ready.editing.toggle_visible([3])

    def listed(query: Query) -> list[int]:
        model.ask(query)
        return model.ids

    assert listed(Query(sort=Column.NAME)) == [3, 1, 2]
    assert listed(Query(sort=Column.AREA, descending=True)) == [1, 3, 2]
    assert listed(Query(sort=Column.ID, descending=True)) == [3, 2, 1]
    assert listed(Query(sort=Column.LOCK)) == [2, 1, 3]
    assert listed(Query(sort=Column.EYE)) == [1, 2, 3]
    assert listed(Query(sort=Column.FRAMES)) == [1, 3, 2]
    assert listed(Query(show=Show.HERE)) == [1, 3]
    assert listed(Query(show=Show.ELSEWHERE)) == [2]
    assert listed(Query(show=Show.LOCKED)) == [2]
    assert listed(Query(show=Show.HIDDEN)) == [3]
    assert listed(Query(show=Show.NAMED)) == [1, 3]
    assert listed(Query("ANN")) == [3]
    assert listed(Query("2")) == [2]
    assert listed(Query("nobody")) == []


def test_rows_come_and_go_with_the_filter(
    ready: Session, model: LayerModel, put_cell: Callable[..., int]
) -> None:
    put_cell(5, 5, 3, 3)
    put_cell(5, 20, 3, 3, t=1)
    model.ask(Query(show=Show.HERE))
    assert model.ids == [1]
    ready.navigation.step(1)
    assert model.ids == [2]
    touched = Touched(model)
    put_cell(5, 5, 3, 3, t=1, cell_id=1)
    assert model.ids == [1, 2]
    assert touched.take() == (0, 1, 0, 0)
    model.ask(Query(show=Show.LOCKED))
    ready.editing.set_locked([2], True)
    assert model.ids == [2]
    ready.editing.set_locked([2], False)
    assert model.ids == []


@pytest.mark.parametrize("descending", [False, True])
def test_a_row_moves_when_its_place_changes(
    ready: Session, model: LayerModel, put_cell: Callable[..., int], descending: bool
) -> None:
    for size in (2, 4, 6):
        put_cell(5, 10 * size, size, size)
    model.ask(Query(sort=Column.AREA, descending=descending))
    put_cell(5, 20, 9, 9, cell_id=1)
    assert model.ids == ([1, 3, 2] if descending else [2, 3, 1])
    assert [model.id_at(row) for row in range(3)] == model.ids
    assert [model.row_of_cell(i) for i in model.ids] == [0, 1, 2]


def test_runs_of_rows() -> None:
    assert runs_of_rows([5, 1, 2, 3, 7]) == [(1, 3), (5, 5), (7, 7)]
    assert runs_of_rows([]) == []


# -- the panel -----------------------------------------------------------------------------------------


@pytest.fixture
def panel(ready: Session, put_cell: Callable[..., int], desk: Desk, qtbot: QtBot) -> Iterator[LayersPanel]:
    for i in range(4):
        put_cell(5 + 10 * i, 5, 4, 4)
    panel = LayersPanel(ready, desk.actions)
    qtbot.addWidget(panel)
    panel.resize(380, 400)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def _click(
    panel: LayersPanel,
    qtbot: QtBot,
    cell_id: int,
    column: Column,
    keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    row = panel.model.row_of_cell(cell_id)
    assert row is not None
    place = panel.table.visualRect(panel.model.index(row, column)).center()
    qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, keys, place)


def _selected_rows(panel: LayersPanel) -> list[int]:
    return sorted(panel.model.id_at(index.row()) for index in panel.table.selectionModel().selectedRows())


def test_selection_goes_both_ways(ready: Session, panel: LayersPanel, qtbot: QtBot) -> None:
    _click(panel, qtbot, 2, Column.ID)
    assert ready.view.selection == (2,)
    _click(panel, qtbot, 4, Column.ID, Qt.KeyboardModifier.ControlModifier)
    assert ready.view.selection == (2, 4)
    ready.editing.select((3, 1))
    assert _selected_rows(panel) == [1, 3]
    assert ready.view.selection == (3, 1)
    ready.editing.select(())
    assert _selected_rows(panel) == []


class Painted(QObject):
    """The rectangles that a widget repaints."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.rects: list[QRect] = []
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.rects.append(event.region().boundingRect())
        return False


def test_a_step_repaints_the_areas_and_an_edit_its_row(
    ready: Session, panel: LayersPanel, put_cell: Callable[..., int], qtbot: QtBot
) -> None:
    qtbot.wait(50)
    painted, table = Painted(panel.table.viewport()), panel.table
    ready.navigation.step(1)
    qtbot.waitUntil(lambda: bool(painted.rects))
    assert min(rect.left() for rect in painted.rects) >= table.columnViewportPosition(Column.AREA)
    painted.rects.clear()
    put_cell(5, 5, 3, 3, t=1, cell_id=2)
    qtbot.waitUntil(lambda: bool(painted.rects))
    assert [(rect.top(), rect.height()) for rect in painted.rects] == [(table.rowViewportPosition(1), 24)]


class Asked(LayerModel):
    """Counts how often Qt asks whether a place can be selected."""

    asked = 0

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        self.asked += 1
        return super().flags(index)


def test_selecting_very_many_asks_for_no_place_of_the_table(ready: Session, desk: Desk, qtbot: QtBot) -> None:
    _fill(ready, MANY)
    model = Asked(ready)
    table = LayerTable(ready, model)
    qtbot.addWidget(table)
    table.show()
    qtbot.waitExposed(table)
    model.asked = model.read = 0
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.wait(50)
    assert len(ready.view.selection) == MANY
    assert 0 < model.asked < 500
    assert model.read < 50


def test_the_selection_survives_the_filter(ready: Session, panel: LayersPanel) -> None:
    ready.editing.select((2, 3))
    panel.search.setText("2")
    assert panel.model.ids == [2]
    assert ready.view.selection == (2, 3)
    panel.search.clear()
    assert _selected_rows(panel) == [2, 3]


def test_switches_leave_the_selection_alone(ready: Session, panel: LayersPanel, qtbot: QtBot) -> None:
    ready.editing.select((1,))
    _click(panel, qtbot, 2, Column.EYE)
    assert ready.view.hidden == {2}
    _click(panel, qtbot, 3, Column.SOLO)
    assert ready.view.solo == {3}
    _click(panel, qtbot, 4, Column.LOCK)
    assert ready.movie is not None
    assert ready.movie.document.cell(4).locked
    assert ready.view.selection == (1,)


def test_a_switch_of_a_selected_row_acts_on_the_selection(
    ready: Session, panel: LayersPanel, qtbot: QtBot
) -> None:
    ready.editing.select((1, 3))
    _click(panel, qtbot, 3, Column.EYE)
    assert ready.view.hidden == {1, 3}


def test_double_click_renames(ready: Session, panel: LayersPanel, qtbot: QtBot) -> None:
    _click(panel, qtbot, 2, Column.NAME)
    place = panel.table.visualRect(panel.model.index(1, Column.NAME)).center()
    qtbot.mouseDClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: panel.table.indexWidget(panel.model.index(1, Column.NAME)) is not None)
    editor = panel.table.indexWidget(panel.model.index(1, Column.NAME))
    qtbot.keyClicks(editor, "polar body")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert ready.movie is not None
    document = ready.movie.document
    qtbot.waitUntil(lambda: document.cell(2).name == "polar body")
    assert panel.model.index(1, Column.NAME).data() == "polar body"


def test_the_menu_offers_what_can_be_done(ready: Session, panel: LayersPanel, qtbot: QtBot) -> None:
    ready.editing.select((2,))
    menu = panel.context_menu()
    texts = [action.text() for action in menu.actions() if not action.isSeparator()]
    assert texts == [
        "Refine", "Rename…", "Lock or unlock", "Hide or show", "Show alone",
        "Delete here", "Delete from here on",
    ]  # fmt: skip
    menu.deleteLater()


def test_count_and_opacity(ready: Session, panel: LayersPanel) -> None:
    assert panel.count.text() == "4 cells"
    panel.show_choice.setCurrentText(Show.LOCKED.value)
    assert panel.count.text() == "0 of 4 cells"
    panel.opacity.setValue(80)
    assert ready.view.opacity == 0.8
    ready.editing.set_opacity(0.3)
    assert panel.opacity.value() == 30


def test_closing_the_movie_empties_the_list(ready: Session, panel: LayersPanel) -> None:
    ready.close_movie()
    assert panel.model.rowCount() == 0
    assert panel.count.text() == "0 cells"
