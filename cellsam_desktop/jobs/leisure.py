"""Waiting until the worker has nothing to do."""

from __future__ import annotations

import threading
import time


class Dismissed(Exception):
    """Nobody is interested in the result any more."""


class Leisure:
    """One thread says when its leisure begins and ends, another waits for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._since: float | None = None
        self._closed = False

    def begin(self) -> None:
        """There is nothing to do now; harmless if that is known."""
        with self._changed:
            if self._since is None:
                self._since = time.monotonic()
                self._changed.notify_all()

    def end(self) -> None:
        """There is."""
        with self._changed:
            self._since = None

    def close(self) -> None:
        """Whoever waits need not wait any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait(self, seconds: float = 0.0) -> None:
        """Return once there has been nothing to do for so long.

        Raises:
            Dismissed: ``close`` was called.
        """
        with self._changed:
            while not self._closed:
                if self._since is None:
                    self._changed.wait()
                    continue
                left = self._since + seconds - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(left)
        raise Dismissed
