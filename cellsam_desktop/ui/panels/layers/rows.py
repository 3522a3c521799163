"""What a row of the layer list says about its cell, and by what rows are filtered and sorted. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.curation.view_state import ViewState


class Column(IntEnum):
    """The columns of the layer list, in order."""

    EYE = 0
    LOCK = 1
    SOLO = 2
    NAME = 3
    ID = 4
    FRAMES = 5
    MASKS = 6
    AREA = 7
    DOUBT = 8


class Show(StrEnum):
    """Which cells are listed."""

    ALL = "All cells"
    HERE = "On this frame"
    ELSEWHERE = "Not on this frame"
    NAMED = "Named"
    LOCKED = "Locked"
    HIDDEN = "Hidden"


@dataclass(frozen=True, slots=True)
class Row:
    """Facts of one cell: ``span`` are its first and last frame, 0-based, or None."""

    cell_id: int
    name: str
    locked: bool
    span: tuple[int, int] | None
    masks: int

    @property
    def title(self) -> str:
        """The name, or "Cell 7"."""
        return self.name or f"Cell {self.cell_id}"

    @property
    def frames(self) -> str:
        """The span as read by people, from 1: "3-24"."""
        if self.span is None:
            return ""
        first, last = self.span
        return f"{first + 1}" if first == last else f"{first + 1}–{last + 1}"


def row_of(document: Document, cell_id: int) -> Row:
    """The facts of a cell."""
    cell, track = document.cell(cell_id), document.track(cell_id)
    return Row(cell_id, cell.name, cell.locked, document.span(cell_id), len(track))


def area_on(document: Document, cell_id: int, key: PlaneKey) -> int | None:
    """Pixels of a cell's mask on a plane, None where it has no mask."""
    record = document.record(cell_id, key)
    return None if record is None else record.mask.area


@dataclass(frozen=True)
class Query:
    """What is listed (``text`` is part of the name, or the id) and in which order."""

    text: str = ""
    show: Show = Show.ALL
    sort: Column = Column.ID
    descending: bool = False

    @property
    def plain(self) -> bool:
        """Whether all cells are listed by their ids, so that nothing has to be known about them."""
        return not self.text.strip() and self.show is Show.ALL and self.sort is Column.ID

    def candidates(self, document: Document, view: ViewState) -> list[int]:
        """Ids of the cells that may be wanted."""
        return document.cells_on(view.key) if self.show is Show.HERE else document.cell_ids

    @property
    def follows_frame(self) -> bool:
        """Whether the answer depends on the plane on screen."""
        return self.show in (Show.HERE, Show.ELSEWHERE) or self.sort is Column.AREA

    @property
    def follows_visibility(self) -> bool:
        """Whether the answer depends on hidden and solo."""
        return self.show is Show.HIDDEN or self.sort in (Column.EYE, Column.SOLO)

    def wants(self, row: Row, document: Document, view: ViewState) -> bool:
        """Whether a cell is listed."""
        text = self.text.strip().casefold()
        if text and text not in row.title.casefold() and text != str(row.cell_id):
            return False
        match self.show:
            case Show.ALL:
                return True
            case Show.HERE:
                return document.record(row.cell_id, view.key) is not None
            case Show.ELSEWHERE:
                return document.record(row.cell_id, view.key) is None
            case Show.NAMED:
                return bool(row.name)
            case Show.LOCKED:
                return row.locked
            case Show.HIDDEN:
                return not view.is_visible(row.cell_id)

    def place(self, row: Row, document: Document, view: ViewState) -> tuple[Any, ...]:
        """By what a cell is sorted; its last part is the id, so that no two are equal."""
        match self.sort:
            case Column.EYE:
                key: tuple[Any, ...] = (not view.is_visible(row.cell_id),)
            case Column.LOCK:
                key = (not row.locked,)
            case Column.SOLO:
                key = (row.cell_id not in view.solo,)
            case Column.NAME:
                key = (not row.name, row.name.casefold())
            case Column.ID | Column.DOUBT:  # what is doubtful stands beside the document
                key = ()
            case Column.FRAMES:
                key = row.span or (-1, -1)
            case Column.MASKS:
                key = (row.masks,)
            case Column.AREA:
                key = (area_on(document, row.cell_id, view.key) or 0,)
        return (*key, row.cell_id)
