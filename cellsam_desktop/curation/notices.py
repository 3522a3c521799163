"""Sentences for the curator that need no answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from psygnal import Signal

from cellsam_desktop.core.errors import Cancelled, CellSamError

log = logging.getLogger(__name__)

Level = Literal["info", "warning", "error"]

_LOG_LEVELS: dict[Level, int] = {"info": logging.INFO, "warning": logging.INFO, "error": logging.WARNING}


@dataclass(frozen=True)
class Offer:
    """Something the curator can do about a notice by pressing a button that says ``label``."""

    label: str
    accept: Callable[[], None]


@dataclass(frozen=True)
class Notice:
    """One message: ``text`` is a full sentence, ``detail`` may say more (a cause, a path)."""

    level: Level
    text: str
    detail: str = ""
    offer: Offer | None = field(default=None, compare=False)


class Notices:
    """Where the use cases report; the window shows what is posted. Each notice is logged too."""

    posted = Signal(Notice)

    def info(self, text: str, detail: str = "", offer: Offer | None = None) -> None:
        """Say that something worked; ``offer`` is what may come next."""
        self._post(Notice("info", text, detail, offer))

    def warning(self, text: str, detail: str = "", offer: Offer | None = None) -> None:
        """Say that something was refused, or needs attention; ``offer`` is a way on."""
        self._post(Notice("warning", text, detail, offer))

    def error(self, text: str, detail: str = "") -> None:
        """Say that something failed, and what to do about it."""
        self._post(Notice("error", text, detail))

    def failed(self, error: CellSamError) -> None:
        """Say why a job came to no result; that somebody cancelled it is no error."""
        if isinstance(error, Cancelled):
            self.info(str(error))
        else:
            self.error(str(error))

    def _post(self, notice: Notice) -> None:
        log.log(_LOG_LEVELS[notice.level], "%s %s", notice.text, notice.detail)
        self.posted.emit(notice)
