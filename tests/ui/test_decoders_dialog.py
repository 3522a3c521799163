"""The list of decoders: what it says, and what its buttons do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QMainWindow, QTreeWidgetItem
from pytestqt.qtbot import QtBot

from cellsam_desktop.core.decoder_scores import KindScores, Scores
from cellsam_desktop.curation.notices import Notice
from cellsam_desktop.curation.session import Session
from cellsam_desktop.sam.decoder_files import DecoderFiles
from cellsam_desktop.ui.dialogs.decoders import DecodersDialog
from cellsam_desktop.ui.panels.tool_bar import ModelChip
from tests.curation.test_decoders import Write, write_decoder  # noqa: F401  (a fixture)

LONG_MS = 60_000
TRAINEE = Path(__file__).parents[1] / "jobs" / "trainee.py"
Bring = Callable[..., str]


@pytest.fixture
def bring(ready: Session, write_decoder: Write, qtbot: QtBot) -> Bring:  # noqa: F811
    """Adds a decoder and returns its name."""

    def bring_it(name: str) -> str:
        before = {decoder.name for decoder in ready.decoders.known}
        ready.decoders.bring(write_decoder(name))
        settle(ready, qtbot)
        [new] = {decoder.name for decoder in ready.decoders.known} - before
        return new

    return bring_it


@pytest.fixture
def dialog(window: QMainWindow, ready: Session, bring: Bring, qtbot: QtBot) -> DecodersDialog:
    """The dialog with two decoders."""
    for name in ("a", "b"):
        bring(name)
    window.desk.actions["model.decoders"].trigger()
    [dialog] = window.findChildren(DecodersDialog)
    settle(ready, qtbot)
    return dialog


def settle(session: Session, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not session.jobs.runner.jobs, timeout=LONG_MS)


def rows(dialog: DecodersDialog) -> list[QTreeWidgetItem]:
    return [dialog.tree.topLevelItem(i) for i in range(dialog.tree.topLevelItemCount())]


def bold(dialog: DecodersDialog) -> list[str]:
    return [item.text(0) for item in rows(dialog) if item.font(0).bold()]


def test_all_are_listed_and_the_one_in_use_stands_out(dialog: DecodersDialog) -> None:
    assert [item.text(0) for item in rows(dialog)] == ["The model's own (vit_t)", "Title of b", "Title of a"]
    assert bold(dialog) == ["The model's own (vit_t)"]
    assert rows(dialog)[1].text(1) == "–"
    assert not dialog.back.isEnabled()
    dialog.select("title-of-a")
    assert dialog.use.isEnabled()
    assert not dialog.report.isEnabled()


def test_one_is_used_and_rolled_back(dialog: DecodersDialog, ready: Session, qtbot: QtBot) -> None:
    chip = ModelChip(ready)
    qtbot.addWidget(chip)
    dialog.select("title-of-a")
    dialog.use.click()
    assert bold(dialog) == ["Title of a"]
    assert "vit_t · Title of a" in chip.text()
    assert not dialog.use.isEnabled()
    assert dialog.back.toolTip() == "Return to the model’s own"
    dialog.back.click()
    assert bold(dialog) == ["The model's own (vit_t)"]
    assert "Title" not in chip.text()


def test_a_title_is_typed_over(dialog: DecodersDialog, ready: Session, qtbot: QtBot) -> None:
    dialog.select("title-of-a")
    dialog.tree.currentItem().setText(0, "Worms")
    settle(ready, qtbot)
    assert [decoder.title for decoder in ready.decoders.known] == ["Title of b", "Worms"]
    assert dialog.selected == "title-of-a"


def test_export_add_and_remove(
    dialog: DecodersDialog,
    ready: Session,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    said: list[Notice] = []
    ready.notices.posted.connect(said.append)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(out))
    dialog.select("title-of-a")
    dialog.export.click()
    settle(ready, qtbot)
    assert DecoderFiles(out).complete
    dialog.bring.click()
    settle(ready, qtbot)
    assert len(rows(dialog)) == 4
    dialog.select("title-of-a-2")
    dialog.remove.click()
    settle(ready, qtbot)
    assert [decoder.name for decoder in ready.decoders.known] == ["title-of-b", "title-of-a"]
    [undo] = [notice.offer for notice in said if notice.offer is not None]
    undo.accept()
    settle(ready, qtbot)
    assert "title-of-a-2" in [decoder.name for decoder in ready.decoders.known]


def test_all_are_measured_on_the_same_cells(
    dialog: DecodersDialog, ready: Session, put_cell: Callable[..., int], qtbot: QtBot
) -> None:
    dialog.compare.click()
    assert dialog.note.text() == "There is nothing to compare on yet: accept some masks first."
    put_cell(10, 10, 8, 8)
    comparing = ready.comparing
    comparing.command = [sys.executable, str(TRAINEE), "better"]
    dialog.compare.click()
    assert dialog.compare.text() == "Stop comparing"
    qtbot.waitUntil(lambda: not comparing.running, timeout=LONG_MS)
    assert [row.text(6) for row in rows(dialog)] == ["0.60", "0.70", "0.70"]
    assert not dialog.tree.isColumnHidden(6)
    assert "on 12 curated cells" in dialog.note.text()
    ready.movie_changed.emit()
    assert dialog.tree.isColumnHidden(6)
    assert comparing.results == {}
    comparing.command = [sys.executable, str(TRAINEE), "failing"]
    dialog.compare.click()
    qtbot.waitUntil(lambda: not comparing.running, timeout=LONG_MS)
    assert dialog.note.text() == "There is nothing to learn from: accept some masks first."
    comparing.command = [sys.executable, str(TRAINEE), "deaf"]
    dialog.compare.click()
    dialog.compare.click()
    assert not comparing.running
    assert dialog.tree.isColumnHidden(6)


def test_numbers_before_and_after(dialog: DecodersDialog, ready: Session) -> None:
    from dataclasses import replace

    def scores(iou: float) -> Scores:
        ious = (iou, iou, iou, iou + 0.1)
        return Scores(3, 44, {"point": KindScores(ious, ious), "box": KindScores((iou,), (iou,))})

    known = ready.decoders.known
    ready.decoders._known = (replace(known[0], before=scores(0.4), after=scores(0.6), made="2026-11-20T1"),)
    ready.decoders.changed.emit()
    row = [rows(dialog)[1].text(column) for column in range(6)]
    assert row == ["Title of b", "0.40 → 0.60", "0.50 → 0.70", "0.40 → 0.60", "44", "2026-11-20"]
