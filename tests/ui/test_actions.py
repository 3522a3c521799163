from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QMainWindow
from pytestqt.qtbot import QtBot

from cellsam_desktop.curation.session import Session
from cellsam_desktop.curation.view_state import Tool
from cellsam_desktop.ui import icons
from cellsam_desktop.ui.action_spec import (
    RECENT,
    Group,
    Submenu,
    Where,
    conflicts,
    keys_of,
    normal_key,
    shown_key,
    shown_keys,
)
from cellsam_desktop.ui.action_table import ACTIONS, MENUS
from cellsam_desktop.ui.actions import Actions
from cellsam_desktop.ui.shortcut_page import page
from cellsam_desktop.ui.theme import LIGHT

SPECS = {spec.id: spec for spec in ACTIONS}


@pytest.fixture
def actions(window: QMainWindow) -> Actions:
    return window.desk.actions


def test_defaults_have_no_conflicts() -> None:
    assert conflicts(ACTIONS, {}) == {}


def test_ids_and_texts_are_unique() -> None:
    assert len(SPECS) == len(ACTIONS)
    assert len({spec.text for spec in ACTIONS}) == len(ACTIONS)


def test_every_key_is_understood_by_qt() -> None:
    for spec in ACTIONS:
        assert len(keys_of(spec, {})) == len(spec.keys), spec.id


def test_every_action_is_reachable() -> None:
    """By a key or through a menu, and whatever can stand in a menu does."""
    listed = set(_menu_entries())
    for spec in ACTIONS:
        assert spec.id in listed or spec.release is not None, spec.id
        assert spec.keys or spec.id in listed, spec.id
    assert listed <= SPECS.keys()


def test_every_icon_exists() -> None:
    for spec in ACTIONS:
        if spec.icon:
            assert "currentColor" in icons.svg(spec.icon)


@pytest.mark.parametrize(
    ("key", "action"),
    [
        ("T", "track.next"), ("Shift+T", "track.end"), ("Ctrl+T", "track.range"),
        ("Ctrl+Shift+T", "track.previous"), ("Shift+D", "track.divide"), ("Y", "track.accept"),
        ("Shift+Y", "track.refuse"), ("L", "track.link"), ("U", "track.unlink"), ("S", "track.swap"),
        ("M", "track.merge"), ("I", "track.fill_gap"), ("J", "review.next"), ("Shift+J", "review.previous"),
        ("G", "review.seen"), ("Shift+G", "review.all_seen"), ("O", "view.onion"), ("<", "frame.slower"),
        (">", "frame.faster"),
        ("Left", "frame.previous"), ("A", "frame.previous"), (",", "frame.previous"),
        ("Right", "frame.next"), ("D", "frame.next"), (".", "frame.next"),
        ("Shift+Left", "frame.back"), ("Shift+Right", "frame.ahead"), ("Home", "frame.first"),
        ("End", "frame.last"), ("Up", "depth.up"), ("Down", "depth.down"),
        ("PgUp", "cell.previous"), ("PgDown", "cell.next"), ("Space", "view.pan"), ("Ctrl+R", "view.fit"),
        ("Q", "tool.point"), ("W", "tool.box"), ("B", "tool.brush"), ("E", "tool.eraser"),
        ("P", "tool.lasso"), ("V", "tool.select"), ("1", "tool.point"), ("6", "tool.select"),
        ("Tab", "prompt.next"), ("Shift+Tab", "prompt.previous"), ("Return", "prompt.accept"),
        ("F", "prompt.accept"), ("N", "prompt.accept_next"), ("Esc", "prompt.clear"),
        ("Backspace", "prompt.undo_last"), ("[", "brush.smaller"), ("]", "brush.larger"),
        ("+", "shape.grow"), ("-", "shape.shrink"), ("X", "view.masks"), ("Z", "view.outlines"),
        ("H", "view.peek"), ("C", "view.auto_contrast"), ("Del", "cell.delete"),
        ("Shift+Del", "cell.delete_on"), ("Ctrl+Z", "edit.undo"), ("Ctrl+Shift+Z", "edit.redo"),
        ("Ctrl+Y", "edit.redo"), ("Ctrl+O", "file.open"), ("Ctrl+S", "file.save"),
        ("Ctrl+Shift+S", "file.save_as"), ("Ctrl+E", "file.export_labels"), ("Ctrl+F", "cell.find"),
        ("F1", "help.keys"), ("?", "help.keys"),
    ],
)  # fmt: skip
def test_the_keys_that_hands_know(key: str, action: str) -> None:
    assert normal_key(key) in keys_of(SPECS[action], {})


def test_overrides_take_the_place_of_defaults() -> None:
    spec = SPECS["prompt.accept"]
    assert keys_of(spec, {spec.id: ["ctrl+g", "nonsense key"]}) == ("Ctrl+G",)
    assert keys_of(spec, {spec.id: []}) == ()
    clash = conflicts(ACTIONS, {spec.id: ["N"]})
    assert clash == {"N": ["prompt.accept", "prompt.accept_next"]}


def test_keys_are_shown_as_people_write_them() -> None:
    assert [shown_key(key) for key in ("Shift+Left", "PgDown", "+", "Ctrl++", "Q")] == [
        "Shift+←", "Page Down", "+", "Ctrl++", "Q",
    ]  # fmt: skip
    assert shown_keys(["F", "Return", "Enter"]) == ("F", "Enter")


def test_keys_act(window: QMainWindow, session: Session, qtbot: QtBot) -> None:
    qtbot.keyClick(window.canvas, Qt.Key.Key_D)
    assert session.view.t == 1
    qtbot.keyClick(window.canvas, Qt.Key.Key_End)
    assert session.view.t == 3
    qtbot.keyClick(window.canvas, Qt.Key.Key_5)
    assert session.view.tool is Tool.LASSO
    qtbot.keyClick(window.canvas, Qt.Key.Key_BracketRight)
    assert session.view.brush_radius == 7.5
    qtbot.keyClick(window.canvas, Qt.Key.Key_X)
    assert not session.view.show_masks


def test_letters_do_not_act_in_a_text_field(window: QMainWindow, session: Session, qtbot: QtBot) -> None:
    window.field.setFocus()
    qtbot.keyClicks(window.field, "wdx")
    assert window.field.text() == "wdx"
    assert session.view.t == 0
    assert session.view.tool is Tool.POINT
    assert session.view.show_masks


def test_tab_reaches_the_candidates_and_leaves_the_focus(
    window: QMainWindow, session: Session, qtbot: QtBot
) -> None:
    """Without a proposal Tab moves the focus as everywhere; with one it belongs to the canvas."""
    action = window.desk.actions["prompt.next"]
    assert not action.isEnabled()
    action.setEnabled(True)
    seen: list[int] = []
    action.triggered.connect(lambda: seen.append(1))
    qtbot.keyClick(window.canvas, Qt.Key.Key_Tab)
    assert seen == [1]
    assert window.canvas.hasFocus()
    window.desk.actions["prompt.previous"].setEnabled(True)
    window.desk.actions["prompt.previous"].triggered.connect(lambda: seen.append(-1))
    qtbot.keyClick(window.canvas, Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert seen == [1, -1]


def test_keys_of_the_canvas_act_only_there(window: QMainWindow) -> None:
    for spec in ACTIONS:
        action = window.desk.actions[spec.id]
        if spec.where is Where.CANVAS and spec.release is None:
            assert action in window.canvas.actions()
            assert action not in window.actions()
            assert action.shortcutContext() is Qt.ShortcutContext.WidgetWithChildrenShortcut


def test_keys_to_hold(window: QMainWindow, session: Session, qtbot: QtBot) -> None:
    qtbot.keyPress(window.canvas, Qt.Key.Key_H)
    assert session.view.hide_all
    qtbot.keyRelease(window.canvas, Qt.Key.Key_H)
    assert not session.view.hide_all
    qtbot.keyPress(window.canvas, Qt.Key.Key_Space)
    assert window.calls == [("pan", True)]
    window.field.setFocus()  # the key would come up elsewhere
    assert window.calls == [("pan", True), ("pan", False)]


def test_esc_never_closes_the_window(window: QMainWindow, qtbot: QtBot) -> None:
    for place in (window.canvas, window.field):
        place.setFocus()
        qtbot.keyClick(place, Qt.Key.Key_Escape)
    assert window.isVisible()


def test_enabled_follows_the_session(
    window: QMainWindow, session: Session, actions: Actions, put_cell: Callable[..., int]
) -> None:
    assert actions["frame.next"].isEnabled()
    assert not actions["depth.up"].isEnabled()
    assert not actions["edit.undo"].isEnabled()
    assert not actions["cell.delete"].isEnabled()
    cell = put_cell(10, 10, 5, 5)
    assert actions["edit.undo"].isEnabled()
    session.editing.select((cell,))
    assert actions["cell.delete"].isEnabled()
    actions["cell.delete"].trigger()
    assert len(session.movie.document) == 0  # type: ignore[union-attr]
    assert actions["tool.point"].isChecked()
    actions["tool.brush"].trigger()
    assert actions["tool.brush"].isChecked()
    assert not actions["tool.point"].isChecked()
    session.close_movie()
    assert not actions["frame.next"].isEnabled()
    assert actions["file.open"].isEnabled()


def test_a_click_enables_its_actions_soon_and_before_any_key(
    window: QMainWindow, session: Session, actions: Actions, qtbot: QtBot
) -> None:
    session.prompting.add_point(7, 7)
    assert not actions["prompt.undo_last"].isEnabled()  # the mask comes first
    qtbot.keyClick(window.canvas, Qt.Key.Key_Backspace)
    assert session.prompting.prompts.empty
    session.prompting.add_point(8, 8)
    qtbot.waitUntil(actions["prompt.clear"].isEnabled)


def test_escape_gives_up_a_division_begun_by_a_drag(
    window: QMainWindow, session: Session, actions: Actions, put_cell: Callable[..., int], qtbot: QtBot
) -> None:
    mother = put_cell(10, 10, 4, 4)
    put_cell(10, 20, 4, 4, t=1)
    session.navigation.go_to(1)
    assert session.dividing.drop(mother, 21, 11)
    qtbot.waitUntil(actions["prompt.clear"].isEnabled)
    qtbot.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert not session.dividing.begun


def test_rebinding_acts_at_once(
    window: QMainWindow, session: Session, actions: Actions, qtbot: QtBot
) -> None:
    actions.rebind({"frame.next": ["G"], "view.peek": ["Y"]})
    qtbot.keyClick(window.canvas, Qt.Key.Key_D)
    assert session.view.t == 0
    qtbot.keyClick(window.canvas, Qt.Key.Key_G)
    assert session.view.t == 1
    qtbot.keyPress(window.canvas, Qt.Key.Key_Y)
    assert session.view.hide_all
    qtbot.keyRelease(window.canvas, Qt.Key.Key_Y)
    assert "(G)" in actions["frame.next"].toolTip()


def test_recent_movies_are_listed_when_the_menu_opens(
    window: QMainWindow, session: Session, movie_file: Path
) -> None:
    menus = window.menuBar().actions()[0].menu()
    recent = next(action.menu() for action in menus.actions() if action.text() == "Open recent")
    recent.aboutToShow.emit()
    assert [action.text() for action in recent.actions()] == [movie_file.name]


def test_a_refresh_that_changes_nothing_repaints_nothing(window: QMainWindow, actions: Actions) -> None:
    actions.refresh()
    changed: list[str] = []
    for name in actions.specs:
        actions[name].changed.connect(lambda name=name: changed.append(name))
    actions.refresh()
    assert changed == []


def test_every_menu_shows_only_living_entries(window: QMainWindow) -> None:
    for menu in window.menuBar().actions():
        for entry in menu.menu().actions():
            assert entry.isSeparator() or entry.menu() or entry.objectName() in SPECS


def test_groups_are_all_used() -> None:
    assert {spec.group for spec in ACTIONS} == set(Group)


def test_the_page_of_the_manual_is_up_to_date() -> None:
    text = (Path(__file__).parents[2] / "docs" / "shortcuts.md").read_text(encoding="utf-8")
    assert text == page(), "run python -m cellsam_desktop.ui.shortcut_page > docs/shortcuts.md"


def test_icons_are_tinted() -> None:
    assert QApplication.instance() is not None
    picture = icons.pixmap("eye", LIGHT.colour("accent"), 24).toImage()
    colours = {
        picture.pixelColor(x, y).name()
        for x in range(24)
        for y in range(24)
        if picture.pixelColor(x, y).alpha() > 250
    }
    assert colours == {LIGHT.accent}


def test_shortcut_is_a_qt_key_sequence(actions: Actions) -> None:
    assert actions["edit.undo"].shortcut() == QKeySequence("Ctrl+Z")


def _menu_entries() -> Iterator[str]:
    for menu in MENUS:
        for entry in menu.entries:
            if isinstance(entry, Submenu):
                yield from (inner for inner in entry.entries if inner)
            elif entry is not None and entry != RECENT:
                yield entry
