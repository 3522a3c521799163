"""Cells through ten frames in the real window: carried, divisions answered, a swap, CTC and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cellsam_desktop.analysis.carried import NextFrame, Split
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.curation.propagation_edits import outcome
from cellsam_desktop.ui.dialogs.propagate import PropagateDialog
from tests.e2e.drive import CTRL, LEFT, SHIFT, Curator, same_masks

KEY = Qt.Key
FRAMES, HEIGHT, WIDTH = 11, 160, 256
BORN = 6
"""The frame on which two of the four cells have become two each."""

STARTS = {1: (40, 40), 2: (150, 40), 3: (60, 115), 4: (180, 115)}
DIVIDING = (1, 4)


def discs(cell: int, t: int) -> list[Mask]:
    """A cell drifts by a pixel per frame; a dividing one is two smaller discs from ``BORN`` on."""
    x, y = STARTS[cell]
    if cell not in DIVIDING or t < BORN:
        return [disc(x + t, y, 16)]
    apart = 13 + t - BORN
    return [disc(x + t - apart, y, 11), disc(x + t + apart, y, 11)]


def disc(x: int, y: int, radius: int) -> Mask:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    mask = Mask.from_array((columns - x) ** 2 + (rows - y) ** 2 <= radius**2)
    assert mask is not None
    return mask


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    """Bright discs on noise, uint16, axes TYX."""
    rng = np.random.default_rng(7)
    planes = []
    for t in range(FRAMES):
        plane = rng.normal(300, 20, (HEIGHT, WIDTH))
        for cell in STARTS:
            for mask in discs(cell, t):
                plane[mask.to_plane(HEIGHT, WIDTH)] += 900
        planes.append(plane.astype(np.uint16))
    file = tmp_path / "discs.tif"
    tifffile.imwrite(file, np.stack(planes), imagej=True, metadata={"axes": "TYX"})
    return file


@pytest.mark.timeout(1200)
def test_cells_through_ten_frames(curator, movie, tmp_path: Path):
    hand = curator()
    hand.drop(movie)
    hand.wait_encoded()
    accept_four_cells(hand)
    propagate_ten_frames(hand)
    propose_divisions(hand)
    refuse_one_division_and_accept_another(hand)
    fix_a_swap(hand)
    undo_and_redo_everything(hand)
    export_and_import(curator, hand, movie, tmp_path)


def accept_four_cells(hand: Curator) -> None:
    """Click, accept, begin the next."""
    for x, y in STARTS.values():
        hand.propose(x, y)
        hand.press(KEY.Key_N)
    assert hand.session.movie.document.cell_ids == [1, 2, 3, 4]


def propagate_ten_frames(hand: Curator) -> None:
    """The dialog, with what it offers: all visible cells, to the last frame."""
    hand.press(KEY.Key_T, CTRL)
    shown = [w for w in QApplication.topLevelWidgets() if isinstance(w, PropagateDialog)]
    (dialog,) = (one for one in shown if one.isVisible())
    dialog.accept()
    hand.window.activateWindow()
    hand.wait(hand.window.isActiveWindow, "the window to become active again")
    hand.canvas.setFocus()
    hand.wait(lambda: not hand.session.propagating.running, "ten frames to be filled")
    document = hand.session.movie.document
    assert any("carried over 10 frames, to frame 11" in said for said in hand.said)
    for cell in (2, 3):
        assert document.frames(cell) == list(range(FRAMES))
        for t in range(FRAMES):
            assert document.record(cell, PlaneKey(t)).mask.iou(discs(cell, t)[0]) > 0.75
    for cell in DIVIDING:
        assert document.frames(cell)[:BORN] == list(range(BORN))
    hand.press(KEY.Key_Z, CTRL)
    assert [document.frames(i) for i in STARTS] == [[0]] * 4
    hand.press(KEY.Key_Z, CTRL | SHIFT)
    assert document.frames(2) == list(range(FRAMES))


def propose_divisions(hand: Curator) -> None:
    """Both dividing cells are proposed to divide, where propagation has not done so itself."""
    session, target = hand.session, PlaneKey(BORN)
    document = session.movie.document
    missing = [cell for cell in DIVIDING if document.lineage.daughters(cell) is None]
    splits = [Split(cell, tuple(discs(cell, BORN)), (0.9, 0.9), 0.9) for cell in missing]
    found = outcome(
        document, NextFrame([], splits, []), target, decoder="vit_t", ahead=range(BORN + 1, FRAMES)
    )
    if missing:
        assert session.commit("Propose", found.edits)
        daughters = [i for pair in found.divided.values() for i in pair]
        session.propagating.over(BORN, FRAMES - 1, daughters)
        hand.wait(lambda: not session.propagating.running, "the daughters to be carried on")
    hand.wait(lambda: not session.reviewing.pending, "the masks to be judged")
    assert any("proposed" in doubt.words for doubt in session.reviewing.ranked)


def refuse_one_division_and_accept_another(hand: Curator) -> None:
    """Along the review queue; the first is refused with the button beside it, the other accepted by key."""
    session = hand.session
    document = session.movie.document
    go_to_proposal(hand)
    refused = session.reviewing.proposal
    QTest.mouseClick(hand.canvas.proposals.buttons[refused].refuse, LEFT)
    hand.wait(lambda: document.lineage.daughters(refused) is None, "the division to be refused")
    assert document.frames(refused)[-1] >= BORN
    hand.wait(lambda: not session.reviewing.pending, "the masks to be judged")
    go_to_proposal(hand)
    accepted = session.reviewing.proposal
    assert accepted != refused
    hand.press(KEY.Key_Y)
    one, other = document.lineage.daughters(accepted)
    assert document.is_seen(one, session.view.key)
    assert document.is_seen(other, session.view.key)
    assert [mother for mother, _ in document.lineage.divisions()] == [accepted]


def go_to_proposal(hand: Curator) -> None:
    """J until a proposed division is on screen, with both daughters selected."""
    session = hand.session
    for _ in range(session.reviewing.count):
        hand.press(KEY.Key_J)
        if len(session.view.selection) == 2 and session.reviewing.proposals():
            return
    raise AssertionError([doubt.words for doubt in session.reviewing.ranked])


def fix_a_swap(hand: Curator) -> None:
    """Two cells are mixed up from frame 9 on; S puts that right."""
    session = hand.session
    before = hand.masks()
    session.navigation.go_to(8)
    session.view.set(selection=(2, 3))
    hand.press(KEY.Key_S)
    assert hand.masks()[2, PlaneKey(9)].same_pixels(before[3, PlaneKey(9)])
    hand.press(KEY.Key_S)
    assert same_masks(hand.masks(), before)


def undo_and_redo_everything(hand: Curator) -> None:
    """Back to the empty movie and forth to the same document."""
    document = hand.session.movie.document
    done, divisions = hand.masks(), list(document.lineage.divisions())
    seen = {i: document.seen(i) for i in document.cell_ids}
    steps = 0
    while hand.session.movie.history.undo_name is not None:
        hand.press(KEY.Key_Z, CTRL)
        steps += 1
    assert len(document) == 0
    hand.press(KEY.Key_Z, CTRL | SHIFT, times=steps)
    assert hand.session.movie.history.redo_name is None
    assert same_masks(hand.masks(), done)
    assert list(document.lineage.divisions()) == divisions
    assert {i: document.seen(i) for i in document.cell_ids} == seen


def export_and_import(curator, hand: Curator, movie: Path, folder: Path) -> None:
    """As the Cell Tracking Challenge lays it out, and into a copy of the movie: the same cells."""
    hand.session.exchange.export_tracks(folder / "ctc", "ctc")
    hand.wait(lambda: not hand.session.jobs.runner.jobs, "the cells to be written")
    masks = hand.masks()
    divisions = list(hand.session.movie.document.lineage.divisions())
    hand.close()
    again = curator()
    copy = folder / "copy" / "again.tif"
    copy.parent.mkdir()
    copy.write_bytes(movie.read_bytes())
    again.drop(copy)
    again.session.exchange.import_tracks(folder / "ctc")
    again.wait(lambda: len(again.session.movie.document), "the cells to come back")
    assert same_masks(again.masks(), masks)
    assert list(again.session.movie.document.lineage.divisions()) == divisions
    again.close()
