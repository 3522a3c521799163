"""The training dialog follows a process that only pretends to learn; what it shows is what was said."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from cellsam_desktop.core.decoder_scores import Scores
from cellsam_desktop.core.training_messages import Embedded, Noticed, Planned, Stepped
from cellsam_desktop.curation.session import Session
from cellsam_desktop.curation.training_course import Course, Phase
from cellsam_desktop.ui.dialogs.training import TrainingDialog, words
from cellsam_desktop.ui.training_button import TrainingButton
from tests.curation.test_decoders import Write, write_decoder  # noqa: F401  (a fixture)

TRAINEE = Path(__file__).parents[1] / "jobs" / "trainee.py"
LONG_MS = 60_000


@pytest.fixture
def dialog(ready: Session, window: QMainWindow, put_cell: Callable[..., int], qtbot: QtBot) -> TrainingDialog:
    """Open over a movie with a cell, its data counted."""
    put_cell(10, 10, 8, 8)
    pretend(ready, "waiting")
    window.desk.train()
    [dialog] = window.findChildren(TrainingDialog)
    qtbot.waitUntil(lambda: not ready.training.planning, timeout=LONG_MS)
    return dialog


def pretend(session: Session, mode: str) -> None:
    session.training.command = [sys.executable, str(TRAINEE), mode]


def begin(dialog: TrainingDialog, session: Session, qtbot: QtBot) -> Course:
    dialog.setup.start.click()
    course = session.training.course
    qtbot.waitUntil(lambda: bool(course.held_out), timeout=LONG_MS)
    qtbot.waitUntil(lambda: dialog.live.pause.isEnabled(), timeout=LONG_MS)
    return course


def finish(session: Session, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not session.training.running, timeout=LONG_MS)
    qtbot.waitUntil(lambda: not session.jobs.runner.jobs, timeout=LONG_MS)


def test_data_are_counted_at_a_glance(dialog: TrainingDialog, ready: Session, qtbot: QtBot) -> None:
    setup = dialog.setup
    [row] = setup.data._items()
    assert [row.text(column) for column in range(4)] == ["This project (ramp.tif)", "8 / 4", "2 / 1", "2 / 1"]
    assert setup.summary.text().startswith(
        "8 cells to learn from, 2 to choose the best weights by, 2 to judge"
    )
    assert setup.note.text() == "Little data."
    assert setup.start.isEnabled()
    row.setCheckState(0, Qt.CheckState.Unchecked)
    assert "nothing to learn from yet" in setup.summary.text()
    assert not setup.start.isEnabled()
    setup.data.add(Path("/elsewhere/more"))
    assert ready.training.planning
    assert setup.choice.paths == (Path("/elsewhere/more"),)
    assert not setup.choice.this_project
    qtbot.waitUntil(lambda: not ready.training.planning, timeout=LONG_MS)
    assert setup.start.isEnabled()


def test_the_open_project_is_not_added_as_another_one(dialog: TrainingDialog, ready: Session) -> None:
    data = dialog.setup.data
    [row] = data._items()
    row.setCheckState(0, Qt.CheckState.Unchecked)
    project = ready.movie.project_path
    data.add(project.parent / ".." / project.parent.name / project.name)
    assert (len(data._items()), data.this_project) == (1, True)
    data.add(Path("/elsewhere/more"))
    data.add(Path("/elsewhere/than/../more"))
    assert data.others == (Path("/elsewhere/more"),)


def test_another_movie_is_another_project(dialog: TrainingDialog, ready: Session, qtbot: QtBot) -> None:
    setup = dialog.setup
    setup.data.add(Path("/elsewhere/more"))
    ready.opening.close()
    qtbot.waitUntil(lambda: ready.movie is None, timeout=LONG_MS)
    assert [row.text(0) for row in setup.data._items()] == ["more"]
    assert not setup.choice.this_project
    qtbot.waitUntil(lambda: not ready.training.planning, timeout=LONG_MS)


def test_what_is_curated_meanwhile_is_counted_again(
    dialog: TrainingDialog, ready: Session, put_cell: Callable[..., int], qtbot: QtBot
) -> None:
    put_cell(30, 30, 8, 8)
    assert dialog.setup._soon.isActive()
    dialog.setup._soon.setInterval(1)
    qtbot.waitUntil(lambda: ready.training.planning, timeout=LONG_MS)
    qtbot.waitUntil(lambda: not ready.training.planning, timeout=LONG_MS)


def test_it_is_watched_paused_and_stopped(
    dialog: TrainingDialog, ready: Session, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = QImage(60, 20, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.red)
    assert picture.save(str(tmp_path / "cells.png"))
    monkeypatch.setenv("TRAINEE_PICTURE", str(tmp_path / "cells.png"))
    course, live = begin(dialog, ready, qtbot), dialog.live
    assert dialog.pages.currentWidget() is live
    qtbot.waitUntil(live.picture.isVisible, timeout=LONG_MS)
    assert live.doing.text() == "Learning"
    assert live.speed.text() == "59 s left · 30 prompts a second"
    assert live.loss.curve.getData()[1].tolist() == [0.9]
    live.pause.click()
    assert course.phase is Phase.PAUSED
    qtbot.waitUntil(lambda: live.pause.text() == "Go on", timeout=LONG_MS)
    live.pause.click()
    qtbot.waitUntil(lambda: course.last.step == 11, timeout=LONG_MS)
    live.stop.click()
    finish(ready, qtbot)
    assert dialog.pages.currentWidget() is dialog.outcome


@pytest.mark.qt_log_ignore("This plugin does not support raise")
def test_closing_the_dialog_changes_nothing(
    dialog: TrainingDialog, window: QMainWindow, ready: Session, qtbot: QtBot
) -> None:
    course = begin(dialog, ready, qtbot)
    dialog.close()
    qtbot.waitUntil(lambda: not window.findChildren(TrainingDialog), timeout=LONG_MS)
    assert ready.training.running
    button = TrainingButton(ready)
    qtbot.addWidget(button)
    assert button.text() == f"Training 2 % · IoU {course.best:.2f}"
    window.desk.train()
    [again] = window.findChildren(TrainingDialog)
    assert again.pages.currentWidget() is again.live
    window.desk.train()
    assert window.findChildren(TrainingDialog) == [again]
    again.live.cancel.click()
    finish(ready, qtbot)
    assert button.isHidden()
    qtbot.waitUntil(lambda: not again.setup.unfinished.isHidden(), timeout=LONG_MS)
    assert again.setup.unfinished_text.text().startswith("The training on Some cells of ")
    again.setup.discard.click()
    qtbot.waitUntil(again.setup.unfinished.isHidden, timeout=LONG_MS)


def test_the_end_in_numbers_and_use_now(
    dialog: TrainingDialog,
    ready: Session,
    qtbot: QtBot,
    write_decoder: Write,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRAINEE_DECODER", str(write_decoder("learned")))
    pretend(ready, "better")
    dialog.setup.start.click()
    finish(ready, qtbot)
    page = dialog.outcome
    qtbot.waitUntil(page.use.isEnabled, timeout=LONG_MS)
    assert page.verdict.text() == "The new decoder is better."
    first = page.table.topLevelItem(0)
    assert [first.text(i) for i in range(4)] == ["IoU from one point", "0.600", "0.800", "+0.200"]
    assert "12 cells of 2 frames" in page.about.text()
    page.use.click()
    qtbot.waitUntil(lambda: page.use.text() == "In use", timeout=LONG_MS)
    assert ready.decoders.in_use == ready.training.result
    page.more.click()
    assert dialog.pages.currentWidget() is dialog.setup


def test_worse_offers_nothing(dialog: TrainingDialog, ready: Session, qtbot: QtBot) -> None:
    pretend(ready, "worse")
    dialog.setup.start.click()
    finish(ready, qtbot)
    assert dialog.pages.currentWidget() is dialog.outcome
    assert dialog.outcome.use.isHidden()


def test_what_went_wrong_stands_above_the_data(dialog: TrainingDialog, ready: Session, qtbot: QtBot) -> None:
    pretend(ready, "failing")
    dialog.setup.start.click()
    finish(ready, qtbot)
    assert dialog.pages.currentWidget() is dialog.setup
    assert dialog.setup.error.text() == "There is nothing to learn from: accept some masks first."


def test_words() -> None:
    course = Course(Phase.PREPARING)
    assert words.doing(course) == "Reading the data …"
    course.hear(Embedded(3, 40))
    assert words.doing(course) == "Encoding the images, once: 3 of 40"
    course.hear(Embedded(40, 40))
    assert words.doing(course).startswith("Measuring the decoder as it is")
    course.hear(Stepped(1, 0.5, None, 12.4, 30.0, 185.0))
    assert words.speed(course) == "3:05 min left · 12 prompts a second"
    course.hear(Noticed("The batch was halved."))
    assert course.notices == ["The batch was halved."]
    assert words.duration(59.6) == "1:00 min"


def test_frames_are_held_out_only_where_there_were_enough() -> None:
    course, scores = Course(), Scores(1, 4, {})
    assert words.measured_on(scores, course).startswith(
        "Measured on 4 cells of 1 frame that nothing was learned from,"
    )
    course.hear(Planned("curator", "cpu", {"notes": ["m has too few frames to hold any out."]}))
    assert words.measured_on(scores, course) == (
        "Measured on 4 cells of 1 frame, with prompts placed by a simulated curator. "
        "m has too few frames to hold any out."
    )
