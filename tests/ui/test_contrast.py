from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from cellsam_desktop.curation.session import Session
from cellsam_desktop.images.contrast import Contrast
from cellsam_desktop.ui.panels.contrast import ContrastPanel
from cellsam_desktop.ui.theme import Appearance


@pytest.fixture
def panel(ready: Session, appearance: Appearance, qtbot: QtBot) -> ContrastPanel:
    panel = ContrastPanel(ready)
    qtbot.addWidget(panel)
    panel.resize(340, 260)
    panel.show()
    assert panel.prepare()
    qtbot.waitUntil(lambda: panel.measured > 0)
    return panel


@pytest.fixture
def settled(ready: Session) -> list[int]:
    seen: list[int] = []
    ready.navigation.contrast_settled.connect(seen.append)
    return seen


def test_the_range_of_the_movie_is_shown(ready: Session, panel: ContrastPanel) -> None:
    contrast = ready.navigation.contrast
    assert (panel.low.value(), panel.high.value()) == (round(contrast.low), round(contrast.high))
    assert panel.plot.region.getRegion() == pytest.approx((contrast.low, contrast.high))
    assert panel.gamma.value() == 1.0
    edges, counts = panel.plot.curve.getData()
    assert len(edges) == len(counts) + 1
    assert panel.channel.text() == ""


def test_dragging_tries_and_letting_go_settles(
    ready: Session, panel: ContrastPanel, settled: list[int]
) -> None:
    panel.plot.region.setRegion((1000, 5000))  # as while dragging, then as when let go
    assert ready.navigation.contrast == Contrast(1000, 5000)
    settled.clear()
    panel.plot.region.blockSignals(True)
    panel.plot.region.setRegion((1500, 5000))
    panel.plot.region.blockSignals(False)
    panel.plot.region.sigRegionChanged.emit(panel.plot.region)
    assert ready.navigation.contrast == Contrast(1500, 5000)
    assert settled == []
    panel.plot.region.sigRegionChangeFinished.emit(panel.plot.region)
    assert settled == [0]


def test_typing_settles(ready: Session, panel: ContrastPanel, settled: list[int]) -> None:
    panel.gamma.setValue(0.5)
    assert ready.navigation.contrast.gamma == 0.5
    panel.low.setValue(500)
    assert ready.navigation.contrast.low == 500
    assert settled == [0, 0]


def test_an_empty_range_is_refused(ready: Session, panel: ContrastPanel) -> None:
    before = ready.navigation.contrast
    panel.low.setValue(60000)
    assert ready.navigation.contrast == before
    assert panel.low.value() == round(before.low)


def test_auto_takes_the_movie_range_again(ready: Session, panel: ContrastPanel, qtbot: QtBot) -> None:
    measured = ready.navigation.contrast
    panel.gamma.setValue(2.0)
    qtbot.mouseClick(panel.auto, Qt.MouseButton.LeftButton)
    assert ready.navigation.contrast == measured
    assert panel.gamma.value() == 1.0


def test_a_hidden_panel_measures_nothing(ready: Session, panel: ContrastPanel, qtbot: QtBot) -> None:
    panel.hide()
    before = panel.measured
    ready.navigation.go_to(2)
    qtbot.waitUntil(lambda: ready.navigation.plane_index == ready.view.index)
    qtbot.wait(200)
    assert panel.measured == before
    panel.show()
    qtbot.waitUntil(lambda: panel.measured == before + 1)


def test_each_channel_has_its_own_range(
    session: Session, open_movie: Callable[[Path], None], tmp_path: Path, qtbot: QtBot, appearance: Appearance
) -> None:
    panel = ContrastPanel(session)
    qtbot.addWidget(panel)
    assert not panel.isEnabled()
    data = np.random.default_rng(1).integers(0, 99, (2, 20, 24)).astype(np.uint16)
    data[1] *= 10
    file = tmp_path / "two.tif"
    tifffile.imwrite(file, data, imagej=True, metadata={"axes": "CYX"})
    open_movie(file)
    assert panel.channel.text() == "Channel 1"
    first = panel.high.value()
    session.navigation.set_channel(1)
    assert panel.channel.text() == "Channel 2"
    assert panel.high.value() > 5 * first
    panel.high.setValue(700)
    session.navigation.set_channel(0)
    assert panel.high.value() == first
    assert session.view.contrast[1].high == 700
