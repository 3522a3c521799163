from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QInputDialog, QLabel
from pytestqt.qtbot import QtBot

from cellsam_desktop import settings
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.curation.notices import Notice
from cellsam_desktop.curation.session import Session
from cellsam_desktop.images.source import MovieInfo, Sizes
from cellsam_desktop.paths import models_dir
from cellsam_desktop.settings import Settings
from cellsam_desktop.ui.dialogs.about import LIBRARIES, AboutDialog, licences_html
from cellsam_desktop.ui.dialogs.axes import AxesDialog, described
from cellsam_desktop.ui.dialogs.desk import Desk
from cellsam_desktop.ui.dialogs.find_cell import FindCellDialog
from cellsam_desktop.ui.dialogs.preferences import PreferencesDialog
from cellsam_desktop.ui.dialogs.welcome import WelcomeDialog, sentences
from cellsam_desktop.ui.theme import Appearance

Shown = Callable[[type[QDialog]], Any]


# -- axes and scale ------------------------------------------------------------------------------------


def test_the_scale_is_shown_and_corrected(shown: Shown, ready: Session, desk: Desk) -> None:
    desk.axes()
    dialog = shown(AxesDialog)
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


def test_looking_at_the_scale_changes_nothing(shown: Shown, ready: Session, desk: Desk) -> None:
    assert ready.movie is not None
    exact = Calibration(0.123456789, None, 1 / 3)
    ready.editing.set_calibration(exact)
    desk.axes()
    shown(AxesDialog).accept()
    assert ready.movie.document.calibration == exact


def test_axes_are_corrected(shown: Shown, ready: Session, desk: Desk, qtbot: QtBot) -> None:
    desk.axes()
    dialog = shown(AxesDialog)
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


def test_preferences_act_at_once_and_are_kept(
    ready: Session, preferences: PreferencesDialog, appearance: Appearance
) -> None:
    preferences.theme.setCurrentIndex(preferences.theme.findData("dark"))
    assert appearance.theme.dark
    preferences.opacity.setValue(70)
    assert ready.view.opacity == 0.7
    preferences.trail.setValue(25)
    assert ready.view.trail == 25
    rates = []
    ready.navigation.rate_changed.connect(rates.append)
    preferences.fps.setValue(12)
    assert rates == [12]
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


def test_models_that_are_not_here_can_be_fetched(preferences: PreferencesDialog, qtbot: QtBot) -> None:
    choice = preferences.model
    qtbot.waitUntil(lambda: choice.spec is not None)
    assert choice.spec is not None
    assert choice.spec.name == "vit_t"
    assert choice.fetch.isVisible()
    assert choice.note.text() == "Not installed, 41 MB. Licence: Apache-2.0."


def test_a_model_that_could_not_be_fetched_can_be_asked_for_again(
    preferences: PreferencesDialog, ready: Session, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise ModelError("The network cannot be reached: try again.")

    monkeypatch.setattr("cellsam_desktop.sam.fetch.fetch", no_network)
    choice, said = preferences.model, []
    ready.notices.posted.connect(said.append)
    qtbot.waitUntil(choice.fetch.isVisible)
    qtbot.mouseClick(choice.fetch, Qt.MouseButton.LeftButton)
    assert not choice.fetch.isEnabled()
    qtbot.waitUntil(lambda: bool(said))
    assert choice.fetch.isEnabled()
    assert choice.note.text().startswith("Not installed")


def test_an_installed_model_is_used_when_chosen(
    shown: Shown, home_with_weights: Path, ready: Session, desk: Desk, qtbot: QtBot
) -> None:
    desk.preferences()
    dialog = shown(PreferencesDialog)
    qtbot.waitUntil(lambda: dialog.model.note.text().startswith("Installed"))
    assert not dialog.model.fetch.isVisible()
    dialog.model.models.setCurrentIndex(1)
    assert ready.settings.model == "vit_t"  # the other one is not installed: nothing happens yet


def test_preferences_open_with_a_damaged_list_of_models(
    shown: Shown, ready: Session, desk: Desk, qtbot: QtBot
) -> None:
    (models_dir() / "models.json").write_text("{")
    said: list[Notice] = []
    ready.notices.posted.connect(said.append)
    desk.preferences()
    dialog = shown(PreferencesDialog)
    qtbot.waitUntil(lambda: bool(said))
    assert "models.json cannot be read" in said[0].text
    assert (dialog.model.spec, dialog.model.fetch.isVisible()) == (None, False)


# -- cells ---------------------------------------------------------------------------------------------


def test_a_cell_is_found_and_shown(
    shown: Shown, ready: Session, desk: Desk, put_cell: Callable[..., int], qtbot: QtBot
) -> None:
    put_cell(5, 5, 3, 3)
    put_cell(5, 20, 3, 3, t=2)
    ready.editing.rename(2, "polar body")
    desk.find_cell()
    dialog = shown(FindCellDialog)
    assert dialog.note.text() == "2 cells"
    qtbot.keyClicks(dialog.field, "polar")
    assert dialog.note.text() == "1 cell"
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert ready.view.selection == (2,)
    assert ready.view.t == 2


def test_the_arrow_keys_move_through_what_was_found(
    shown: Shown, ready: Session, desk: Desk, put_cell: Callable[..., int], qtbot: QtBot
) -> None:
    for i in range(3):
        put_cell(5 + 10 * i, 5, 3, 3)
    desk.find_cell()
    dialog = shown(FindCellDialog)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Down)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Down)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Up)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert ready.view.selection == (2,)


def test_nothing_found_chooses_nothing(
    shown: Shown, ready: Session, desk: Desk, put_cell: Callable[..., int], qtbot: QtBot
) -> None:
    put_cell(5, 5, 3, 3)
    desk.find_cell()
    dialog = shown(FindCellDialog)
    qtbot.keyClicks(dialog.field, "zebra")
    assert dialog.note.text() == "no cell"
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert dialog.isVisible()
    assert ready.view.selection == ()


def test_renaming_the_selected_cell(
    shown: Shown, ready: Session, desk: Desk, put_cell: Callable[..., int]
) -> None:
    put_cell(5, 5, 3, 3)
    ready.editing.select((1,))
    desk.rename_selected()
    dialog = shown(QInputDialog)
    dialog.setTextValue("AB")
    dialog.accept()
    assert ready.movie is not None
    assert ready.movie.document.cell(1).name == "AB"


# -- welcome and about ---------------------------------------------------------------------------------


def test_welcome_has_three_sentences_and_two_ways_on(
    shown: Shown, ready: Session, desk: Desk, qtbot: QtBot
) -> None:
    ready.settings.welcomed = False
    desk.welcome()
    dialog = shown(WelcomeDialog)
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    assert all(sentence in texts for sentence in sentences(desk.actions))
    with qtbot.waitSignal(desk.sample_wanted):
        qtbot.mouseClick(dialog.sample, Qt.MouseButton.LeftButton)
    assert ready.settings.welcomed


def test_welcome_names_the_keys_that_are_bound(ready: Session, desk: Desk) -> None:
    accept, others, every = sentences(desk.actions)
    assert "press <b>F</b> to accept" in accept
    assert "<b>Tab</b> offers another mask, and <b>←</b> and <b>→</b> step through time" in others
    assert "<b>F1</b> shows every key" in every
    ready.settings.shortcuts = {"prompt.accept": ["<"], "help.keys": []}
    accept, _, every = sentences(desk.actions)
    assert "press <b>&lt;</b> to accept" in accept
    assert "“Shortcuts” shows every key" in every


@pytest.mark.qt_log_ignore("This plugin does not support raise")
def test_one_dialog_of_each_kind(shown: Shown, desk: Desk) -> None:
    desk.about()
    desk.about()
    assert isinstance(shown(AboutDialog), AboutDialog)


def test_licences_are_named() -> None:
    text = licences_html()
    for word in ("PySide6", "LGPL", "MobileSAM", "Apache-2.0", "CC-BY-4.0"):
        assert word in text


def test_every_library_that_the_program_needs_is_named() -> None:
    needed = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]["dependencies"]
    names = {re.split(r"[<>=;\s]", line, maxsplit=1)[0].lower() for line in needed}
    names = {name.removesuffix("-gpu").removesuffix("-essentials") for name in names}
    named = " ".join(name for name, _ in LIBRARIES).lower().replace("onnx runtime", "onnxruntime")
    assert [name for name in sorted(names) if name not in named] == []
