"""Whether a training run is under way: its process holds a lock, which the system frees however it ends."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import BinaryIO

log = logging.getLogger(__name__)

_NAME = ".lock"


def take(run: Path) -> BinaryIO | None:
    """Hold the lock of the run in this folder until the file is closed; None if another process holds it.

    Raises:
        OSError: the disk refuses.
    """
    return _locked((run / _NAME).open("ab"))


def is_held(run: Path) -> bool:
    """Whether a process is at work on the run in this folder."""
    try:
        file = _locked((run / _NAME).open("r+b"))
    except OSError:  # no process ever worked here, or not as this user
        return False
    if file is not None:
        file.close()
    return file is None


def _locked(file: BinaryIO) -> BinaryIO | None:
    try:
        _lock(file.fileno())
    except (BlockingIOError, PermissionError):
        file.close()
        return None
    except OSError as error:
        log.warning("%s cannot be locked (%s): it is used without a lock.", file.name, error)
    return file


if sys.platform == "win32":
    import msvcrt

    def _lock(number: int) -> None:
        msvcrt.locking(number, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(number: int) -> None:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
