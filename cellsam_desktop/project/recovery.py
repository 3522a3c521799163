"""What can still be read of a damaged project file."""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import ProjectError
from cellsam_desktop.project import contents
from cellsam_desktop.project.connection import connect, is_damage, translated, version_of
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.migrations import migrate
from cellsam_desktop.project.schema import VERSION

log = logging.getLogger(__name__)

_ROWS_PER_PAGE = 100
"""More rows than a page of 4096 bytes can hold of any of our tables."""


@dataclass(frozen=True)
class Salvaged:
    """What was read from a damaged file."""

    document: Document
    link: MovieLink
    view: dict[str, Any]


def open_sound(path: Path) -> sqlite3.Connection | None:
    """Open a project, migrated if it is an older one; None when the file is damaged.

    Raises:
        ProjectError, sqlite3.Error, OSError: it cannot be opened for another reason, see ``connection``.
    """
    try:
        connection = connect(path)
        try:
            findings = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            version = version_of(connection)
        except sqlite3.Error:
            connection.close()
            raise
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        log.warning("The project file %s is damaged: %s", path, error)
        return None
    if findings == "ok" and version == VERSION:
        return connection
    connection.close()
    if findings == "ok":
        migrate(path, version)
        return connect(path)
    log.warning("The project file %s is damaged: %s", path, findings)
    return None


def free_path(damaged: Path) -> Path:
    """A name beside the damaged file that is not taken yet."""
    for number in count(1):
        ending = "" if number == 1 else f"-{number}"
        path = damaged.with_name(f"{damaged.stem}-recovered{ending}{damaged.suffix}")
        if not path.exists():
            return path
    raise AssertionError("count never ends")


def salvage(damaged: Path) -> Salvaged:
    """Read what can be read, row by row, from a copy of the file; the file itself is not touched.

    Raises:
        ProjectError: nothing can be read at all.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, translated(damaged):
        copy = Path(folder) / "damaged"
        for ending in ("", "-wal"):
            if (part := damaged.with_name(damaged.name + ending)).exists():
                shutil.copyfile(part, copy.with_name(copy.name + ending))
        _fill_up(copy)
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            return _read(connection, damaged)


def link_from_json(text: str | None, project: Path) -> MovieLink | None:
    """The stored link, None when it is missing or damaged."""
    try:
        return MovieLink.from_json(text or "", project)
    except (ValueError, KeyError, TypeError) as error:
        log.warning("The movie of the project %s cannot be read: %s", project, error)
        return None


def view_from_json(text: str | None) -> dict[str, Any]:
    """The stored view, empty when it is missing or damaged."""
    try:
        view = json.loads(text or "{}")
    except ValueError as error:
        log.warning("The view stored in the project cannot be read: %s", error)
        return {}
    return view if isinstance(view, dict) else {}


def _read(connection: sqlite3.Connection, damaged: Path) -> Salvaged:
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    reader = contents.DocumentReader()
    reader.document.calibration = contents.calibration_from_json(_meta(connection, "calibration"))
    reader.add_cells(_rows(connection, contents.SELECT_CELLS, pages))
    version = version_of(connection)
    reader.add_masks(_rows(connection, contents.select_masks(version), pages))
    reader.add_divisions(_rows(connection, contents.SELECT_DIVISIONS, pages))
    if version >= contents.COMPLETE_SINCE:
        reader.add_complete(_rows(connection, contents.SELECT_COMPLETE, pages))
    reader.document.reserve_ids(int(_meta(connection, "next_id") or 1))
    if not len(reader.document):
        raise ProjectError(
            f"{damaged.name} is damaged and nothing in it can be read: restore it from a copy."
        )
    link = link_from_json(_meta(connection, "link"), damaged)
    unknown = MovieLink(damaged.with_suffix(""), "", None, ())
    return Salvaged(reader.document, link or unknown, view_from_json(_meta(connection, "view")))


def _meta(connection: sqlite3.Connection, key: str) -> str | None:
    try:
        return contents.read_meta(connection, key)
    except sqlite3.DatabaseError as error:
        log.warning("The entry %s of the project cannot be read: %s", key, error)
        return None


def _fill_up(path: Path) -> None:
    """Give a file that breaks off its full length again: SQLite reads nothing of a file that is too short."""
    with path.open("r+b") as file:
        header = file.read(100)
        page_size, pages = int.from_bytes(header[16:18], "big"), int.from_bytes(header[28:32], "big")
        if path.stat().st_size < page_size * pages:
            file.truncate(page_size * pages)


def _rows(connection: sqlite3.Connection, select: str, pages: int) -> Iterator[tuple[Any, ...]]:
    """Every row that its own number still leads to; a broken page hides only the rows that lie on it."""
    for number in range(1, _last_row(connection, select, pages) + 1):
        try:
            row = connection.execute(f"{select} WHERE rowid = ?", (number,)).fetchone()
        except sqlite3.DatabaseError:
            continue
        if row is not None:
            yield row


def _last_row(connection: sqlite3.Connection, select: str, pages: int) -> int:
    table = select.rsplit(" ", 1)[1]
    try:
        return connection.execute(f"SELECT max(rowid) FROM {table}").fetchone()[0] or 0
    except sqlite3.DatabaseError:
        return int(pages) * _ROWS_PER_PAGE
