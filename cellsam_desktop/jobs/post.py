"""How results come back to the main thread."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import TypeAlias

Post: TypeAlias = Callable[[Callable[[], None]], None]
"""Called from any thread with a function, which then runs on the main thread, in order of posting."""


class PostQueue:
    """A ``Post`` for programs without an event loop: the main thread runs what was posted when it pumps."""

    def __init__(self) -> None:
        self._posted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def __call__(self, function: Callable[[], None]) -> None:
        """Remember a function for the next pump; any thread may call."""
        self._posted.put(function)

    def pump(self) -> int:
        """Run everything posted so far and return how many functions that were."""
        count = 0
        while True:
            try:
                function = self._posted.get_nowait()
            except queue.Empty:
                return count
            function()
            count += 1

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Pump until ``condition()`` holds; False when it does not within ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        self.pump()
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            try:
                self._posted.get(timeout=min(left, 0.05))()
            except queue.Empty:
                continue
        return True
