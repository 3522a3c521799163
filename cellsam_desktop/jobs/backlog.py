"""What the worker has still to answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from cellsam_desktop.jobs.targets import EncodeTarget


class Backlog:
    """The targets of the queue, first things first: those never looked up, those put aside to be encoded."""

    def __init__(self) -> None:
        self.queue: tuple[EncodeTarget, ...] = ()
        self._unseen: deque[EncodeTarget] = deque()
        self._aside: deque[EncodeTarget] = deque()

    def replace(self, queue: Sequence[EncodeTarget]) -> None:
        """Another queue; ``begin`` has to follow."""
        self.queue = tuple(queue)

    def begin(self, capacity: int) -> None:
        """From the start, but no more than the cache can hold: they would push out those that matter most."""
        self._unseen = deque(self.queue[:capacity])
        self._aside.clear()

    def put_aside(self, target: EncodeTarget) -> None:
        """It has to be encoded, once something can."""
        self._aside.append(target)

    def give_up(self) -> None:
        """Answer none of what is left of this queue."""
        self._unseen.clear()
        self._aside.clear()

    def has_next(self, can_encode: bool) -> bool:
        """Whether something can be done about a target now."""
        return bool(self._unseen or (self._aside and can_encode))

    def next(self, can_encode: bool) -> EncodeTarget | None:
        """The next target that something can be done about."""
        waiting = self._aside if self._aside and can_encode else self._unseen
        return waiting.popleft() if waiting else None
