"""Atomic changes of the document. Each knows how to apply itself and returns its inverse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord


class Edit(Protocol):
    """One atomic change. ``apply`` either changes the document and returns the inverse, or raises
    ``EditRefused`` and changes nothing.
    """

    def apply(self, document: Document) -> Edit:
        """Change the document; return the edit that undoes it."""
        ...


@dataclass(frozen=True)
class AddCell:
    """Begin a cell. Take the id from ``Document.next_id``."""

    cell: Cell

    def apply(self, document: Document) -> Edit:
        """Add the cell; its id must be positive and free."""
        _refuse_id(document, self.cell.id)
        document.put_cell(self.cell)
        return RemoveCell(self.cell.id)


@dataclass(frozen=True)
class RemoveCell:
    """Remove a cell that has neither masks nor relatives."""

    cell_id: int

    def apply(self, document: Document) -> Edit:
        """Remove the cell."""
        return AddCell(document.drop_cell(self.cell_id))


@dataclass(frozen=True)
class ChangeCell:
    """Replace a cell's own attributes (name, locked)."""

    cell: Cell

    def apply(self, document: Document) -> Edit:
        """Replace the attributes of the cell with the same id."""
        before = document.cell(self.cell.id)
        document.put_cell(self.cell)
        return ChangeCell(before)


@dataclass(frozen=True)
class SetMask:
    """Set, replace or (``record`` None) remove the mask of a cell on a plane.

    The mask before loses its mark of having been seen; ``seen`` marks the new one.
    """

    cell_id: int
    key: PlaneKey
    record: MaskRecord | None
    seen: bool = False

    def apply(self, document: Document) -> Edit:
        """Put the record in place; a locked cell refuses."""
        _refuse_locked(document.cell(self.cell_id))
        was_seen = document.is_seen(self.cell_id, self.key)
        before = document.put_record(self.cell_id, self.key, self.record, seen=self.seen)
        return SetMask(self.cell_id, self.key, before, was_seen)


@dataclass(frozen=True)
class MarkSeen:
    """Say that a person has looked at masks of a cell and found them right, or take that back."""

    cell_id: int
    keys: frozenset[PlaneKey]
    seen: bool = True

    def apply(self, document: Document) -> Edit:
        """Set or remove the marks; there must be a mask on each of the planes."""
        changed = document.put_seen(self.cell_id, self.keys, self.seen)
        return MarkSeen(self.cell_id, changed, not self.seen)


@dataclass(frozen=True)
class MarkComplete:
    """Say that every cell on these planes has its mask, and that the masks are right; or take that back."""

    keys: frozenset[PlaneKey]
    complete: bool = True

    def apply(self, document: Document) -> Edit:
        """Set or remove the marks."""
        return MarkComplete(document.put_complete(self.keys, self.complete), not self.complete)


@dataclass(frozen=True)
class AddTrack:
    """Begin a cell with all its masks at once: thousands of cells are imported without an edit per mask.

    ``seen`` are the planes whose masks are marked as seen.
    """

    cell: Cell
    track: Mapping[PlaneKey, MaskRecord]
    seen: frozenset[PlaneKey] = frozenset()

    def apply(self, document: Document) -> Edit:
        """Add cell and masks; the id must be positive and free, the cell not locked."""
        _refuse_id(document, self.cell.id)
        _refuse_locked(self.cell)
        document.put_track(self.cell, self.track, self.seen)
        return RemoveTrack(self.cell.id, frozenset(self.track))


@dataclass(frozen=True)
class RemoveTrack:
    """Remove a cell that has no relatives, with all its masks, which lie on the planes ``keys``."""

    cell_id: int
    keys: frozenset[PlaneKey]

    def apply(self, document: Document) -> Edit:
        """Remove masks and cell; a locked cell refuses, and one with masks elsewhere."""
        cell = document.cell(self.cell_id)
        _refuse_locked(cell)
        document.refuse_relatives(cell)
        if document.track(self.cell_id).keys() != self.keys:
            raise EditRefused(f"{cell.title} has masks on other frames: delete them first.")
        seen = document.seen(self.cell_id)
        track = document.drop_track(self.cell_id)
        document.drop_cell(self.cell_id)
        return AddTrack(cell, track, seen)


@dataclass(frozen=True)
class AddDivision:
    """Join a mother to two daughters."""

    mother: int
    daughters: tuple[int, int]

    def apply(self, document: Document) -> Edit:
        """Record the division; all three cells must exist."""
        for cell_id in (self.mother, *self.daughters):
            document.cell(cell_id)
        document.lineage.add(self.mother, self.daughters)
        return RemoveDivision(self.mother)


@dataclass(frozen=True)
class RemoveDivision:
    """Forget the division of a mother."""

    mother: int

    def apply(self, document: Document) -> Edit:
        """Forget the division."""
        return AddDivision(self.mother, document.lineage.remove(self.mother))


@dataclass(frozen=True)
class SetCalibration:
    """Change the physical scale of the movie."""

    calibration: Calibration

    def apply(self, document: Document) -> Edit:
        """Replace the scale."""
        before = document.calibration
        document.calibration = self.calibration
        return SetCalibration(before)


def _refuse_id(document: Document, cell_id: int) -> None:
    if cell_id < 1:
        raise EditRefused(f"Cell ids are positive, not {cell_id}.")
    if cell_id in document:
        raise EditRefused(f"Cell {cell_id} exists already.")


def _refuse_locked(cell: Cell) -> None:
    if cell.locked:
        raise EditRefused(f"{cell.title} is locked: unlock it to change its masks.")
