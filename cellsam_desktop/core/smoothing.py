"""A curve through noise."""

from __future__ import annotations

from collections.abc import Sequence


def smoothed(values: Sequence[float], share: float = 0.1) -> list[float]:
    """The exponential moving average, corrected for its beginning (Kingma & Ba 2015).

    ``share`` is how much the newest value counts.
    """
    answer, mean, weight = [], 0.0, 0.0
    for value in values:
        mean += share * (value - mean)
        weight += share * (1 - weight)
        answer.append(mean / weight)
    return answer
