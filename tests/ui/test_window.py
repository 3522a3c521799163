"""The window around the canvas: status, notices, files dropped, title, actions and keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cellsam_desktop.core.edits import SetCalibration
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.curation.notices import Offer
from cellsam_desktop.curation.view_state import Tool
from cellsam_desktop.jobs.decode_request import Proposal
from cellsam_desktop.sam.transforms import InputGeometry
from cellsam_desktop.ui import notice_overlay
from cellsam_desktop.ui.canvas.scale_bar import length_text, round_length
from cellsam_desktop.ui.main_window import MainWindow
from cellsam_desktop.ui.theme import Appearance

LEFT, COPY = Qt.MouseButton.LeftButton, Qt.DropAction.CopyAction
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def window(session, qtbot):
    window = MainWindow(session, Appearance(QApplication.instance(), "dark"))
    qtbot.addWidget(window)
    window.resize(1100, 760)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window


def drop(window, *paths: Path) -> bool:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    enter = QDragEnterEvent(QPoint(9, 9), COPY, data, LEFT, NONE)
    QApplication.sendEvent(window, enter)
    QApplication.sendEvent(window, QDropEvent(QPointF(9, 9), COPY, data, LEFT, NONE))
    return enter.isAccepted()


def test_a_dropped_movie_opens(window, session, movie_file, qtbot):
    assert window.canvas.invitation.isVisible()
    assert drop(window, movie_file)
    qtbot.waitUntil(lambda: session.movie is not None)
    qtbot.waitUntil(lambda: session.navigation.plane is not None)
    assert window.windowTitle() == "ramp.tif"
    assert not window.canvas.invitation.isVisible()
    session.close_movie()
    assert window.windowTitle() == ""
    assert window.canvas.invitation.isVisible()


def test_dropped_text_is_not_taken(window):
    data = QMimeData()
    data.setText("hello")
    event = QDragEnterEvent(QPoint(9, 9), COPY, data, LEFT, NONE)
    event.ignore()
    QApplication.sendEvent(window, event)
    assert not event.isAccepted()


def test_what_cannot_be_opened_leaves_everything_as_it_was(
    window, session, movie_file, open_movie, tmp_path, qtbot
):
    open_movie(movie_file)
    before = session.movie
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0 nothing")
    drop(window, broken)
    qtbot.waitUntil(lambda: bool(window.notices.shown))
    notice = window.notices.shown[0]
    assert notice.level == "error"
    assert "broken.tif" in notice.text
    assert session.movie is before


def test_the_status_bar_tells_position_and_value(window, session, movie_file, open_movie, qtbot):
    open_movie(movie_file)
    canvas, label = window.canvas, window.status.position
    QTest.mouseMove(canvas.viewport(), canvas.from_plane(QPointF(40, 30)).toPoint())
    qtbot.waitUntil(lambda: label.text() != "")
    assert "px" in label.text()
    assert "µm" in label.text()
    assert label.text().endswith(str(session.navigation.plane[30, 40]))
    QTest.mouseMove(canvas.viewport(), QPoint(1, 1))
    qtbot.waitUntil(lambda: label.text() == "")


def test_the_status_bar_tells_where_the_model_looks(window, session, movie_file, open_movie, qtbot):
    open_movie(movie_file)
    answers, label = session.prompting.answers, window.status.looking
    assert label.text() == ""
    for region, text in ((session.movie.frame_region, "Whole image"), (Region(0, 0, 32, 32), "Crop 32 px")):
        answers.proposals = (Proposal(None, 0.9, np.zeros((256, 256), np.float32), InputGeometry(region)),)
        session.prompting.changed.emit()
        qtbot.waitUntil(lambda text=text: label.text() == text)
    assert "32 × 32 pixels" in label.toolTip()
    assert "reference mode" not in label.toolTip()
    window.desk.actions["prompt.reference"].trigger()
    assert session.settings.reference_mode
    assert window.desk.actions["prompt.reference"].isChecked()
    answers.proposals = (Proposal(None, 0.9, np.zeros((256, 256), np.float32), InputGeometry(region)),)
    session.prompting.changed.emit()
    qtbot.waitUntil(lambda: "reference mode" in label.toolTip())


def test_saving_is_told_by_the_status_bar(window, session, movie_file, open_movie, put_cell):
    open_movie(movie_file)
    assert window.status.saved.text() == ""
    put_cell(2, 2, 5, 5)
    assert window.status.saved.text() == "Saved"
    assert session.movie.project_path.name in window.status.saved.toolTip()


def test_passing_notices_go_and_errors_stay(window, session, qtbot, monkeypatch):
    monkeypatch.setitem(notice_overlay._SECONDS, "info", 0.05)
    session.notices.info("Something worked.")
    session.notices.error("Something failed: mend it.", "The cause.")
    assert [notice.level for notice in window.notices.shown] == ["info", "error"]
    qtbot.waitUntil(lambda: [notice.level for notice in window.notices.shown] == ["error"])
    assert window.notices.isVisible()
    session.notices.error("Something failed: mend it.", "The cause.")
    assert len(window.notices.shown) == 1


def test_notices_lie_inside_the_canvas_whatever_its_size(window, session, qtbot):
    session.notices.error("A long sentence that needs more than one line. " * 6)
    for width in (1100, 700):
        window.resize(width, 600)
        qtbot.wait(20)
        assert window.canvas.rect().contains(window.notices.geometry())


def test_there_is_never_a_wall_of_notices(window, session, qtbot):
    for n in range(12):
        session.notices.info(f"Number {n}.")
    assert len(window.notices.shown) == 4
    assert window.notices.shown[-1].text == "Number 11."


def test_keys_act_on_the_canvas(window, session, movie_file, open_movie, qtbot):
    open_movie(movie_file)
    canvas = window.canvas
    assert canvas.hasFocus()
    for key, tool in zip("123456", Tool, strict=True):
        QTest.keyClick(canvas, key)
        assert session.view.tool is tool
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    QTest.keyClick(canvas, Qt.Key.Key_D)
    assert session.view.t == 2
    QTest.keyPress(canvas, Qt.Key.Key_H)
    assert session.view.hide_all
    QTest.keyRelease(canvas, Qt.Key.Key_H)
    assert not session.view.hide_all
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    assert canvas.pointer.panning
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert not canvas.pointer.panning


def test_escape_drops_a_drag_and_only_then_the_prompts(window, session, movie_file, open_movie):
    open_movie(movie_file)
    session.prompting.add_point(5, 5)
    session.view.set(tool=Tool.BRUSH)
    session.tools.press(5, 5, "left")
    session.tools.move(9, 9)
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert not session.tools.dragging
    assert not session.prompting.prompts.empty
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert session.prompting.prompts.empty


def test_letters_do_not_act_while_somebody_types(window, session, movie_file, open_movie):
    open_movie(movie_file)
    window.layers.search.setFocus()
    QTest.keyClicks(window.layers.search, "bed")
    assert window.layers.search.text() == "bed"
    assert session.view.tool is Tool.POINT
    assert session.view.t == 0


def test_the_picture_shows_what_the_canvas_shows(window, session, movie_file, open_movie):
    open_movie(movie_file)
    session.view.set(hide_all=True)
    picture = window.picture()
    assert (picture.width(), picture.height()) == (2 * window.canvas.width(), 2 * window.canvas.height())
    on_screen = window.canvas.viewport().grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    for x in range(100, 500, 80):
        assert picture.pixelColor(2 * x + 1, 601) == on_screen.pixelColor(x, 300)


def test_the_scale_bar_follows_calibration_and_zoom(window, session, movie_file, open_movie):
    open_movie(movie_file)
    bar = window.canvas.scale_bar
    assert bar.isVisible()
    per_um = window.canvas.zoom / 0.5
    assert bar.length_px == pytest.approx(bar.length_um * per_um)
    window.zoom_by(2)
    assert bar.length_px == pytest.approx(bar.length_um * 2 * per_um)
    session.commit("Scale", [SetCalibration(Calibration())])
    assert not bar.isVisible()


@pytest.mark.parametrize(
    ("longest", "round_"), [(1, 1), (1.9, 1), (2, 2), (49, 20), (50, 50), (0.034, 0.02), (999, 500)]
)
def test_scale_bars_have_round_lengths(longest, round_):
    assert round_length(longest) == pytest.approx(round_)


def test_lengths_are_written_with_a_fitting_unit():
    assert [length_text(value) for value in (0.05, 1, 500, 2000)] == ["50 nm", "1 µm", "500 µm", "2 mm"]


def test_unsaved_work_is_not_closed_away(window, session, movie_file, open_movie, put_cell, monkeypatch):
    open_movie(movie_file)
    asked = []
    monkeypatch.setattr(window, "_may_discard", lambda: bool(asked.append("asked")))
    monkeypatch.setattr(session.saving, "flush", lambda: False)
    assert not window.close()
    assert asked == ["asked"]
    assert window.isVisible()
    assert session.movie is not None
    monkeypatch.setattr(window, "_may_discard", lambda: True)
    assert window.close()
    assert session.movie is None


def test_dragging_over_the_window_lights_the_invitation(window, movie_file):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(movie_file))])
    before = window.canvas.grab().toImage()
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(9, 9), COPY, data, LEFT, NONE))
    assert window.canvas.grab().toImage() != before
    QApplication.sendEvent(window, QEvent(QEvent.Type.DragLeave))


def test_a_notice_can_offer_a_way_on(window, session, qtbot):
    accepted = []
    session.notices.warning(
        "It was refused: mend it.", offer=Offer("Do it anyway", lambda: accepted.append(1))
    )
    [card] = window.notices.findChildren(notice_overlay.NoticeCard)
    assert card.offer.text() == "Do it anyway"
    assert card.offer.isVisible()
    QTest.mouseClick(card.offer, LEFT)
    assert accepted == [1]
    assert window.notices.shown == []
