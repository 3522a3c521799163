"""Listening to the session for as long as a widget lives, at once or a little later."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from psygnal import SignalInstance
from PySide6.QtCore import QObject, QTimer

LATER_MS = 40
"""Longer than a mask takes, shorter than anybody reads."""


def listen(owner: QObject, signal: SignalInstance, slot: Callable[..., Any]) -> None:
    """Call ``slot`` (a method) on every emission until Qt destroys ``owner``.

    The session outlives panels and dialogs, and a Python object can outlive its Qt half: without this a
    late signal would reach a deleted widget.
    """
    signal.connect(slot)
    method = weakref.WeakMethod(slot)

    def forget() -> None:
        if (living := method()) is not None:
            signal.disconnect(living)

    owner.destroyed.connect(forget)


class Later(QObject):
    """Calls ``slot`` once, ``LATER_MS`` after the first of any number of ``ask``s.

    For what is read and not pointed at: text and buttons take longer to lay out and to paint than a mask, and
    the mask is what the hand waits for. See docs/decisions/0195-masks-first.md.
    """

    def __init__(self, owner: QObject, slot: Callable[[], None]) -> None:
        super().__init__(owner)
        self._slot = slot
        self._timer = QTimer(self, singleShot=True, interval=LATER_MS)
        self._timer.timeout.connect(slot)

    def ask(self, *_: object) -> None:
        """Soon."""
        if not self._timer.isActive():
            self._timer.start()

    def catch_up(self) -> None:
        """At once, if it was asked for."""
        if self._timer.isActive():
            self._timer.stop()
            self._slot()
