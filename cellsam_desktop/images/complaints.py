"""Listen to tifffile's log, the only place where it reports some kinds of damage."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident

log = logging.getLogger(__name__)

_library = logging.getLogger("tifffile")
# The user hears of damage through ImageError; the library's own lines on stderr would only repeat it.
_library.addHandler(logging.NullHandler())
_library.propagate = False


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self._thread = get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.heard.append(record.getMessage())


@contextmanager
def complaints() -> Iterator[list[str]]:
    """Collect what tifffile logs in this thread meanwhile; it goes to our log at debug level."""
    listener = _Listener()
    _library.addHandler(listener)
    try:
        yield listener.heard
    finally:
        _library.removeHandler(listener)
        for message in listener.heard:
            log.debug("tifffile: %s", message)
