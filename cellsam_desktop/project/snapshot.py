"""A project as it is on disk just now, for reading only, while a window may have it open."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cellsam_desktop.core.errors import ProjectError
from cellsam_desktop.project import recovery
from cellsam_desktop.project.connection import refuse_absent, translated
from cellsam_desktop.project.store import ProjectStore

_ATTEMPTS = 20
_PAUSE_S = 0.05
_LOG_HEADER = 32
"""Bytes at the beginning of the write-ahead log, which change when the log is begun anew."""


@contextmanager
def open_snapshot(path: Path) -> Iterator[ProjectStore]:
    """The project at ``path`` from a copy that lasts as long as the block; nothing is written to the file.

    The copy is made without SQLite, whose lock the window holds. To be called in another process than the
    window's: on POSIX, closing the file here would give up a lock of this process.

    Raises:
        ProjectError: it cannot be read, is damaged, or belongs to a newer version of the program.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / path.name
        with translated(path):
            refuse_absent(path)
            _copy_consistently(path, copy)
            connection = recovery.open_sound(copy)
        if connection is None:
            raise ProjectError(
                f"{path.name} is damaged: open it in the window, which saves what can be saved."
            )
        with ProjectStore(path, connection) as store:
            yield store


def _copy_consistently(path: Path, copy: Path) -> None:
    """The file and its log, copied while neither was rewritten.

    What the window appends to the log meanwhile does no harm: SQLite ignores a transaction that is not whole.
    But when it folds the log into the file between the two copies, they do not belong together.
    """
    for _ in range(_ATTEMPTS):
        before = _state(path)
        copy_log = _log_of(copy)
        copy_log.unlink(missing_ok=True)
        shutil.copyfile(path, copy)
        try:
            shutil.copyfile(_log_of(path), copy_log)
        except FileNotFoundError:
            copy_log.unlink(missing_ok=True)
        if _state(path) == before:
            return
        time.sleep(_PAUSE_S)
    raise ProjectError(f"{path.name} is being written to all the time: wait until that is done.")


def _state(path: Path) -> tuple[int, int, bytes]:
    status = path.stat()
    try:
        with _log_of(path).open("rb") as log:
            header = log.read(_LOG_HEADER)
    except FileNotFoundError:
        header = b""
    return status.st_size, status.st_mtime_ns, header


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")
