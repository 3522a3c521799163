"""The lineage panel: what it draws, what the mouse and the keys do, and how little work that is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cellsam_desktop.analysis.colouring import ColourBy
from cellsam_desktop.analysis.forest import layout
from cellsam_desktop.core.edits import AddDivision, RemoveDivision
from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui.palette import colour_of, ink
from cellsam_desktop.ui.panels.lineage import LineagePanel
from cellsam_desktop.ui.panels.lineage.drawing import Ink, Window, draw, strokes
from cellsam_desktop.ui.panels.lineage.view import LineageView
from cellsam_desktop.ui.theme import Appearance

LEFT, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def panel(ready: Session, appearance: Appearance, put_cell: Callable[..., int], qtbot: QtBot) -> LineagePanel:
    """Cell 1 on frames 1 and 2 divides into 2 and 3, which live on; cell 4 lives on all four frames."""
    for t in (0, 1):
        put_cell(10, 10, 4, 4, t=t, cell_id=1)
    for t in (2, 3):
        put_cell(10, 10, 4, 2, t=t, cell_id=2)
        put_cell(10, 20, 4, 2, t=t, cell_id=3)
    for t in range(4):
        put_cell(40, 40, 4, 4, t=t, cell_id=4)
    ready.commit("Divide", [AddDivision(1, (2, 3))])
    panel = LineagePanel(ready)
    qtbot.addWidget(panel)
    panel.resize(360, 420)
    panel.prepare()
    panel.show()
    qtbot.waitExposed(panel)
    qtbot.waitUntil(lambda: panel.model.layouts == 1)
    settle()
    return panel


def settle() -> None:
    for _ in range(4):
        QApplication.processEvents()


def work(panel: LineagePanel) -> tuple[int, int, int]:
    """Layouts, pictures of the forest, and cells read so far."""
    settle()
    return panel.model.layouts, panel.view.branches.renders, panel.model.read


def place_of(panel: LineagePanel, cell_id: int, t: int) -> QPoint:
    view = panel.view
    index = view.forest.index(cell_id)
    assert index is not None
    scene = view.box.mapViewToScene(QPointF(view.forest.columns[index], t + 1))
    return view.mapFromScene(scene)


def click(panel: LineagePanel, place: QPoint, keys: Qt.KeyboardModifier = SHIFT & ~SHIFT) -> None:
    QTest.mouseMove(panel.view.viewport(), place)
    QTest.mouseClick(panel.view.viewport(), LEFT, keys, place)
    settle()


# -- the drawing -----------------------------------------------------------------------------------


def test_branches_are_drawn_where_their_cells_live() -> None:
    forest = layout({1: (0, 1), 2: (2, 3), 3: (3, 3)}, [(1, (2, 3))])
    ink = Ink(np.arange(256, dtype=np.uint32), np.array([1, 2, 3], np.uint8))
    picture = draw(forest, Window(-1, 2, 0.5, 4.5, 60, 80), ink)
    assert picture[10, 30] == 1
    assert picture[:40, 30].all()
    assert picture[60, 20] == 2
    assert picture[70, 40] == 3
    assert picture[50, 40] == 3  # she begins a frame late, and a thin line leads to her
    assert set(np.unique(picture[39:41, 23:38])) == {1}
    assert not picture[:, :15].any()


def test_a_branch_changes_its_colour_over_time() -> None:
    forest = layout({1: (1, 2)}, ())
    over_time = np.array([7, 9], np.uint8)
    ink = Ink(np.arange(256, dtype=np.uint32), np.zeros(1, np.uint8), over_time, np.zeros(1, np.intp))
    picture = draw(forest, Window(-1, 1, 0.5, 4.5, 20, 40), ink)
    assert picture[:, 10].tolist() == [0] * 10 + [7] * 10 + [9] * 10 + [0] * 10


def test_only_what_is_in_view_is_drawn() -> None:
    forest = layout(dict.fromkeys(range(1, 1001), (0, 9)), ())
    assert strokes(forest, Window(99.5, 109.5, 0.5, 4.5, 100, 100)).cells.size < 14


# -- the panel -------------------------------------------------------------------------------------


def test_it_shows_every_lineage_in_the_cells_colours(panel: LineagePanel) -> None:
    assert panel.view.forest.ids.tolist() == [1, 2, 3, 4]
    assert panel.count.text() == "2 lineages, 1 division"
    picture = panel.view.grab().toImage()
    for cell_id, t in ((1, 0), (2, 3), (4, 1)):
        at = place_of(panel, cell_id, t)
        shown = picture.pixelColor(at * panel.devicePixelRatioF())
        assert shown.getRgb()[:3] == tuple(ink(np.array([colour_of(cell_id)]), dark=False)[0])


def test_a_click_selects_and_goes_there(panel: LineagePanel, ready: Session) -> None:
    click(panel, place_of(panel, 3, 3))
    assert (ready.view.selection, ready.view.t) == ((3,), 3)
    click(panel, place_of(panel, 4, 1), SHIFT)
    assert (ready.view.selection, ready.view.t) == ((3, 4), 1)
    click(panel, place_of(panel, 4, 1), SHIFT)
    assert ready.view.selection == (3,)


def test_arrows_go_to_relatives(panel: LineagePanel, ready: Session) -> None:
    ready.editing.select((2,))
    settle()
    for key, cell_id, t in (
        (Qt.Key.Key_Up, 1, 1),
        (Qt.Key.Key_Right, 4, 1),
        (Qt.Key.Key_Left, 1, 1),
        (Qt.Key.Key_Down, 2, 2),
        (Qt.Key.Key_Right, 3, 2),
        (Qt.Key.Key_Down, 3, 2),
    ):
        if key is Qt.Key.Key_Up:
            ready.navigation.go_to(3)
            settle()
        QTest.keyClick(panel.view, key)
        settle()
        assert ready.view.selection == (cell_id,)
        assert ready.view.t == t


def test_stepping_and_selecting_draw_no_forest(panel: LineagePanel, ready: Session) -> None:
    before = work(panel)
    ready.navigation.go_to(2)
    assert work(panel) == before
    ready.editing.select((2, 3))
    assert work(panel) == before
    assert panel.view.marked.paints >= 1


def test_a_transaction_is_laid_out_once(panel: LineagePanel, ready: Session) -> None:
    layouts, _, read = work(panel)
    ready.commit("Undivide", [RemoveDivision(1)])
    ready.commit("Divide", [AddDivision(1, (3, 2))])
    assert work(panel)[0] == layouts + 1
    assert panel.view.forest.columns.tolist() == [0.5, 1.0, 0.0, 2.8]
    assert work(panel)[2] == read  # nobody's frames changed


def test_new_masks_read_only_their_cell(
    panel: LineagePanel, ready: Session, put_cell: Callable[..., int]
) -> None:
    layouts, _, read = work(panel)
    put_cell(30, 30, 2, 2, t=1, cell_id=4)
    assert work(panel)[::2] == (layouts, read + 1)  # she had a mask there before
    put_cell(30, 30, 2, 2, t=2)
    assert work(panel)[::2] == (layouts + 1, read + 2)
    ready.undo()
    settle()
    assert panel.view.forest.ids.tolist() == [1, 2, 3, 4]


def test_a_founder_that_goes_is_drawn_once_less(panel: LineagePanel, ready: Session) -> None:
    ready.view.set(colour_by=ColourBy.LINEAGE, selection=(4,))
    layouts, pictures, _ = work(panel)
    ready.editing.delete_from_here()
    settle()
    assert panel.view.forest.ids.tolist() == [1, 2, 3]
    assert work(panel)[:2] == (layouts + 1, pictures + 1)


def test_hidden_it_does_nothing(panel: LineagePanel, ready: Session, put_cell: Callable[..., int]) -> None:
    before = work(panel)
    panel.hide()
    put_cell(30, 30, 2, 2, t=1)
    assert work(panel) == before
    panel.show()
    settle()
    assert panel.view.forest.ids.tolist() == [1, 2, 3, 4, 5]


def test_one_lineage_alone(panel: LineagePanel, ready: Session) -> None:
    ready.editing.select((3,))
    panel.alone.click()
    settle()
    assert panel.view.forest.ids.tolist() == [1, 2, 3]
    panel.alone.click()
    settle()
    assert len(panel.view.forest) == 4


def test_a_double_click_brings_the_family_into_view(panel: LineagePanel) -> None:
    view = panel.view
    assert view.fitted
    click(panel, place_of(panel, 1, 1))
    QTest.mouseDClick(view.viewport(), LEFT, pos=place_of(panel, 1, 1))
    QTest.mouseRelease(view.viewport(), LEFT, pos=place_of(panel, 1, 1))
    settle()
    assert not view.fitted
    assert view.box.viewRect().right() < 2.8
    panel.fit.click()
    assert view.fitted


def test_searching_selects_one_after_the_other(panel: LineagePanel, ready: Session) -> None:
    ready.editing.rename(2, "ABal")
    ready.editing.rename(3, "ABar")
    panel.search.setText("ab")
    found = []
    for _ in range(3):
        panel.find_next()
        found.append(ready.view.selection)
    assert found == [(2,), (3,), (2,)]
    assert ready.view.t == 2


def test_the_tool_tip_names_relatives(panel: LineagePanel) -> None:
    assert panel._describe(2) == "Cell 2\nFrames 3–4, generation 1\nDaughter of Cell 1"
    assert panel._describe(1).endswith("Divides into Cell 2 and Cell 3")


def test_the_tool_tip_tells_the_cell_cycle(
    panel: LineagePanel, ready: Session, put_cell: Callable[..., int]
) -> None:
    ready.view.set(selection=(2, 3))
    ready.navigation.go_to(3)
    ready.editing.delete_from_here()
    for cell_id, x in ((5, 10), (6, 20)):
        put_cell(10, x, 4, 2, t=3, cell_id=cell_id)
    assert ready.commit("Divide", [AddDivision(3, (5, 6))])
    assert panel._describe(3).endswith("Divides into Cell 5 and Cell 6\nCell cycle of 1 frame (1 min)")


def test_closing_the_movie_empties_it(panel: LineagePanel, ready: Session) -> None:
    ready.close_movie(discard_unsaved=True)
    settle()
    assert len(panel.view.forest) == 0
    assert panel.count.text() == ""


def test_a_rubber_band_selects_what_lies_in_it(panel: LineagePanel, ready: Session) -> None:
    view = panel.view
    corners = [view.viewport().mapToGlobal(place_of(panel, *at)) for at in ((2, 2), (3, 3))]
    start, end = (view.viewport().mapFromGlobal(corner) for corner in corners)
    start, end = start - QPoint(4, 2), end + QPoint(4, 2)
    QTest.mouseMove(view.viewport(), start)
    QTest.mousePress(view.viewport(), LEFT, SHIFT, start)
    for step in range(1, 6):
        drag(view, start + (end - start) * step / 5)
    QTest.mouseRelease(view.viewport(), LEFT, SHIFT, end)
    settle()
    assert ready.view.selection == (2, 3)
    assert view.fitted


def drag(view: LineageView, place: QPoint) -> None:
    """Move the mouse with the left button and Shift down; pyqtgraph drops moves that follow at once."""
    QTest.qWait(20)
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(place),
        QPointF(view.viewport().mapToGlobal(place)),
        Qt.MouseButton.NoButton,
        LEFT,
        SHIFT,
    )
    QApplication.sendEvent(view.viewport(), event)
