"""How long the window was deaf: the time that each event took to handle.

Turned on by ``CELLSAM_WATCHDOG=1``; nothing of it runs otherwise. The design target is 16 ms, one frame of a
60 Hz screen.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from operator import attrgetter
from time import perf_counter, thread_time

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

log = logging.getLogger(__name__)

VARIABLE = "CELLSAM_WATCHDOG"
_KEPT = 20
_WORTH_NOTING_MS = 1.0


@dataclass(frozen=True)
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

    ``reset`` begins anew.
    """

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self._depth = 0
        self.events = 0
        self._slowest: list[Handled] = []
        self._busiest: list[Handled] = []

    @property
    def slowest(self) -> list[Handled]:
        """The handlers that took longest by the clock, longest first."""
        return _longest(self._slowest, "ms")

    @property
    def busiest(self) -> list[Handled]:
        """The handlers for which the main thread worked longest, longest first."""
        return _longest(self._busiest, "busy_ms")

    def reset(self) -> None:
        """Forget what was measured."""
        self.events, self._slowest, self._busiest = 0, [], []

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
        if ms < _WORTH_NOTING_MS:
            return
        handled = Handled(ms, busy_ms, kind.name, receiver)
        self._slowest.append(handled)
        self._busiest.append(handled)
        if len(self._slowest) > 2 * _KEPT:
            self._slowest, self._busiest = self.slowest, self.busiest


def _longest(handlers: list[Handled], by: str) -> list[Handled]:
    return sorted(handlers, key=attrgetter(by), reverse=True)[:_KEPT]


def wanted() -> bool:
    """Whether the environment asks for the watchdog."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


def log_slowest(app: QApplication) -> None:
    """Write what was measured to the log, if anything was."""
    if isinstance(app, WatchedApplication):
        for handled in app.slowest:
            log.info("Watchdog: %s", handled)
