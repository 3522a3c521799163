"""The real lineage of an embryo, 720 cells over 195 frames, in the real window: what each action draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDockWidget
from pytestqt.qtbot import QtBot

from benchmarks.embryo_project import make_project
from cellsam_desktop import app
from cellsam_desktop.analysis.colouring import ColourBy
from cellsam_desktop.settings import Settings
from cellsam_desktop.ui.main_window import MainWindow

CELLS, DIVISIONS, FRAMES = 720, 358, 195


@pytest.fixture
def window(shared_data: Path, tmp_path: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """The window with the embryo's project and the lineage on top."""
    project = make_project(shared_data / "celegans", tmp_path)
    window = app.build(Settings(welcomed=True)).window
    qtbot.addWidget(window)
    window.show()
    while window.prepare():
        continue
    dock = window.findChild(QDockWidget, "dock Lineage")
    assert isinstance(dock, QDockWidget)
    dock.raise_()
    window.session.open(project)
    qtbot.waitUntil(lambda: len(window.lineage.view.forest) == CELLS, timeout=30000)
    qtbot.wait(50)
    yield window
    window.close()


def work(window: MainWindow, qtbot: QtBot, act: Callable[[], object]) -> tuple[int, int, int]:
    """Layouts, pictures, and cells read for one action."""
    model, item, session = window.lineage.model, window.lineage.view.branches, window.session

    def counts() -> tuple[int, int, int]:
        return model.layouts, item.renders, model.read

    before = counts()
    act()
    qtbot.waitUntil(lambda: session.navigation.plane_index == session.view.index)
    qtbot.wait(200)
    layouts, pictures, read = (now - then for now, then in zip(counts(), before, strict=True))
    return layouts, pictures, read


def test_the_whole_embryo_is_drawn_and_stays_still(window: MainWindow, qtbot: QtBot) -> None:
    session, panel = window.session, window.lineage
    assert panel.count.text() == f"4 lineages, {DIVISIONS} divisions"
    assert panel.view.forest.frames == (0, FRAMES - 1)
    assert panel.model.read == CELLS
    assert work(window, qtbot, lambda: session.navigation.go_to(100)) == (0, 0, 0)
    assert work(window, qtbot, lambda: session.editing.select((250, 251))) == (0, 0, 0)
    assert work(window, qtbot, lambda: panel.view.box.scaleBy((0.5, 0.5))) == (0, 1, 0)
    assert work(window, qtbot, lambda: session.editing.rename(2, "ABal")) == (0, 1, 1)
    assert work(window, qtbot, lambda: session.view.set(colour_by=ColourBy.GENERATION)) == (0, 1, 0)
    session.view.set(selection=(719,))
    assert work(window, qtbot, session.editing.delete_from_here) == (1, 1, 1)


def test_zoomed_in_only_cells_in_view_are_drawn(window: MainWindow, qtbot: QtBot) -> None:
    from cellsam_desktop.ui.panels.lineage.drawing import strokes

    view = window.lineage.view
    assert strokes(view.forest, view.seen()).cells.size == CELLS
    index = view.forest.index(640)
    assert index is not None
    view.frame_family(index)
    family = view.forest.offspring(index).size
    qtbot.wait(50)
    assert family <= strokes(view.forest, view.seen()).cells.size <= family + 4
