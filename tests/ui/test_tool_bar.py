from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.curation.session import Session
from cellsam_desktop.curation.view_state import Tool
from cellsam_desktop.jobs.decode_request import Proposal
from cellsam_desktop.jobs.targets import WorkerState
from cellsam_desktop.sam.transforms import InputGeometry
from cellsam_desktop.ui.dialogs.desk import Desk
from cellsam_desktop.ui.panels.tool_bar import ToolBar

GEOMETRY = InputGeometry(Region.whole(60, 80))


@pytest.fixture
def bar(ready: Session, desk: Desk, qtbot: QtBot) -> ToolBar:
    bar = ToolBar(ready, desk.actions)
    qtbot.addWidget(bar)
    bar.resize(1000, 44)
    bar.show()
    qtbot.waitExposed(bar)
    return bar


def _button(bar: ToolBar, text: str) -> QToolButton:
    return next(button for button in bar.findChildren(QToolButton) if button.text() == text)


def _offer(session: Session, *ious: float) -> None:
    mask = Mask.from_array(np.ones((4, 4), bool), 5, 5)
    logits = np.zeros((256, 256), np.float32)
    answers = session.prompting.answers
    answers.proposals = tuple(Proposal(mask, iou, logits, GEOMETRY) for iou in ious)
    answers.candidate, answers.complete = 0, True
    session.prompting.changed.emit()


def test_the_six_tools_are_there_and_follow_the_view(ready: Session, bar: ToolBar, qtbot: QtBot) -> None:
    names = ["Point", "Box", "Brush", "Eraser", "Lasso", "Select"]
    for tool, name in zip(Tool, names, strict=True):
        qtbot.mouseClick(_button(bar, name), Qt.MouseButton.LeftButton)
        assert ready.view.tool is tool
        assert [button for button in names if _button(bar, button).isChecked()] == [name]
    ready.view.set(tool=Tool.BOX)
    assert _button(bar, "Box").isChecked()


def test_the_radius_is_there_while_painting(ready: Session, bar: ToolBar, qtbot: QtBot) -> None:
    assert bar.brush.isHidden()
    ready.view.set(tool=Tool.BRUSH)
    qtbot.waitUntil(bar.brush.isVisible)
    bar.brush.field.setValue(12.5)
    assert ready.view.brush_radius == 12.5
    ready.view.set(brush_radius=3.0)
    assert bar.brush.field.value() == 3.0
    ready.view.set(tool=Tool.SELECT)
    qtbot.waitUntil(bar.brush.isHidden)


def test_candidates_are_offered_and_chosen(ready: Session, bar: ToolBar, qtbot: QtBot) -> None:
    assert bar.candidates.accept.isHidden()
    _offer(ready, 0.97, 0.9, 0.81)
    qtbot.waitUntil(bar.candidates.accept.isVisible)
    chips = bar.candidates.chips
    assert [chip.text() for chip in chips] == ["1   0.97", "2   0.90", "3   0.81"]
    assert chips[0].isChecked()
    qtbot.mouseClick(chips[2], Qt.MouseButton.LeftButton)
    assert ready.prompting.candidate == 2
    ready.prompting.cycle(1)
    qtbot.waitUntil(chips[0].isChecked)
    _offer(ready, 0.88)
    qtbot.waitUntil(lambda: all(chip.isHidden() for chip in chips))  # nothing to choose from


def test_accepting_makes_a_cell(ready: Session, bar: ToolBar, qtbot: QtBot) -> None:
    _offer(ready, 0.97, 0.9, 0.81)
    qtbot.waitUntil(bar.candidates.accept.isVisible)
    qtbot.mouseClick(bar.candidates.accept, Qt.MouseButton.LeftButton)
    assert ready.movie is not None
    assert ready.movie.document.cell_ids == [1]
    qtbot.waitUntil(bar.candidates.accept.isHidden)


def test_no_button_takes_the_keyboard(bar: ToolBar) -> None:
    for button in bar.findChildren(QToolButton):
        assert button.focusPolicy() is Qt.FocusPolicy.NoFocus


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (WorkerState("stopped"), "vit_t"),
        (WorkerState("idle", "cpu"), "vit_t · CPU"),
        (WorkerState("encoding", "cuda"), "vit_t · CUDA"),
        (WorkerState("broken", "", "Install torch."), "vit_t"),
    ],
)
def test_the_chip_tells_model_and_device(ready: Session, bar: ToolBar, state: WorkerState, text: str) -> None:
    ready.jobs.encoder.state_changed.emit(state)
    assert bar.model.text().endswith(f"&nbsp; {text}")
    assert bar.model.toolTip()


def test_tool_tips_name_the_keys_of_now(bar: ToolBar, ready: Session, desk: Desk) -> None:
    chip, radius = bar.candidates.chips[0], bar.brush.field
    assert chip.toolTip().endswith("(Tab)")
    assert "([ ], or Alt+drag)" in radius.toolTip()
    ready.settings.shortcuts = {"prompt.next": ["K"], "brush.smaller": ["Ctrl+1"]}
    desk.actions.rebind(ready.settings.shortcuts)
    assert chip.toolTip().endswith("(K)")
    assert "(Ctrl+1 ], or Alt+drag)" in radius.toolTip()
