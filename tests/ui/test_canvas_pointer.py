"""The mouse on the canvas: what the tools hear, how often, and what stays with the view."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cellsam_desktop.curation.tools import BoxPreview, PathPreview
from cellsam_desktop.curation.view_state import Tool

LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
CTRL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier


def at(x: float, y: float) -> QPointF:
    """Middle of a plane pixel on screen."""
    return QPointF(10 * x + 5, 10 * y + 5)


def send(canvas, kind, position, button=Qt.MouseButton.NoButton, buttons=None, keys=NONE):
    held = button if buttons is None else buttons
    QApplication.sendEvent(canvas.viewport(), QMouseEvent(kind, position, position, button, held, keys))


def press(canvas, x, y, button=LEFT, keys=NONE):
    send(canvas, QEvent.Type.MouseButtonPress, at(x, y), button, keys=keys)


def move(canvas, x, y, buttons=Qt.MouseButton.NoButton, keys=NONE):
    send(canvas, QEvent.Type.MouseMove, at(x, y), buttons=buttons, keys=keys)


def release(canvas, x, y, button=LEFT, keys=NONE):
    send(canvas, QEvent.Type.MouseButtonRelease, at(x, y), button, Qt.MouseButton.NoButton, keys)


def click(canvas, x, y, button=LEFT, keys=NONE):
    press(canvas, x, y, button, keys)
    release(canvas, x, y, button, keys)


def wheel(canvas, notches: float, keys=NONE):
    event = QWheelEvent(
        at(40, 30), QPointF(canvas.mapToGlobal(QPoint(405, 305))), QPoint(), QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton, keys, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas.viewport(), event)


def test_clicks_become_prompts_at_pixel_centres(canvas, session):
    click(canvas, 20, 30)
    click(canvas, 22, 31, RIGHT)
    click(canvas, 40, 10, keys=SHIFT)
    assert [(p.x, p.y, p.positive) for p in session.prompting.prompts.points] == [
        (20, 30, True), (22, 31, False), (40, 10, False),
    ]  # fmt: skip


def test_a_double_click_is_two_clicks(canvas, session):
    QTest.mouseClick(canvas.viewport(), LEFT, NONE, at(20, 30).toPoint())
    QTest.mouseDClick(canvas.viewport(), LEFT, NONE, at(20, 30).toPoint())
    assert canvas.zoom == pytest.approx(10)
    assert {(p.x, p.y) for p in session.prompting.prompts.points} == {(20, 30)}


def test_clicks_beside_the_image_do_nothing(canvas, session):
    canvas.fit()
    send(canvas, QEvent.Type.MouseButtonPress, QPointF(2, 2), LEFT)
    send(canvas, QEvent.Type.MouseButtonRelease, QPointF(2, 2), LEFT, Qt.MouseButton.NoButton)
    assert session.prompting.prompts.empty


def test_moves_reach_the_tools_at_most_once_per_frame_and_never_queue(canvas, session, qtbot, monkeypatch):
    heard = []
    monkeypatch.setattr(session.tools, "move", lambda x, y, modifiers=frozenset(): heard.append((x, y)))
    for n in range(200):
        move(canvas, n % 70, 20)
    assert heard == [(0, 20)]
    qtbot.wait(40)
    assert heard == [(0, 20), (199 % 70, 20)]
    qtbot.wait(60)
    assert len(heard) == 2


def test_a_stroke_keeps_every_point(canvas, session):
    session.view.set(tool=Tool.LASSO)
    press(canvas, 10, 10)
    for n in range(50):
        move(canvas, 10 + n, 10 + n / 2, buttons=LEFT)
    release(canvas, 59, 40)
    assert session.movie.document.cell_ids == [1]


def test_box_and_strokes_are_previewed_while_dragging(canvas, session, qtbot):
    session.view.set(tool=Tool.BOX)
    press(canvas, 10, 10)
    move(canvas, 30, 25, buttons=LEFT)
    qtbot.waitUntil(lambda: session.tools.preview.box.x1 == 30)
    assert isinstance(session.tools.preview, BoxPreview)
    release(canvas, 30, 25)
    assert session.prompting.prompts.box is not None
    session.view.set(tool=Tool.BRUSH)
    press(canvas, 50, 50)
    move(canvas, 60, 50, buttons=LEFT)
    qtbot.waitUntil(lambda: isinstance(session.tools.preview, PathPreview))
    release(canvas, 60, 50)
    assert session.tools.preview is None


def test_the_wheel_zooms_and_with_ctrl_steps(canvas, session):
    wheel(canvas, 1)
    assert canvas.zoom == pytest.approx(12.5)
    wheel(canvas, -1, CTRL)
    wheel(canvas, -1, CTRL)
    assert session.view.t == 2
    wheel(canvas, 0.5, CTRL)
    assert session.view.t == 2
    wheel(canvas, 0.5, CTRL)
    assert session.view.t == 1
    assert canvas.zoom == pytest.approx(12.5)


@pytest.mark.parametrize("tool", list(Tool))
def test_middle_drag_and_space_drag_pan_in_every_tool(canvas, session, tool):
    session.view.set(tool=tool)
    under = canvas.to_plane(at(40, 30))
    press(canvas, 40, 30, MIDDLE)
    move(canvas, 43, 28, buttons=MIDDLE)
    release(canvas, 43, 28, MIDDLE)
    assert canvas.from_plane(under) == at(43, 28)
    canvas.pointer.hold_pan(True)
    assert canvas.viewport().cursor().shape() == Qt.CursorShape.OpenHandCursor
    press(canvas, 43, 28)
    assert canvas.viewport().cursor().shape() == Qt.CursorShape.ClosedHandCursor
    move(canvas, 40, 30, buttons=LEFT)
    release(canvas, 40, 30)
    canvas.pointer.hold_pan(False)
    assert canvas.from_plane(under) == at(40, 30)
    assert session.prompting.prompts.empty
    assert len(session.movie.document) == 0


def test_alt_drag_changes_the_brush(canvas, session):
    session.view.set(tool=Tool.BRUSH, brush_radius=5.0)
    press(canvas, 40, 30, keys=ALT)
    move(canvas, 46, 30, buttons=LEFT, keys=ALT)
    release(canvas, 46, 30, keys=ALT)
    assert session.view.brush_radius == pytest.approx(8)
    assert len(session.movie.document) == 0


def test_the_right_button_opens_no_menu_and_zooms_nothing(canvas):
    press(canvas, 20, 20, RIGHT)
    move(canvas, 40, 50, buttons=RIGHT)
    release(canvas, 40, 50, RIGHT)
    assert canvas.zoom == pytest.approx(10)
    assert QApplication.activePopupWidget() is None


def test_leaving_forgets_the_mouse(canvas, session):
    session.view.set(tool=Tool.BRUSH)
    move(canvas, 20, 20)
    assert canvas.mouse_in_plane() == QPointF(20, 20)
    QApplication.sendEvent(canvas.viewport(), QEvent(QEvent.Type.Leave))
    assert canvas.mouse_in_plane() is None


def test_the_view_is_remembered(canvas, session, qtbot):
    wheel(canvas, 2)
    qtbot.waitUntil(lambda: session.view.viewport is not None)
    x0, y0, x1, y1 = session.view.viewport
    assert x1 - x0 == pytest.approx(80 / 1.25**2)
    assert y1 - y0 == pytest.approx(60 / 1.25**2)
    canvas.fit()
    qtbot.waitUntil(lambda: session.view.viewport is None)


def test_a_frame_not_encoded_yet_shows_a_ring_at_the_mouse(canvas, session):
    assert session.encoding.message
    move(canvas, 30, 30)
    assert canvas.badge.isVisible()
    assert (canvas.badge.pos() - at(30, 30).toPoint()).manhattanLength() < 40
    ring = canvas.badge.width()
    click(canvas, 30, 30)
    assert canvas.badge.width() > ring  # the click has to wait, so it says for what
    assert ring_middle(canvas) == at(30, 30).toPoint()
    move(canvas, 50, 40)
    assert ring_middle(canvas) == at(30, 30).toPoint()
    canvas.pan_by(QPointF(70, 20))
    assert ring_middle(canvas) == at(37, 32).toPoint()
    session.view.set(tool=Tool.BRUSH)
    assert not canvas.badge.isVisible()


def ring_middle(canvas) -> QPoint:
    """Where the middle of the ring is."""
    half = canvas.badge.height() // 2
    return canvas.badge.pos() + QPoint(half, half)


def test_the_ring_fills_as_the_encoder_gets_on(canvas, session, monkeypatch):
    pictures = []
    for done in (0.1, 0.5, 0.9):
        monkeypatch.setattr(session.jobs.encoder, "progress", lambda targets, done=done: done)
        click(canvas, 30, 30)
        pictures.append(canvas.badge.grab().toImage())
        session.prompting.clear()
    bright = [
        sum(picture.pixelColor(x, y).lightness() > 200 for x in range(34) for y in range(34))
        for picture in pictures
    ]
    assert bright == sorted(set(bright))


def test_where_the_mouse_rests_the_encoder_looks_first(canvas, session, qtbot):
    rested = []
    session.agenda.rest_at = lambda x, y: rested.append((x, y))
    for x in (10, 20, 30):
        move(canvas, x, 20)
    qtbot.waitUntil(lambda: bool(rested))
    assert rested == [(30, 20)]
    session.view.set(tool=Tool.BRUSH)
    move(canvas, 40, 20)
    qtbot.wait(200)
    assert rested == [(30, 20)]


def test_tab_does_not_leave_the_canvas(canvas):
    assert not canvas.focusNextPrevChild(True)
    assert not canvas.focusNextPrevChild(False)
