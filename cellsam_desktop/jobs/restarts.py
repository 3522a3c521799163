"""When a worker that died is started again, and when that is given up."""

from __future__ import annotations

from collections import deque

MAX_RESTARTS = 3
WITHIN_S = 60.0
_FIRST_DELAY_S = 0.2


class Restarts:
    """At most ``MAX_RESTARTS`` in any ``WITHIN_S`` seconds, each later one after a longer pause."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def delay(self, now: float) -> float | None:
        """Seconds to wait before the restart that is due at ``now`` (monotonic); None: do not restart."""
        while self._times and now - self._times[0] > WITHIN_S:
            self._times.popleft()
        if len(self._times) >= MAX_RESTARTS:
            return None
        self._times.append(now)
        return float(_FIRST_DELAY_S * 4 ** (len(self._times) - 1))
