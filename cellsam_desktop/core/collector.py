"""Python's cycle collector and documents of hundreds of thousands of objects.

A full collection looks at every object that is alive: with 250,000 masks it held up the window for 0.2 s,
again and again. What is loaded makes no cycles, so it need not be looked at (decision 0191).
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_pauses = 0


@contextmanager
def paused() -> Iterator[None]:
    """No collection while very many objects are being made, and none of them is looked at afterwards.

    From any thread, and several at a time.
    """
    global _pauses
    with _lock:
        _pauses += 1
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            _pauses -= 1
            if not _pauses:
                # Before it is turned on: the first collection would look at everything that was made.
                gc.freeze()
                gc.enable()


def spare_all() -> None:
    """Leave everything that is alive now out of future collections. Costs nothing."""
    gc.freeze()


def spare_none() -> None:
    """Look at everything again."""
    gc.unfreeze()
