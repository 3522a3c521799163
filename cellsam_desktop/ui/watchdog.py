"""How long the window was deaf: the time that each event took to handle.

Turned on by ``CELLSAM_WATCHDOG=1``; nothing of it runs otherwise. The design target is 16 ms, one frame of a
60 Hz screen.
"""

from __future__ import annotations

import heapq
import logging
import os
from dataclasses import dataclass
from time import perf_counter, thread_time

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

log = logging.getLogger(__name__)

VARIABLE = "CELLSAM_WATCHDOG"
_KEPT = 20


@dataclass(frozen=True, order=True)
class Handled:
    """One event: how long it took in milliseconds, how much of that the main thread worked (the rest it
    waited, for the disk or for its turn on a busy machine), its type, and who got it.
    """

    ms: float
    busy_ms: float
    event: str
    receiver: str

    def __str__(self) -> str:
        return f"{self.ms:.1f} ms ({self.busy_ms:.1f} busy) in {self.event} of {self.receiver}"


class WatchedApplication(QApplication):
    """A ``QApplication`` that measures every event it delivers, nested ones as part of the outermost.

    ``slowest`` are the longest so far, longest first; ``reset`` begins anew.
    """

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self._depth = 0
        self._slowest: list[Handled] = []
        self.events = 0

    @property
    def slowest(self) -> list[Handled]:
        """The longest handlers, longest first."""
        return sorted(self._slowest, reverse=True)

    def reset(self) -> None:
        """Forget what was measured."""
        self._slowest, self.events = [], 0

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        """Deliver one event and measure it."""
        if self._depth:
            return super().notify(receiver, event)
        self._depth += 1
        kind, name = event.type(), type(receiver).__name__
        began, worked = perf_counter(), thread_time()
        try:
            return super().notify(receiver, event)
        finally:
            self._depth -= 1
            self._note(1000 * (perf_counter() - began), 1000 * (thread_time() - worked), kind, name)

    def _note(self, ms: float, busy_ms: float, kind: QEvent.Type, receiver: str) -> None:
        self.events += 1
        if len(self._slowest) == _KEPT and ms <= self._slowest[0].ms:
            return
        handled = Handled(ms, busy_ms, kind.name, receiver)
        if len(self._slowest) < _KEPT:
            heapq.heappush(self._slowest, handled)
        else:
            heapq.heapreplace(self._slowest, handled)


def wanted() -> bool:
    """Whether the environment asks for the watchdog."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


def log_slowest(app: QApplication) -> None:
    """Write what was measured to the log, if anything was."""
    if isinstance(app, WatchedApplication):
        for handled in app.slowest:
            log.info("Watchdog: %s", handled)
