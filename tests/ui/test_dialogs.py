from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QKeySequence
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QInputDialog, QLabel, QMainWindow
from pytestqt.qtbot import QtBot

from cellsam_desktop import settings
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.curation.notices import Notice
from cellsam_desktop.curation.session import Session
from cellsam_desktop.images.source import MovieInfo, Sizes
from cellsam_desktop.settings import Settings
from cellsam_desktop.ui.action_spec import Group
from cellsam_desktop.ui.action_table import ACTIONS
from cellsam_desktop.ui.dialogs.about import AboutDialog, licences_html
from cellsam_desktop.ui.dialogs.axes import AxesDialog, described
from cellsam_desktop.ui.dialogs.desk import Desk
from cellsam_desktop.ui.dialogs.find_cell import FindCellDialog
from cellsam_desktop.ui.dialogs.locate_movie import LocateMovieDialog
from cellsam_desktop.ui.dialogs.preferences import PreferencesDialog
from cellsam_desktop.ui.dialogs.shortcut_editor import ShortcutEditor
from cellsam_desktop.ui.dialogs.shortcut_sheet import COLUMNS, ShortcutSheet, lines_of
from cellsam_desktop.ui.dialogs.welcome import SENTENCES, WelcomeDialog
from cellsam_desktop.ui.theme import Appearance

SPECS = {spec.id: spec for spec in ACTIONS}


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path | str], None]:
    """Lets the system's file dialogs answer with a path."""

    def give(path: Path | str) -> None:
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(path))

    return give


@pytest.fixture
def notices(ready: Session) -> list[Notice]:
    seen: list[Notice] = []
    ready.notices.posted.connect(seen.append)
    return seen


def _shown(kind: type[QDialog]) -> QDialog:
    dialogs = [w for w in QApplication.topLevelWidgets() if isinstance(w, kind) and w.isVisible()]
    assert len(dialogs) == 1
    return dialogs[0]


# -- axes and scale ------------------------------------------------------------------------------------


def test_the_scale_is_shown_and_corrected(ready: Session, desk: Desk) -> None:
    desk.axes()
    dialog = _shown(AxesDialog)
    assert dialog.axes.currentData() == "TYX"
    assert dialog.axes.currentText().endswith("4 frames")
    assert dialog.pixel_size.value() == 0.5
    assert dialog.interval.value() == 60
    assert not dialog.z_step.isVisible()
    dialog.pixel_size.setValue(0.325)
    dialog.interval.setValue(0)
    assert dialog.interval.text() == "unknown"
    dialog.accept()
    assert ready.movie is not None
    assert ready.movie.document.calibration == Calibration(0.325, None, None)
    ready.undo()
    assert ready.movie.document.calibration == Calibration(0.5, None, 60)


def test_looking_at_the_scale_changes_nothing(ready: Session, desk: Desk) -> None:
    assert ready.movie is not None
    exact = Calibration(0.123456789, None, 1 / 3)
    ready.editing.set_calibration(exact)
    desk.axes()
    _shown(AxesDialog).accept()
    assert ready.movie.document.calibration == exact


def test_axes_are_corrected(ready: Session, desk: Desk, qtbot: QtBot) -> None:
    desk.axes()
    dialog = _shown(AxesDialog)
    dialog.axes.setCurrentIndex(dialog.axes.findData("ZYX"))
    dialog.accept()
    qtbot.waitUntil(lambda: ready.movie is not None and ready.movie.info.sizes.z == 4)


def test_guessed_axes_are_said_to_be_guessed(
    session: Session, open_movie: Callable[[Path], None], tmp_path: Path, qtbot: QtBot
) -> None:
    file = tmp_path / "plain.tif"
    tifffile.imwrite(file, np.zeros((5, 20, 24), np.uint8), photometric="minisblack", metadata=None)
    open_movie(file)
    dialog = AxesDialog(session)
    qtbot.addWidget(dialog)
    assert "guess" in dialog.guess.text()
    assert dialog.pixel_size.text() == "unknown"


def test_axes_are_described_in_words() -> None:
    info = MovieInfo(Path("x"), "TIFF", Sizes(24, 2, 1, 9, 9), np.dtype("u1"), stored_axes="TCYX")
    assert described(info, "TCYX") == "24 frames, 2 channels"
    assert described(info, "ZTYX") == "24 z positions, 2 frames"
    image = MovieInfo(Path("x"), "PNG", Sizes(1, 1, 1, 9, 9), np.dtype("u1"), stored_axes="YX")
    assert described(image, "YX") == "one image"


# -- preferences ---------------------------------------------------------------------------------------


@pytest.fixture
def preferences(ready: Session, desk: Desk) -> PreferencesDialog:
    desk.preferences()
    dialog = _shown(PreferencesDialog)
    assert isinstance(dialog, PreferencesDialog)
    return dialog


def test_preferences_act_at_once_and_are_kept(
    ready: Session, preferences: PreferencesDialog, appearance: Appearance
) -> None:
    preferences.theme.setCurrentIndex(preferences.theme.findData("dark"))
    assert appearance.theme.dark
    preferences.opacity.setValue(70)
    assert ready.view.opacity == 0.7
    preferences.trail.setValue(25)
    assert ready.view.trail == 25
    preferences.fps.setValue(12)
    preferences.device.setCurrentIndex(preferences.device.findData("cpu"))
    assert ready.jobs.encoder.config.device == "cpu"
    preferences.close()
    kept = Settings.load()
    assert (kept.theme, kept.opacity, kept.trail_frames, kept.play_fps, kept.device) == (
        "dark", 0.7, 25, 12, "cpu",
    )  # fmt: skip
    assert settings.settings_file().is_file()


def test_the_cache_is_measured_limited_and_cleared(
    ready: Session, preferences: PreferencesDialog, qtbot: QtBot
) -> None:
    cache = ready.jobs.cache
    for number in range(3):
        cache.put(f"{number:040}", np.zeros((256, 64, 64), np.float16))
    field = preferences.cache
    field.limit.setValue(5.0)
    field.limit.editingFinished.emit()
    assert cache.limit_bytes == 5_000_000_000
    assert ready.settings.cache_limit_gb == 5.0
    qtbot.waitUntil(lambda: field.used.text() == "0.01 GB used")
    qtbot.mouseClick(field.clear, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: field.used.text() == "0.00 GB used")
    assert cache.size_bytes() == 0


def test_closing_while_the_cache_is_measured_is_harmless(
    ready: Session, preferences: PreferencesDialog, qtbot: QtBot
) -> None:
    preferences.cache.clear.setEnabled(True)
    preferences.cache.clear.click()
    preferences.close()
    qtbot.waitUntil(lambda: not ready.jobs.runner.jobs)


def test_models_that_are_not_here_can_be_fetched(preferences: PreferencesDialog) -> None:
    choice = preferences.model
    assert choice.spec.name == "vit_t"
    assert choice.fetch.isVisible()
    assert choice.note.text() == "Not installed, 41 MB. Licence: Apache-2.0."


def test_an_installed_model_is_used_when_chosen(
    home_with_weights: Path, ready: Session, desk: Desk, qtbot: QtBot
) -> None:
    desk.preferences()
    dialog = _shown(PreferencesDialog)
    assert dialog.model.note.text().startswith("Installed")
    assert not dialog.model.fetch.isVisible()
    dialog.model.models.setCurrentIndex(1)
    assert ready.settings.model == "vit_t"  # the other one is not installed: nothing happens yet


# -- shortcuts -----------------------------------------------------------------------------------------


@pytest.fixture
def editor(qtbot: QtBot) -> ShortcutEditor:
    editor = ShortcutEditor(SPECS, {})
    qtbot.addWidget(editor)
    return editor


def test_a_free_key_is_added(editor: ShortcutEditor) -> None:
    changes: list[dict[str, list[str]]] = []
    editor.changed.connect(lambda: changes.append(dict(editor.overrides)))
    editor.choose("frame.next")
    editor.key.setKeySequence(QKeySequence("G"))
    assert editor.message.text() == "G is free."
    editor.add.click()
    assert changes == [{"frame.next": ["Right", "D", ".", "G"]}]
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
    editor.key.setKeySequence(QKeySequence("G"))
    editor.add.click()
    assert desk_keys(window, "frame.next") == ("Right", "D", ".", "G")
    preferences.close()
    assert Settings.load().shortcuts == {"frame.next": ["Right", "D", ".", "G"]}
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.canvas.setFocus()
    qtbot.keyClick(window.canvas, Qt.Key.Key_G)
    assert ready.view.t == 1


def desk_keys(window: QMainWindow, action: str) -> tuple[str, ...]:
    keys: tuple[str, ...] = window.desk.actions.keys(action)
    return keys


def test_the_sheet_shows_every_key(desk: Desk) -> None:
    desk.shortcuts()
    sheet = _shown(ShortcutSheet)
    texts = {label.text() for label in sheet.findChildren(QLabel)}
    for spec in ACTIONS:
        if spec.keys:
            assert spec.title in texts
    assert {"Tab", "Page Down", "Shift+Delete", "Ctrl+wheel", "←"} <= texts
    assert sorted(group for column in COLUMNS for group in column) == sorted(Group)


def test_the_sheet_follows_changed_keys(ready: Session, desk: Desk) -> None:
    ready.settings.shortcuts = {"prompt.accept": ["G"]}
    assert (("G",), "Accept") in lines_of(Group.POINTING, desk.actions)


# -- cells ---------------------------------------------------------------------------------------------


def test_a_cell_is_found_and_shown(
    ready: Session, desk: Desk, put_cell: Callable[..., int], qtbot: QtBot
) -> None:
    put_cell(5, 5, 3, 3)
    put_cell(5, 20, 3, 3, t=2)
    ready.editing.rename(2, "polar body")
    desk.find_cell()
    dialog = _shown(FindCellDialog)
    assert dialog.note.text() == "2 cells"
    qtbot.keyClicks(dialog.field, "polar")
    assert dialog.note.text() == "1 cell"
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert ready.view.selection == (2,)
    assert ready.view.t == 2


def test_the_arrow_keys_move_through_what_was_found(
    ready: Session, desk: Desk, put_cell: Callable[..., int], qtbot: QtBot
) -> None:
    for i in range(3):
        put_cell(5 + 10 * i, 5, 3, 3)
    desk.find_cell()
    dialog = _shown(FindCellDialog)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Down)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Down)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Up)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert ready.view.selection == (2,)


def test_nothing_found_chooses_nothing(
    ready: Session, desk: Desk, put_cell: Callable[..., int], qtbot: QtBot
) -> None:
    put_cell(5, 5, 3, 3)
    desk.find_cell()
    dialog = _shown(FindCellDialog)
    qtbot.keyClicks(dialog.field, "zebra")
    assert dialog.note.text() == "no cell"
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert dialog.isVisible()
    assert ready.view.selection == ()


def test_renaming_the_selected_cell(ready: Session, desk: Desk, put_cell: Callable[..., int]) -> None:
    put_cell(5, 5, 3, 3)
    ready.editing.select((1,))
    desk.rename_selected()
    dialog = _shown(QInputDialog)
    dialog.setTextValue("AB")
    dialog.accept()
    assert ready.movie is not None
    assert ready.movie.document.cell(1).name == "AB"


# -- files ---------------------------------------------------------------------------------------------


def test_opening_saving_and_exporting(
    ready: Session,
    desk: Desk,
    answer: Callable[[Path | str], None],
    put_cell: Callable[..., int],
    notices: list[Notice],
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    def settle() -> None:
        qtbot.waitUntil(lambda: not ready.jobs.runner.jobs)

    put_cell(5, 5, 3, 3)
    desk.save()
    assert notices[-1].text.startswith("Everything is saved in")
    exports = {
        "labels.tif": desk.export_labels,
        "table.csv": desk.export_table,
        "view.png": desk.export_picture,
    }
    for name, ask in exports.items():
        answer(tmp_path / name)
        ask()
        settle()
        assert (tmp_path / name).is_file(), notices[-1]
    assert QImage(str(tmp_path / "view.png")).pixelColor(1, 1).name() == "#ff0000"
    answer(tmp_path / "other")
    desk.save_as()
    settle()
    assert (tmp_path / "other.cellsam").is_file()
    answer(tmp_path / "labels.tif")
    desk.import_labels()
    settle()
    assert ready.movie is not None
    assert len(ready.movie.document) == 2


def test_the_first_save_asks_where(
    ready: Session, desk: Desk, answer: Callable[[Path | str], None], tmp_path: Path, qtbot: QtBot
) -> None:
    answer(tmp_path / "first.cellsam")
    desk.save()
    qtbot.waitUntil(lambda: not ready.jobs.runner.jobs)
    assert (tmp_path / "first.cellsam").is_file()


def test_an_export_that_cannot_be_written_says_so(
    ready: Session,
    desk: Desk,
    answer: Callable[[Path | str], None],
    notices: list[Notice],
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    answer(tmp_path / "missing" / "view.png")
    desk.export_picture()
    qtbot.waitUntil(lambda: bool(notices))
    assert notices[-1].level == "error"
    assert "choose a folder" in notices[-1].text


def test_cancelling_a_file_dialog_does_nothing(
    ready: Session, desk: Desk, answer: Callable[[Path | str], None], put_cell: Callable[..., int]
) -> None:
    put_cell(5, 5, 3, 3)
    answer("")
    asks = (desk.open_movie, desk.open_folder, desk.save_as, desk.import_labels)
    for ask in (*asks, desk.export_labels, desk.export_table, desk.export_picture):
        ask()
    assert ready.jobs.runner.jobs == ()


def test_opening_by_dialog(
    ready: Session, desk: Desk, answer: Callable[[Path | str], None], tmp_path: Path, qtbot: QtBot
) -> None:
    other = tmp_path / "other.tif"
    tifffile.imwrite(other, np.zeros((30, 40), np.uint8))
    answer(other)
    desk.open_movie()
    qtbot.waitUntil(lambda: ready.movie is not None and ready.movie.info.path == other)
    assert desk.recent()[0] == other


def test_a_moved_movie_is_asked_for(
    ready: Session,
    desk: Desk,
    movie_file: Path,
    put_cell: Callable[..., int],
    answer: Callable[[Path | str], None],
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    put_cell(5, 5, 3, 3)
    assert ready.movie is not None
    project = ready.movie.project_path
    ready.close_movie()
    ready.opening.finish()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = movie_file.rename(elsewhere / "renamed.tif")
    ready.open(project)
    qtbot.waitUntil(lambda: any(w.isVisible() for w in desk.parent().findChildren(LocateMovieDialog)))
    answer(moved)
    _shown(LocateMovieDialog).accept()
    qtbot.waitUntil(lambda: ready.movie is not None and ready.movie.info.path == moved)
    assert len(ready.movie.document) == 1


# -- welcome and about ---------------------------------------------------------------------------------


def test_welcome_has_three_sentences_and_two_ways_on(ready: Session, desk: Desk, qtbot: QtBot) -> None:
    ready.settings.welcomed = False
    desk.welcome()
    dialog = _shown(WelcomeDialog)
    assert len(SENTENCES) == 3
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    assert all(sentence in texts for sentence in SENTENCES)
    with qtbot.waitSignal(desk.sample_wanted):
        qtbot.mouseClick(dialog.sample, Qt.MouseButton.LeftButton)
    assert ready.settings.welcomed


@pytest.mark.qt_log_ignore("This plugin does not support raise")
def test_one_dialog_of_each_kind(desk: Desk) -> None:
    desk.about()
    desk.about()
    assert isinstance(_shown(AboutDialog), AboutDialog)


def test_licences_are_named() -> None:
    text = licences_html()
    for word in ("PySide6", "LGPL", "MobileSAM", "Apache-2.0", "CC-BY-4.0"):
        assert word in text
