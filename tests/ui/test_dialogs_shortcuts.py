from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QLabel, QMainWindow
from pytestqt.qtbot import QtBot

from cellsam_desktop.curation.session import Session
from cellsam_desktop.settings import Settings
from cellsam_desktop.ui.action_spec import Group
from cellsam_desktop.ui.action_table import ACTIONS
from cellsam_desktop.ui.dialogs.desk import Desk
from cellsam_desktop.ui.dialogs.preferences import PreferencesDialog
from cellsam_desktop.ui.dialogs.shortcut_editor import ShortcutEditor
from cellsam_desktop.ui.dialogs.shortcut_sheet import COLUMNS, ShortcutSheet, lines_of

SPECS = {spec.id: spec for spec in ACTIONS}
Shown = Callable[[type[QDialog]], Any]


@pytest.fixture
def editor(qtbot: QtBot) -> ShortcutEditor:
    editor = ShortcutEditor(SPECS, {})
    qtbot.addWidget(editor)
    return editor


def test_a_free_key_is_added(editor: ShortcutEditor) -> None:
    changes: list[dict[str, list[str]]] = []
    editor.changed.connect(lambda: changes.append(dict(editor.overrides)))
    editor.choose("frame.next")
    editor.key.setKeySequence(QKeySequence("8"))
    assert editor.message.text() == "8 is free."
    editor.add.click()
    assert changes == [{"frame.next": ["Right", "D", ".", "8"]}]
    editor.reset.click()
    assert editor.overrides == {}


def test_a_taken_key_says_by_whom_and_can_be_taken_over(editor: ShortcutEditor) -> None:
    editor.choose("frame.next")
    editor.key.setKeySequence(QKeySequence("N"))
    assert "Accept and begin the next cell" in editor.message.text()
    assert editor.add.text() == "Take over"
    editor.add.click()
    assert editor.overrides == {"prompt.accept_next": [], "frame.next": ["Right", "D", ".", "N"]}
    editor.reset_all.click()
    assert editor.overrides == {}


def test_a_default_that_clashes_again_is_said(editor: ShortcutEditor) -> None:
    editor.choose("frame.next")
    editor.key.setKeySequence(QKeySequence("N"))
    editor.add.click()
    editor.choose("prompt.accept_next")
    editor.reset.click()
    assert "N is bound to" in editor.message.text()


def test_actions_are_found_by_name_and_key(editor: ShortcutEditor) -> None:
    editor.search.setText("lasso")
    assert [i for i, item in editor._items.items() if not item.isHidden()] == ["tool.lasso"]
    editor.search.setText("ctrl+e")
    assert "file.export_labels" in [i for i, item in editor._items.items() if not item.isHidden()]


def test_changed_keys_act_and_are_kept(
    ready: Session, window: QMainWindow, preferences: PreferencesDialog, qtbot: QtBot
) -> None:
    editor = preferences.shortcuts
    editor.choose("frame.next")
    editor.key.setKeySequence(QKeySequence("8"))
    editor.add.click()
    assert desk_keys(window, "frame.next") == ("Right", "D", ".", "8")
    preferences.close()
    assert Settings.load().shortcuts == {"frame.next": ["Right", "D", ".", "8"]}
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.canvas.setFocus()
    qtbot.keyClick(window.canvas, Qt.Key.Key_8)
    assert ready.view.t == 1


def desk_keys(window: QMainWindow, action: str) -> tuple[str, ...]:
    keys: tuple[str, ...] = window.desk.actions.keys(action)
    return keys


def test_the_sheet_shows_every_key(shown: Shown, desk: Desk) -> None:
    desk.shortcuts()
    sheet = shown(ShortcutSheet)
    texts = {label.text() for label in sheet.findChildren(QLabel)}
    for spec in ACTIONS:
        if spec.keys:
            assert spec.title in texts
    assert {"Tab", "Page Down", "Shift+Delete", "Ctrl+wheel", "←"} <= texts
    assert sorted(group for column in COLUMNS for group in column) == sorted(Group)


def test_the_sheet_follows_changed_keys(ready: Session, desk: Desk) -> None:
    ready.settings.shortcuts = {"prompt.accept": ["G"]}
    assert (("G",), "Accept") in lines_of(Group.POINTING, desk.actions)
