"""The project file while it is open: every transaction is on disk when ``save`` returns."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from cellsam_desktop.core import collector
from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import ProjectError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.progress import Report
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.core.wording import counted
from cellsam_desktop.project import contents, recovery
from cellsam_desktop.project.connection import connect, create_file, new_file, transaction, translated
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.schema import UPSERT_CELL, UPSERT_MASK, UPSERT_META, mask_row

T = TypeVar("T")
_REPORT_EVERY = 5000


def _silent(_: float) -> None:
    """Nobody wants to know how far it is."""


class ProjectStore:
    """One open project file, closed to every other window. Safe to use from several threads.

    ``notice`` is a sentence for the user when something had to be mended while opening or loading, else "".
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, notice: str = "") -> None:
        self.path = path
        self.notice = notice
        self._connection = connection
        self._lock = threading.RLock()
        self._unsaved = ChangeSet()
        self._link = self._read_link()

    @classmethod
    def create(cls, path: Path, link: MovieLink, calibration: Calibration) -> ProjectStore:
        """Begin a project of a movie.

        Raises:
            ProjectError: there is such a file already, or it cannot be written.
        """
        if path.exists() and (path.is_dir() or path.stat().st_size):
            raise ProjectError(
                f"{path.name} exists already in {path.parent}: open it or choose another name."
            )
        with translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            scale = contents.calibration_to_json(calibration)
            create_file(path, {"link": link.to_json(path), "calibration": scale})
            return cls(path, connect(path))

    @classmethod
    def open(cls, path: Path) -> ProjectStore:
        """Open a project; older files are migrated, damaged ones salvaged into a copy (see ``notice``).

        Raises:
            ProjectError: it cannot be opened for writing; the sentence says why.
        """
        with translated(path):
            connection = recovery.open_sound(path)
        return cls._open_salvaged(path) if connection is None else cls(path, connection)

    @classmethod
    def _open_salvaged(cls, damaged: Path) -> ProjectStore:
        salvaged = recovery.salvage(damaged)
        path = recovery.free_path(damaged)
        store = cls.create(path, salvaged.link, salvaged.document.calibration)
        try:
            store.save(salvaged.document, everything(salvaged.document))
            store.save_view(salvaged.view)
        except ProjectError:
            store.close()
            path.unlink()
            raise
        store.notice = (
            f"{damaged.name} is damaged: {counted(len(salvaged.document), 'cell')} could be saved into "
            f"{path.name}, which is now open; look through them, because something may be missing."
        )
        return store

    @property
    def link(self) -> MovieLink:
        """The movie of the project."""
        return self._link

    @property
    def backlog(self) -> ChangeSet:
        """What could not be written and goes with the next save."""
        return self._unsaved

    def load(self, progress: Report = _silent) -> Document:
        """The document as of the last save; damaged masks are left out and counted in ``notice``.

        ``progress`` gets the fraction done, and may raise to cancel.

        Raises:
            ProjectError: the file cannot be read.
        """
        with self._lock, translated(self.path), collector.paused():
            read, connection = contents.DocumentReader(), self._connection
            scale = contents.read_meta(connection, "calibration")
            read.document.calibration = contents.calibration_from_json(scale)
            read.add_cells(connection.execute(contents.SELECT_CELLS))
            last = connection.execute(contents.LAST_MASK).fetchone()[0] or 0
            read.add_masks(_reporting(connection.execute(contents.select_masks()), last, progress))
            read.add_divisions(connection.execute(contents.SELECT_DIVISIONS))
            read.add_complete(connection.execute(contents.SELECT_COMPLETE))
            read.document.reserve_ids(int(contents.read_meta(connection, "next_id") or 1))
        if read.lost:
            self.notice = (
                f"{read.lost} masks or divisions in {self.path.name} are damaged and were left out; "
                "a copy of the file made earlier may still have them."
            )
        return read.document

    def save(self, document: Document, changes: ChangeSet, progress: Report = _silent) -> None:
        """Write what ``changes`` touched, in one transaction, at a cost that does not grow with the document.

        What could not be written is kept in mind and written with the next save. ``progress`` gets the
        fraction done, and may raise to cancel.

        Raises:
            ProjectError: it cannot be written; the file is as it was.
        """
        with self._lock:
            self._unsaved = self._unsaved | changes
            with translated(self.path), transaction(self._connection):
                self._write(document, self._unsaved, progress)
            self._unsaved = ChangeSet()

    def load_view(self) -> dict[str, Any]:
        """What ``save_view`` stored last; empty when nothing was, or when it is damaged."""
        with self._lock, translated(self.path):
            return recovery.view_from_json(contents.read_meta(self._connection, "view"))

    def save_view(self, view: dict[str, Any]) -> None:
        """Keep how the movie was last looked at (plain JSON data).

        Raises:
            ProjectError: it cannot be written.
        """
        self._save_meta("view", json.dumps(view))

    def relink(self, link: MovieLink) -> None:
        """Point the project at the movie's new place.

        Raises:
            ProjectError: it cannot be written.
        """
        self._save_meta("link", link.to_json(self.path))
        self._link = link

    def copy_to(self, path: Path) -> None:
        """Write a copy of the project, replacing what is there; this store stays with its own file.

        Raises:
            ProjectError: the place is this very file, is open in another window, or cannot be written.
        """
        if path.absolute() == self.path.absolute():
            raise ProjectError(f"{path.name} is the open project itself: choose another name for the copy.")
        with (
            self._lock,
            translated(path),
            new_file(path) as temporary,
            closing(sqlite3.connect(temporary, isolation_level=None)) as copy,
        ):
            self._connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            _put_meta(copy, "link", self._link.to_json(path))

    def close(self) -> None:
        """Fold the log into the file and let others open it. Harmless when called twice."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_link(self) -> MovieLink:
        text = contents.read_meta(self._connection, "link")
        link = recovery.link_from_json(text, self.path)
        if link is None:
            self._connection.close()
            raise ProjectError(
                f"{self.path.name} does not say which movie it belongs to: restore it from a copy."
            )
        return link

    def _save_meta(self, key: str, value: str) -> None:
        with self._lock, translated(self.path):
            _put_meta(self._connection, key, value)

    def _write(self, document: Document, changes: ChangeSet, progress: Report) -> None:
        connection = self._connection
        connection.executemany("DELETE FROM division WHERE mother = ?", _ids(changes.lineage))
        for cell_id in changes.cells:
            if cell_id in document:
                cell = document.cell(cell_id)
                connection.execute(UPSERT_CELL, (cell.id, cell.name, cell.locked))
            else:
                connection.execute("DELETE FROM cell WHERE id = ?", (cell_id,))
        places = ((cell_id, key) for cell_id, keys in sorted(changes.places.items()) for key in sorted(keys))
        for cell_id, key in _reporting(places, changes.mask_count, progress):
            self._write_mask(document, cell_id, key)
        for cell_id, keys in changes.seen.items():
            marks = [(document.is_seen(cell_id, key), cell_id, *key) for key in keys]
            connection.executemany("UPDATE mask SET seen = ? WHERE cell = ? AND t = ? AND z = ?", marks)
        for mother in changes.lineage:
            if (daughters := document.lineage.daughters(mother)) is not None:
                connection.execute("INSERT INTO division VALUES (?, ?, ?)", (mother, *daughters))
        connection.executemany("DELETE FROM complete WHERE t = ? AND z = ?", changes.complete)
        complete = changes.complete & document.complete
        connection.executemany("INSERT INTO complete (t, z) VALUES (?, ?)", complete)
        if changes.calibration:
            _put_meta(connection, "calibration", contents.calibration_to_json(document.calibration))
        _put_meta(connection, "next_id", str(document.next_id))

    def _write_mask(self, document: Document, cell_id: int, key: PlaneKey) -> None:
        record = document.record(cell_id, key)
        if record is None:
            self._connection.execute("DELETE FROM mask WHERE cell = ? AND t = ? AND z = ?", (cell_id, *key))
        else:
            self._connection.execute(
                UPSERT_MASK, mask_row(cell_id, key, record, document.is_seen(cell_id, key))
            )


def everything(document: Document) -> ChangeSet:
    """A change set that touches all of a document."""
    places = {cell_id: frozenset(document.track(cell_id)) for cell_id in document.cell_ids}
    mothers = frozenset(mother for mother, _ in document.lineage.divisions())
    return ChangeSet("", frozenset(places), places, mothers, True, complete=document.complete)


def _reporting(items: Iterable[T], count: int, progress: Report) -> Iterator[T]:
    for number, item in enumerate(items):
        if number % _REPORT_EVERY == 0:
            progress(min(1.0, number / max(1, count)))
        yield item


def _ids(ids: Iterable[int]) -> Iterable[tuple[int]]:
    return ((cell_id,) for cell_id in ids)


def _put_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute(UPSERT_META, (key, value))
