"""SQLite connections of project files: held by one window at a time, and every failure one sentence."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from cellsam_desktop import paths
from cellsam_desktop.core.errors import ProjectError
from cellsam_desktop.project.schema import APPLICATION_ID, UPSERT_META, VERSION, create_tables

_READ_ONLY = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

_LOG_IN_HEADER, _WITH_LOG = slice(18, 20), b"\2\2"
"""Where SQLite's file format keeps whether there is a write-ahead log; a file made in memory says no, and
turning it on in the file waits for the disk several times."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the file system into a ``ProjectError`` about ``path``."""
    try:
        yield
    except sqlite3.Error as error:
        raise ProjectError(_sentence(path, error)) from error
    except OSError as error:
        raise ProjectError(_system_sentence(path, error)) from error


def is_damage(error: BaseException | None) -> bool:
    """Whether an error of SQLite says that the file itself is broken."""
    return isinstance(error, sqlite3.DatabaseError) and _code(error) in _BROKEN


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing project for reading and writing, and keep everybody else out until it is closed.

    The write-ahead log makes a commit one append, which survives the death of the process; with the
    exclusive lock it needs no shared memory and works on network drives. Used from several threads,
    the caller takes turns. Nothing else in this process may open the file meanwhile: on POSIX, closing
    any other handle of it gives up the lock.

    Raises:
        ProjectError: it is missing, a folder, empty, foreign, or newer than this program.
        sqlite3.Error: it cannot be opened, see ``translated``.
    """
    _refuse_hopeless(path)
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        _refuse_foreign(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def version_of(connection: sqlite3.Connection) -> int:
    """Version of the tables of an open project."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def refuse_absent(path: Path) -> None:
    """Raise ProjectError where there is no file that could be a project."""
    if path.is_dir():
        raise ProjectError(f"{path.name} is a folder, not a project: choose a file that ends with .cellsam.")
    if not path.exists():
        raise ProjectError(f"{path} does not exist: it may have been moved, renamed or deleted.")
    if not path.stat().st_size:
        raise ProjectError(f"{path.name} is empty: restore it from a copy, or begin a new project.")


def _refuse_hopeless(path: Path) -> None:
    refuse_absent(path)
    # SQLite would fall back to reading only and then fail to lock. Trying to open the file here would give
    # up the lock of a window of this process that has it open.
    if not os.access(path, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise ProjectError(_read_only(path))


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """Before anything is written to the file."""
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
    except sqlite3.DatabaseError as error:
        if _code(error) != sqlite3.SQLITE_NOTADB:
            raise
        application = None
    if application != APPLICATION_ID:
        raise ProjectError(
            f"{path.name} is not a CellSAM project: choose a file that this program has saved."
        )
    version = version_of(connection)
    if version > VERSION:
        raise ProjectError(
            f"{path.name} was saved by a newer version of CellSAM Desktop (format {version}, this one reads "
            f"{VERSION}): update the program to open it."
        )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what the block writes, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def create_file(path: Path, meta: Mapping[str, str]) -> None:
    """Put a project without cells at ``path``, whole or not at all.

    It is made in memory and written at once, without waiting for the disk: it survives the death of the
    process as a commit to its log does, and SQLite waits for the disk when it folds the log into the file.
    """
    with new_file(path) as temporary:
        temporary.write_bytes(_empty_project(meta))


def _empty_project(meta: Mapping[str, str]) -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        create_tables(connection)
        connection.executemany(UPSERT_META, meta.items())
        connection.commit()
        image = bytearray(connection.serialize())
    image[_LOG_IN_HEADER] = _WITH_LOG
    return bytes(image)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A temporary path for a project that replaces ``path`` when the block succeeds.

    A log left by an earlier file of that name would be replayed onto the new one, so it goes first.

    Raises:
        sqlite3.OperationalError: the file to be replaced is open in another window.
    """
    if path.exists() and path.stat().st_size:
        _refuse_in_use(path)
    with paths.atomic_path(path) as temporary:
        yield temporary
        for ending in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + ending).unlink(missing_ok=True)


def _refuse_in_use(path: Path) -> None:
    try:
        connect(path).close()
    except ProjectError:
        return
    except sqlite3.DatabaseError as error:
        if _code(error) in _IN_USE:
            raise


def _code(error: sqlite3.Error) -> int:
    """The primary result code: extended ones carry it in their low byte."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _read_only(path: Path) -> str:
    return (
        f"{path.name} cannot be written in {path.parent} because the file or folder is read-only: "
        "keep the project in a folder where you may write."
    )


def _full(path: Path) -> str:
    return f"{path.name} cannot be saved because the disk is full: make room; the next change saves it all."


def _system_sentence(path: Path, error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return _read_only(path)
    if error.errno == errno.ENOSPC:
        return _full(path)
    return (
        f"{path.name} cannot be written in {path.parent} ({error.strerror or error}): choose another folder."
    )


def _sentence(path: Path, error: sqlite3.Error) -> str:
    code, name = _code(error), path.name
    if code in _IN_USE:
        return f"{name} is open in another window: close it there first."
    if code == sqlite3.SQLITE_FULL:
        return _full(path)
    if code in _READ_ONLY:
        return _read_only(path)
    if code in _BROKEN:
        return f"{name} is damaged: restore it from a copy."
    return f"{name} cannot be read or written ({error}): check the disk it lies on."
