from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from cellsam_desktop.curation.formats import FORMATS
from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui.dialogs.desk import Desk


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path | str], None]:
    """Lets the system's file dialogs answer with a path."""

    def give(path: Path | str) -> None:
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(path))

    return give


def _action(name: str) -> str:
    return "file.export_table" if name == "csv" else f"file.export_{name}"


@pytest.mark.parametrize("name", FORMATS)
def test_cells_go_out_and_come_back_through_the_menus(
    ready: Session,
    desk: Desk,
    answer: Callable[[Path | str], None],
    put_cell: Callable[..., int],
    tmp_path: Path,
    qtbot: QtBot,
    name: str,
) -> None:
    put_cell(5, 5, 3, 3)
    answer(tmp_path / "out")  # the ending is added
    form = FORMATS[name]
    desk.actions[_action(name)].trigger()
    qtbot.waitUntil(lambda: not ready.jobs.runner.jobs)
    path = (tmp_path / "out").with_suffix(form.ending)
    assert path.exists()
    answer(path)
    folder = name in ("ctc", "geff")
    desk.actions["file.import_folder" if folder else "file.import_tracks"].trigger()
    qtbot.waitUntil(lambda: not ready.jobs.runner.jobs)
    assert ready.movie is not None
    assert len(ready.movie.document) == 2


def test_cancelling_a_dialog_does_nothing(
    ready: Session, desk: Desk, answer: Callable[[Path | str], None], put_cell: Callable[..., int]
) -> None:
    put_cell(5, 5, 3, 3)
    answer("")
    for action in ("file.import_tracks", "file.import_folder", *map(_action, FORMATS)):
        desk.actions[action].trigger()
    assert ready.jobs.runner.jobs == ()
