"""The main job by hand: from a file to curated cells over time, and back from disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt

from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.curation.view_state import Tool
from tests.e2e.drive import CTRL, RIGHT, SHIFT, Curator, Labels, inner_point, iou, same_masks

KEY = Qt.Key
Masks = dict[tuple[int, PlaneKey], Mask]
GOOD = 0.75
"""IoU with the truth that one click on a nucleus reaches easily."""


@pytest.mark.timeout(1200)
def test_the_main_job(curator, sample, tmp_path: Path):
    truth = sample.truth
    first, second = (int(label) for label in np.unique(truth[0])[1:3])
    hand = curator()
    hand.drop(sample.movie)
    hand.wait_encoded()
    point_at_the_first_cell(hand, truth[0], first)
    accept_two_cells(hand, truth[0], first, second)
    continue_both_in_the_next_frame(hand, truth, first, second)
    done = correct_and_take_everything_back(hand, truth[1], first)

    # Saved already; closed, opened again, exported, and compared with the truth.
    project = hand.session.movie.project_path
    hand.press(KEY.Key_S, CTRL)
    hand.close()
    again = curator()
    again.drop(project)
    assert same_masks(again.masks(), done)
    again.wait_encoded()  # from the cache
    compare_export(again, tmp_path / "labels.tif", truth, {1: first, 2: second})
    again.close()


def point_at_the_first_cell(hand: Curator, truth: Labels, label: int) -> None:
    """Hover shows what a click gives, and is no prompt; candidates, a correction, and back."""
    prompting = hand.session.prompting
    x, y = inner_point(truth, label)
    hovered = hand.hover_mask(x, y)
    assert prompting.prompts.empty
    clicked = hand.propose(x, y)
    assert clicked is not None
    assert hovered.iou(clicked) > 0.95
    candidate = prompting.candidate
    hand.press(KEY.Key_Tab)
    assert prompting.candidate == (candidate + 1) % 3
    hand.press(KEY.Key_Backtab, SHIFT)
    assert prompting.candidate == candidate
    assert hand.canvas.hasFocus()
    hand.propose(*outside(truth, label), RIGHT)
    assert [point.positive for point in prompting.prompts.points] == [True, False]
    hand.press(KEY.Key_Backspace)
    hand.wait(lambda: prompting.proposal, "the proposal of the first click")


def accept_two_cells(hand: Curator, truth: Labels, first: int, second: int) -> None:
    """Return keeps the cell selected; N accepts and begins another."""
    session = hand.session
    hand.press(KEY.Key_Return)
    assert session.movie.document.cell_ids == [1]
    assert session.view.selection == (1,)
    assert iou(hand.masks()[1, PlaneKey(0)], truth, first) > GOOD
    session.view.set(selection=())
    hand.propose(*inner_point(truth, second))
    hand.press(KEY.Key_N)
    assert session.movie.document.cell_ids == [1, 2]
    assert session.view.selection == ()


def continue_both_in_the_next_frame(hand: Curator, truth: Labels, first: int, second: int) -> None:
    """Select, step, click, accept: the ids stay."""
    session = hand.session
    for cell_id, label in ((1, first), (2, second)):
        if session.view.t:
            hand.step(KEY.Key_Left)
        hand.press(KEY.Key_V)
        assert session.view.tool is Tool.SELECT
        hand.click(*inner_point(truth[0], label))
        assert session.view.selection == (cell_id,)
        hand.step(KEY.Key_Right)
        hand.wait_encoded()
        hand.press(KEY.Key_Q)
        hand.propose(*inner_point(truth[1], label))
        hand.press(KEY.Key_F)
    assert session.movie.document.cell_ids == [1, 2]
    assert session.movie.document.frames(1) == session.movie.document.frames(2) == [0, 1]


def correct_and_take_everything_back(hand: Curator, truth: Labels, first: int) -> Masks:
    """A brush stroke and a deletion undone; then everything undone and redone across frames."""
    session = hand.session
    session.view.set(selection=(1,))
    hand.press(KEY.Key_B)
    area = hand.masks()[1, PlaneKey(1)].area
    hand.drag(inner_point(truth, first), outside(truth, first))
    assert hand.masks()[1, PlaneKey(1)].area > area
    hand.press(KEY.Key_Z, CTRL)
    assert hand.masks()[1, PlaneKey(1)].area == area
    hand.press(KEY.Key_Delete)
    assert session.movie.document.frames(1) == [0]
    hand.press(KEY.Key_Z, CTRL)
    done = hand.masks()
    assert len(done) == 4
    hand.press(KEY.Key_Z, CTRL, times=4)
    assert len(session.movie.document) == 0
    hand.press(KEY.Key_Z, CTRL | SHIFT, times=4)
    assert same_masks(hand.masks(), done)
    hand.step(KEY.Key_Home)
    return done


def compare_export(hand: Curator, labels: Path, truth: Labels, ids: dict[int, int]) -> None:
    """The exported labels agree with the truth on the two curated frames, and are empty elsewhere."""
    hand.session.exchange.export_labels(labels)
    hand.wait(lambda: not hand.session.jobs.runner.jobs, "the export")
    exported = tifffile.imread(labels)
    assert exported.shape == truth.shape
    for t in (0, 1):
        for cell_id, label in ids.items():
            common = ((exported[t] == cell_id) & (truth[t] == label)).sum()
            union = ((exported[t] == cell_id) | (truth[t] == label)).sum()
            assert common / union > GOOD, (t, cell_id)
    assert not exported[2:].any()


@pytest.mark.timeout(1200)
def test_what_was_accepted_survives_being_killed(curator, sample, home_with_weights: Path):
    points = [inner_point(sample.truth[0], int(label)) for label in np.unique(sample.truth[0])[1:]]
    script = Path(__file__).with_name("accept_and_wait.py")
    command = [sys.executable, str(script), str(sample.movie), *(f"{x},{y}" for x, y in points)]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    try:
        told = child.stdout.readline().split()
        assert told[:1] == ["accepted"], told
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    hand = curator()
    hand.drop(Path(told[1]))
    assert sorted(hand.masks()) == [(n + 1, PlaneKey(0)) for n in range(len(points))]
    for (x, y), mask in zip(points, hand.masks().values(), strict=True):
        assert mask.contains(x, y)
    hand.close()


@pytest.mark.timeout(1200)
def test_one_click_per_nucleus_on_a_movie_of_others(curator, nuclei, tmp_path: Path):
    truth = nuclei.truth[0]
    inner = [int(label) for label in np.unique(truth)[1:] if not touches_edge(truth == label)]
    hand = curator()
    hand.drop(nuclei.movie)
    hand.wait_encoded()
    hand.wheel(2)
    hand.press(KEY.Key_R, CTRL)
    for label in inner:
        hand.propose(*inner_point(truth, label))
        hand.press(KEY.Key_N)
    labels = tmp_path / "labels.tif"
    hand.session.exchange.export_labels(labels)
    hand.wait(lambda: not hand.session.jobs.runner.jobs, "the export")
    scores = [iou(mask, truth, label) for mask, label in zip(hand.masks().values(), inner, strict=True)]
    assert np.mean(scores) > 0.85, scores
    exported = tifffile.imread(labels)
    assert exported.shape == nuclei.truth.shape
    assert set(np.unique(exported[0])) == {0, *range(1, len(inner) + 1)}
    hand.close()


def touches_edge(plane: np.ndarray) -> bool:
    """Whether a mask reaches the edge of its plane."""
    return bool(plane[[0, -1]].any() or plane[:, [0, -1]].any())


def outside(labels: np.ndarray, label: int) -> tuple[int, int]:
    """A pixel of the background some way right of a label."""
    _, y = inner_point(labels, label)
    right = int(np.flatnonzero(labels[y] == label).max())
    return min(right + 12, labels.shape[1] - 1), y
