"""Listening to the session for as long as a widget lives."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from psygnal import SignalInstance
from PySide6.QtCore import QObject


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
