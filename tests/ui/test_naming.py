"""The dialog that names the cells of an embryo: preview, names by hand, one step of undo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtWidgets import QDialog

from cellsam_desktop.core.edits import AddDivision
from cellsam_desktop.curation.naming import Direction
from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui.dialogs.desk import Desk
from cellsam_desktop.ui.dialogs.naming import NamingDialog


@pytest.fixture
def family(ready: Session, put_cell: Callable[..., int]) -> Session:
    """Cell 1 on frame 1; on frame 2 her daughters 2, at the left, and 3; on frame 3 hers, 4 and 5."""
    put_cell(30, 40, 4, 4, cell_id=1)
    for cell_id, x in ((2, 20), (3, 60)):
        put_cell(30, x, 4, 4, t=1, cell_id=cell_id)
    for cell_id, x in ((4, 55), (5, 70)):
        put_cell(30, x, 4, 4, t=2, cell_id=cell_id)
    assert ready.commit("Divide", [AddDivision(1, (2, 3)), AddDivision(3, (4, 5))])
    return ready


@pytest.fixture
def dialog(family: Session, desk: Desk, shown: Callable[[type[QDialog]], Any]) -> NamingDialog:
    desk.name_cells()
    dialog: NamingDialog = shown(NamingDialog)
    return dialog


def new_names(dialog: NamingDialog) -> dict[int, str]:
    return {cell_id: item.text(2) for cell_id, item in dialog._items.items() if item.text(2)}


def names(session: Session) -> list[str]:
    assert session.movie is not None
    return [session.movie.document.cell(i).name for i in session.movie.document.cell_ids]


def test_names_follow_from_the_founder_and_the_axes(dialog: NamingDialog, family: Session) -> None:
    assert not dialog.main.isEnabled()
    assert dialog.note.text() == "Name a founder to begin."
    dialog.give(1, "AB")
    assert new_names(dialog) == {1: "AB", 2: "ABa", 3: "ABp"}  # ABp divides along an axis that is not seen
    assert "3 cells will get a new name. " in dialog.note.text()
    dialog.anterior.setCurrentText(Direction.RIGHT)
    assert new_names(dialog)[2] == "ABp"
    assert names(family) == [""] * 5


def test_they_are_given_in_one_step(dialog: NamingDialog, family: Session) -> None:
    dialog.give(1, "E")
    count = len(dialog.proposal.changes)
    assert dialog.note.text().startswith(f"{count} cells will get a new name.")
    dialog.accept()
    assert names(family)[:3] == ["E", "Ea", "Ep"]
    family.undo()
    assert names(family) == [""] * 5


def test_a_cell_that_is_gone_by_then_is_left_out(dialog: NamingDialog, family: Session) -> None:
    """As after a propagation that was running when the dialog opened."""
    dialog.give(1, "E")
    dialog.give(4, "mine")
    assert dialog.proposal.changes.keys() >= {1, 2, 3, 4}
    family.editing.select((4,))
    family.editing.delete_from_here()
    document = family.movie.document
    assert 4 not in document
    before = dialog.proposal
    for choice in (0, 1):
        dialog.anterior.setCurrentIndex(choice)
    assert 4 not in dialog.proposal.changes
    dialog.proposal = before
    dialog.accept()
    assert names(family)[:3] == ["E", "Ea", "Ep"]


def test_a_cell_can_be_typed_over_and_her_sister_follows(dialog: NamingDialog) -> None:
    dialog.give(1, "MS")
    dialog._items[2].setText(2, "MSp")
    assert (new_names(dialog)[2], new_names(dialog)[3]) == ("MSp", "MSa")
    assert new_names(dialog)[4].startswith("MSa")
    dialog.give(2, "")
    dialog.give(3, "")
    assert new_names(dialog)[2] == "MSa"


def test_names_that_are_there_stay_unless_told(dialog: NamingDialog, family: Session) -> None:
    family.editing.rename(2, "MSp")
    family.editing.rename(1, "MS")
    dialog._propose()
    assert dialog.proposal.changes[3] == "MSa"
    assert 2 not in dialog.proposal.changes
    dialog.overwrite.setChecked(True)
    assert dialog.proposal.changes[2] == "MSa"
    assert dialog.proposal.changes[3] == "MSp"


def test_what_cannot_be_told_is_said(dialog: NamingDialog) -> None:
    dialog.give(1, "P2")
    assert dialog.proposal.undecided.keys() == {1}  # her daughters lie side by side along the wrong axis
    assert "name them by hand" in dialog.note.text()
    dialog.dorsal.setCurrentText(Direction.RIGHT)
    assert dialog.proposal.changes == {}
    assert dialog.note.property("role") == "warning"
    dialog.anterior.setCurrentIndex(0)
    assert "ABa, ABp, EMS and P2" in dialog.note.text()
    assert not dialog.main.isEnabled()


def test_without_divisions_there_is_nothing_to_name(ready: Session, desk: Desk) -> None:
    desk.actions.refresh()
    assert not desk.actions["track.name"].isEnabled()
