"""Where messages for the developer go: a rotating file, and warnings on stderr."""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from cellsam_desktop import paths

_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
_MAX_BYTES = 2_000_000
_BACKUPS = 4


class _LogFile(RotatingFileHandler):
    """A rotating log that keeps writing when another process holds the file and it cannot be renamed."""

    def rotate(self, source: str, dest: str) -> None:
        try:
            super().rotate(source, dest)
        except OSError:
            return  # Windows refuses to rename an open file; the next record tries again


def log_file(role: str = "cellsam-desktop") -> Path:
    """The log of one kind of process: the window, the encoder worker, ..."""
    return paths.log_dir() / f"{role}.log"


def configure(verbose: bool = False, *, role: str = "cellsam-desktop") -> None:
    """Send this process's log records to ``log_file(role)``, and warnings (all, if ``verbose``) to stderr.

    Calling it again replaces what an earlier call set up. Without a writable folder only stderr is used.
    """
    root = logging.getLogger()
    for handler in [h for h in root.handlers if getattr(h, "_cellsam", False)]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(logging.INFO)
    logging.getLogger("cellsam_desktop").setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.captureWarnings(True)
    if sys.stderr is not None:  # None in a windowed executable on Windows
        console = logging.StreamHandler()
        console.setLevel(logging.DEBUG if verbose else logging.WARNING)
        _attach(root, console, "%(levelname)s: %(message)s")
    try:
        log_file(role).parent.mkdir(parents=True, exist_ok=True)
        file = _LogFile(log_file(role), maxBytes=_MAX_BYTES, backupCount=_BACKUPS, encoding="utf-8")
    except OSError as error:
        logging.getLogger(__name__).warning("No log file is written: %s", error)
    else:
        _attach(root, file, _FORMAT)


def _attach(root: logging.Logger, handler: logging.Handler, form: str) -> None:
    handler.setFormatter(logging.Formatter(form))
    handler._cellsam = True  # type: ignore[attr-defined]
    root.addHandler(handler)
