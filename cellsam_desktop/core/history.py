"""Transactions with unlimited undo and redo.

A user action is one transaction: its edits apply as a whole or not at all, and are one step of undo.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cellsam_desktop.core.changes import ChangeSet, places_of
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import (
    AddCell,
    AddDivision,
    AddTrack,
    ChangeCell,
    Edit,
    MarkComplete,
    MarkSeen,
    RemoveCell,
    RemoveDivision,
    RemoveTrack,
    SetCalibration,
    SetMask,
)
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.records import Cell


@dataclass(frozen=True)
class _Step:
    name: str
    edits: tuple[Edit, ...]


class History:
    """Applies transactions to a document and takes them back."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._undo: list[_Step] = []
        self._redo: list[_Step] = []
        self._open_group: object | None = None

    @property
    def undo_name(self) -> str | None:
        """Name of the transaction that ``undo`` would take back, or None."""
        return self._undo[-1].name if self._undo else None

    @property
    def redo_name(self) -> str | None:
        """Name of the transaction that ``redo`` would apply again, or None."""
        return self._redo[-1].name if self._redo else None

    def commit(self, name: str, edits: Iterable[Edit], group: object | None = None) -> ChangeSet:
        """Apply a transaction, make it undoable, and announce the change.

        Transactions that follow one another with the same ``group`` are one step of undo, under the last
        one's name; any other transaction, an undo or a redo ends the group. So long work is saved as it
        goes and taken back at once.

        Raises:
            EditRefused: an edit was refused or a rule would be broken; the document is as before.
        """
        edits = tuple(edits)
        changes = changes_of(name, edits)
        inverses = self._apply(edits, changes)
        if group is not None and group == self._open_group:
            inverses += self._undo.pop().edits
        self._undo.append(_Step(name, inverses))
        self._redo.clear()
        self._open_group = group
        self._document.changed.emit(changes)
        return changes

    def undo(self) -> ChangeSet | None:
        """Take back the last transaction; None when there is none."""
        return self._move(self._undo, self._redo)

    def redo(self) -> ChangeSet | None:
        """Apply the last transaction taken back again; None when there is none."""
        return self._move(self._redo, self._undo)

    def _move(self, source: list[_Step], target: list[_Step]) -> ChangeSet | None:
        if not source:
            return None
        step = source[-1]
        changes = changes_of(step.name, step.edits)
        inverses = self._apply(step.edits, changes)
        source.pop()
        target.append(_Step(step.name, inverses))
        self._open_group = None
        self._document.changed.emit(changes)
        return changes

    def _apply(self, edits: Sequence[Edit], changes: ChangeSet) -> tuple[Edit, ...]:
        """Apply all edits or none; returns the inverses in the order in which to apply them."""
        inverses: list[Edit] = []
        try:
            for edit in edits:
                inverses.append(edit.apply(self._document))
            self._document.check_order(changes.touched_cells)
        except EditRefused:
            for inverse in reversed(inverses):
                inverse.apply(self._document)
            raise
        return tuple(reversed(inverses))


def changes_of(name: str, edits: Iterable[Edit]) -> ChangeSet:
    """What a sequence of edits touches."""
    cells, masks, marks, lineage, calibration = set(), [], [], set(), False
    planes: set[PlaneKey] = set()
    tracks: dict[int, frozenset[PlaneKey]] = {}
    for edit in edits:
        match edit:
            case AddCell(cell) | ChangeCell(cell):
                cells.add(cell.id)
            case RemoveCell(cell_id):
                cells.add(cell_id)
            case SetMask(cell_id, key):
                masks.append((cell_id, key))
            case MarkSeen(cell_id, keys):
                marks += [(cell_id, key) for key in keys]
            case MarkComplete(keys):
                planes |= keys
            case AddTrack(Cell(cell_id), keys) | RemoveTrack(cell_id, keys):
                cells.add(cell_id)
                tracks[cell_id] = tracks.get(cell_id, frozenset()).union(keys)
            case AddDivision(mother, _) | RemoveDivision(mother):
                lineage.add(mother)
            case SetCalibration():
                calibration = True
    single = ChangeSet(places=places_of(masks), seen=places_of(marks), complete=frozenset(planes))
    return single | ChangeSet(name, frozenset(cells), tracks, frozenset(lineage), calibration)
