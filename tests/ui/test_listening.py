from __future__ import annotations

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from cellsam_desktop.ui.listening import Later


def test_what_may_wait_is_done_once_for_all_that_asked(qtbot: QtBot) -> None:
    owner = QWidget()
    qtbot.addWidget(owner)
    done: list[int] = []
    later = Later(owner, lambda: done.append(len(done)))
    for _ in range(5):
        later.ask("whatever the signal says")
    assert done == []
    qtbot.waitUntil(lambda: bool(done))
    later.ask()
    qtbot.waitUntil(lambda: len(done) == 2)
    assert done == [0, 1]
