"""How much of something a run takes, that grows with its minutes."""

from __future__ import annotations


def amount(per_minute: int, fewest: int, most: int, minutes: float | None) -> int:
    """What a run of so many ``minutes`` takes; one without a limit takes the ``most``."""
    return most if minutes is None else min(most, max(fewest, int(per_minute * minutes)))
