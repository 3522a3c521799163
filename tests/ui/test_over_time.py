"""Propagation, divisions and the review queue as the window shows them, with a movie of four frames."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cellsam_desktop.core.edits import AddCell, AddDivision, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.ui.canvas import onion_layer
from cellsam_desktop.ui.dialogs.propagate import PropagateDialog
from cellsam_desktop.ui.main_window import MainWindow
from cellsam_desktop.ui.panels.layers.rows import Column
from cellsam_desktop.ui.theme import Appearance

KEY = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def put(cell: int, t: int, x: int, y: int = 20, size: int = 10) -> SetMask:
    mask = Mask.from_array(_block(size), y, x)
    return SetMask(cell, PlaneKey(t), MaskRecord(mask, Source.PROPAGATED, 0.95))


def _block(size: int):
    import numpy as np

    return np.ones((size, size), bool)


@pytest.fixture
def window(ready, qtbot):
    """Cell 1 is proposed to divide into 2 and 3 on the third frame; cell 4 jumps there."""
    window = MainWindow(ready, Appearance(QApplication.instance(), "dark"))
    qtbot.addWidget(window)
    window.resize(1200, 800)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    edits = [AddCell(Cell(i)) for i in (1, 2, 3, 4)]
    edits += [put(1, t, 20) for t in (0, 1)]
    edits += [put(cell, t, x, size=7) for cell, x in ((2, 16), (3, 27)) for t in (2, 3)]
    edits += [put(4, t, 60 if t == 2 else 45, y=40) for t in range(4)]
    assert ready.commit("Propagate", [*edits, AddDivision(1, (2, 3))])
    qtbot.waitUntil(lambda: ready.reviewing.pending == 0 and ready.reviewing.count > 0)
    window.canvas.setFocus()
    return window


def press(window, key, keys=Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(window.canvas, key, keys)


def test_a_proposed_division_can_be_answered_on_the_canvas(window, session, qtbot):
    proposals = window.canvas.proposals
    assert not proposals.buttons
    session.navigation.go_to(2)
    (buttons,) = proposals.buttons.values()
    assert buttons.isVisible()
    assert not proposals.item.boundingRect().isEmpty()
    qtbot.mouseClick(buttons.accept, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not proposals.buttons)
    assert session.movie.document.is_seen(2, PlaneKey(2))
    press(window, KEY.Key_Z, CTRL)
    (buttons,) = proposals.buttons.values()
    qtbot.mouseClick(buttons.refuse, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not proposals.buttons)
    assert session.movie.document.frames(1) == [0, 1, 2, 3]
    assert 2 not in session.movie.document


def test_keys_answer_the_proposal_as_well(window, session):
    session.navigation.go_to(2)
    press(window, KEY.Key_Y)
    assert session.movie.document.is_seen(3, PlaneKey(2))
    assert not window.desk.actions["track.accept"].isEnabled()
    press(window, KEY.Key_Z, CTRL)
    press(window, KEY.Key_Y, SHIFT)
    assert session.movie.document.lineage.daughters(1) is None


def test_buttons_follow_the_view_and_go_with_what_they_ask_about(window, session):
    session.navigation.go_to(2)
    (buttons,) = window.canvas.proposals.buttons.values()
    before = buttons.pos()
    window.zoom_by(1.5)
    assert buttons.pos() != before
    session.view.set(hidden=frozenset([2]))
    assert not window.canvas.proposals.buttons
    session.view.set(hidden=frozenset())
    assert window.canvas.proposals.buttons
    session.navigation.go_to(3)
    assert not window.canvas.proposals.buttons


def test_the_queue_is_told_by_status_bar_timeline_and_list(window, session, qtbot):
    total = session.reviewing.count
    assert window.status.review.text() == f"{total} doubtful"
    press(window, KEY.Key_J)
    assert window.status.review.text().startswith(f"1 of {total} doubtful: ")
    assert session.view.t == 2
    assert "doubtful" in window.timeline.strip.describe(2)
    model = window.layers.model
    row = model.row_of_cell(4)
    assert model.index(row, Column.DOUBT).data() == "!"
    assert "moved 15 pixels at once" in model.index(row, Column.DOUBT).data(Qt.ItemDataRole.ToolTipRole)
    assert model.index(model.row_of_cell(1), Column.DOUBT).data() == ""
    session.view.set(selection=(4,))
    press(window, KEY.Key_G)
    qtbot.waitUntil(lambda: session.reviewing.count < total)
    assert session.movie.document.is_seen(4, PlaneKey(2))


def test_the_list_is_sorted_by_doubt(window, session):
    model = window.layers.model
    model.sort(Column.DOUBT)
    assert set(model.ids[:2]) <= {2, 4}
    assert model.ids[-1] in (1, 3)


@pytest.mark.parametrize("sorted_by", [Column.ID, Column.DOUBT])
def test_the_list_shows_a_doubt_when_it_arises_and_when_it_is_gone(window, session, qtbot, sorted_by):
    model = window.layers.model
    model.sort(sorted_by)
    told = []
    model.dataChanged.connect(lambda first, last: told.append((first.column(), last.column())))
    model.modelReset.connect(lambda: told.append((Column.DOUBT, Column.DOUBT)))
    for action, mark in ((session.reviewing.mark_seen, ""), (session.undo, "!")):
        session.navigation.go_to(2)
        session.view.set(selection=(4,))
        told.clear()
        action()
        qtbot.waitUntil(lambda: session.reviewing.pending == 0)
        assert any(first <= Column.DOUBT <= last for first, last in told)
        assert model.index(model.row_of_cell(4), Column.DOUBT).data() == mark
    assert sorted_by is Column.ID or 4 in model.ids[:2]


def test_a_doubtful_mask_is_brought_into_view(window, session):
    window.zoom_by(8)
    window.canvas.set_visible(window.canvas.visible.translated(-200, -200))
    press(window, KEY.Key_J)
    record = session.movie.document.record(session.view.selection[0], session.view.key)
    assert window.canvas.visible.contains(*record.mask.centroid)


def test_onion_skin_outlines_the_frame_before(window, session, qtbot, monkeypatch):
    onion = window.canvas.onion
    session.navigation.go_to(1)
    assert onion.outlined == 0
    press(window, KEY.Key_O)
    assert onion.outlined == 2
    session.view.set(solo=frozenset([4]))
    assert onion.outlined == 1
    session.view.set(solo=frozenset())
    monkeypatch.setattr(onion_layer, "_AT_ONCE", 1)  # as with thousands
    session.navigation.go_to(3)
    qtbot.waitUntil(lambda: not onion.later.isActive())
    assert onion.outlined == 3
    session.navigation.go_to(0)
    assert onion.outlined == 0
    press(window, KEY.Key_O)


def test_the_rate_is_changed_by_keys_and_shown(window, session):
    before = session.settings.play_fps
    press(window, KEY.Key_Greater)
    assert session.settings.play_fps > before
    assert window.timeline.fps.value() == session.settings.play_fps
    for _ in range(30):
        press(window, KEY.Key_Less)
    assert session.settings.play_fps == 0.5


def test_the_dialog_says_what_it_will_do(window, session, shown):
    session.view.set(selection=(4,))
    press(window, KEY.Key_T, CTRL)
    dialog = shown(PropagateDialog)
    assert (dialog.start.value(), dialog.end.value()) == (1, 4)
    assert dialog.cells.currentData() == (4,)
    assert [dialog.domain.itemData(row) for row in range(3)] == [None, 1, 4]
    assert dialog.note.text().startswith("3 frames forwards.")
    dialog.start.setValue(4)
    dialog.end.setValue(1)
    assert dialog.note.text().startswith("3 frames backwards.")
    dialog.end.setValue(4)
    assert "another frame" in dialog.note.text()
    dialog.reject()


def test_without_an_encoder_propagation_waits_and_is_cancelled_by_escape(window, session, qtbot):
    press(window, KEY.Key_T)
    assert session.propagating.running
    assert window.status.job.isVisible()
    assert not window.desk.actions["track.next"].isEnabled()
    assert window.desk.actions["track.cancel"].isEnabled()
    press(window, KEY.Key_Escape)
    qtbot.waitUntil(lambda: not session.propagating.running)
    assert not window.status.job.isVisible()
    assert window.desk.actions["track.next"].isEnabled()
