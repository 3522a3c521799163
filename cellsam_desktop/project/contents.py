"""Reading a whole document out of a project file, tolerant of single damaged rows."""

from __future__ import annotations

import json
import logging
import sqlite3
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import EditRefused, PromptError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.records import Calibration, Cell
from cellsam_desktop.project.schema import MASK_COLUMNS, VERSION, MaskRow, read_mask_row

log = logging.getLogger(__name__)

SELECT_CELLS = "SELECT id, name, locked FROM cell"
LAST_MASK = "SELECT max(rowid) FROM mask"
SELECT_DIVISIONS = "SELECT mother, daughter_a, daughter_b FROM division"
SELECT_COMPLETE = "SELECT t, z FROM complete"
COMPLETE_SINCE = 3
"""Older files have no table of the complete planes."""


def select_masks(version: int = VERSION) -> str:
    """The query for all masks of a file of this version."""
    older = MASK_COLUMNS.replace("seen, agreement", "0, NULL")
    return f"SELECT {MASK_COLUMNS if version > 1 else older} FROM mask"


@dataclass
class DocumentReader:
    """Puts rows into a document; what breaks a rule or cannot be read is counted in ``lost`` and left out."""

    document: Document = field(default_factory=Document)
    lost: int = 0

    def add_cells(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Rows of ``SELECT_CELLS``."""
        for cell_id, name, locked in rows:
            self.document.put_cell(Cell(cell_id, name, bool(locked)))

    def add_masks(self, rows: Iterable[MaskRow]) -> None:
        """Rows of ``select_masks``; a mask whose cell is lost brings back a cell without a name."""
        for row in rows:
            try:
                cell_id, key, record, seen = read_mask_row(row)
            except (ValueError, TypeError, zlib.error, PromptError) as error:
                self._lose(f"mask {row[:3]}", error)
                continue
            if cell_id not in self.document:
                self.document.put_cell(Cell(cell_id))
            self.document.put_record(cell_id, key, record, seen=seen)

    def add_divisions(self, rows: Iterable[tuple[int, int, int]]) -> None:
        """Rows of ``SELECT_DIVISIONS``; to be called after cells and masks."""
        for mother, *daughters in rows:
            pair = (daughters[0], daughters[1])
            try:
                for cell_id in (mother, *pair):
                    self.document.cell(cell_id)
                self.document.lineage.add(mother, pair)
                self._check_order(mother)
            except EditRefused as error:
                self._lose(f"division of cell {mother}", error)

    def add_complete(self, rows: Iterable[tuple[int, int]]) -> None:
        """Rows of ``SELECT_COMPLETE``."""
        self.document.put_complete((PlaneKey(t, z) for t, z in rows), True)

    def _check_order(self, mother: int) -> None:
        try:
            self.document.check_order([mother])
        except EditRefused:
            self.document.lineage.remove(mother)
            raise

    def _lose(self, what: str, error: Exception) -> None:
        self.lost += 1
        log.warning("The %s of the project cannot be read: %s", what, error)


def read_meta(connection: sqlite3.Connection, key: str) -> str | None:
    """The text stored under ``key``, or None."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def calibration_to_json(calibration: Calibration) -> str:
    """The scale as stored."""
    return json.dumps(asdict(calibration))


def calibration_from_json(text: str | None) -> Calibration:
    """The stored scale; an unknown one when the text is missing or damaged."""
    try:
        return Calibration(**json.loads(text)) if text else Calibration()
    except (ValueError, TypeError) as error:
        log.warning("The scale stored in the project cannot be read: %s", error)
        return Calibration()
