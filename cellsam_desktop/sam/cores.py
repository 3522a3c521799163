"""Which processor cores a thread computes on, where the system lets a program say so (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Set
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_SIBLINGS = Path("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list")


@contextmanager
def beside_workers() -> Iterator[None]:
    """Within, the calling thread runs on the core that ONNX Runtime leaves to it.

    A session without a given number of threads ties a thread of its own to every core but the first, and
    expects its caller there. Where the system puts the caller on another, two threads share it, and a decode
    takes up to twice as long.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    everywhere = os.sched_getaffinity(0)
    here = everywhere & first_core()
    if not here or here == everywhere or not tie(here):
        yield
        return
    try:
        yield
    finally:
        os.sched_setaffinity(0, everywhere)


def tie(numbers: Set[int]) -> bool:
    """Let the calling thread run only on these logical processors; False if the system refuses.

    Some sandboxes forbid it. A decode takes longer then, and that is all.
    """
    try:
        os.sched_setaffinity(0, numbers)
    except OSError:
        return False
    return True


def usable() -> int:
    """The logical processors that this process may use, which in a container may be a few of many."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def for_onnx_runtime(threads: int | None) -> int:
    """What ONNX Runtime is to be told where ``threads`` are wanted (None: as many as there are cores).

    0 leaves the number to ONNX Runtime, which then ties a thread to every core of the machine; not only to
    those that the process may use.
    """
    return threads or (0 if usable() == os.cpu_count() else usable())


@cache
def first_core() -> frozenset[int]:
    """The logical processors of the first core; none where the system does not tell."""
    try:
        text = _SIBLINGS.read_text(encoding="ascii")
    except OSError:
        return frozenset()
    return processors(text)


def processors(text: str) -> frozenset[int]:
    """The numbers in a list such as ``0-1,8``, as Linux writes them."""
    found: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)
