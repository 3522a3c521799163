from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QDialog, QFileDialog
from pytestqt.qtbot import QtBot

from cellsam_desktop.curation.notices import Notice
from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui.dialogs.desk import Desk
from cellsam_desktop.ui.dialogs.locate_movie import LocateMovieDialog

Shown = Callable[[type[QDialog]], Any]


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
    assert notices[-1].text.startswith("Saved in")
    exports = {
        "labels.tif": desk.export_labels,
        "table.csv": desk.export_table,
        "table.parquet": desk.export_table,
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
    shown: Shown,
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
    shown(LocateMovieDialog).accept()
    qtbot.waitUntil(lambda: ready.movie is not None and ready.movie.info.path == moved)
    assert len(ready.movie.document) == 1
