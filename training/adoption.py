"""Whether a trained decoder is better than the one it began as: docs/decisions/0250-adoption.md.

Both are asked for the same cells with the same prompts, so that each cell is compared with itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from cellsam_desktop.core.wording import counted
from training.metrics import CellKey, Judgement, clearly_worse

Array = NDArray[np.float64]

CORRECTIONS = (0, 1, 3)
"""The IoUs that count: after the first prompt, after one correction, and after three."""

SMALLEST_GAIN = 0.005
LARGEST_LOSS = 0.01
"""Of no kind of first prompt may the IoU fall by more than this."""

LARGEST_LOSS_CLOSER = 0.02
"""The same from the window's looks. Few cells are asked for there, so that a loss counts only where chance
does not explain it."""

NOTHING = Judgement(())

_FRAMES = 8  # so many frames at least, or their cells are drawn one by one
_DRAWS = 2000
_FEW = 10


@dataclass(frozen=True)
class Verdict:
    """``gain`` in mean IoU, with the bounds of its 95 % interval; ``by_kind`` that of the first prompt alone.

    ``closer`` the same from the window's looks; ``sentence`` is for the curator.
    """

    better: bool
    gain: float
    low: float
    high: float
    by_kind: Mapping[str, float]
    cells: int
    sentence: str
    closer: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**vars(self), "by_kind": dict(self.by_kind), "closer": dict(self.closer)}


def compare(
    before: Judgement,
    after: Judgement,
    closer_before: Judgement = NOTHING,
    closer_after: Judgement = NOTHING,
    seed: int = 0,
) -> Verdict:
    """Compare the decoders on the cells that both were asked for.

    Better is a decoder whose mean gain over cells, kinds of prompts and ``CORRECTIONS`` is at least
    ``SMALLEST_GAIN``, certain to be positive (95 %, paired bootstrap), with no kind of first prompt that lost
    more than ``LARGEST_LOSS``, nor, as the window looks (``closer``), clearly more than
    ``LARGEST_LOSS_CLOSER``.
    """
    old, new = before.by_cell(), after.by_cell()
    common = [key for key in old if key in new]
    if not common:
        return Verdict(False, 0.0, 0.0, 0.0, {}, 0, "There was no cell to compare the decoders on.")
    steps = {key: _differences(old[key].ious, new[key].ious) for key in common}
    cells = list(dict.fromkeys(cell for cell, _ in common))
    kinds = dict.fromkeys(kind for _, kind in common)
    gains = np.array([np.mean([steps[c, kind] for kind in kinds if (c, kind) in steps]) for c in cells])
    low, high = _interval(cells, gains, seed)
    by_kind, closer = _by_kind(before, after), _by_kind(closer_before, closer_after)
    lost = {kind: gain for kind, gain in closer.items() if _lost(*_firsts(closer_before, closer_after, kind))}
    reason = _objection(float(gains.mean()), low, by_kind, lost)
    sentence = _sentence(reason, float(gains.mean()), low, high, len(cells))
    return Verdict(not reason, float(gains.mean()), low, high, by_kind, len(cells), sentence, closer)


def _by_kind(before: Judgement, after: Judgement) -> dict[str, float]:
    """The gain of the first prompt alone, by its kind."""
    kinds = dict.fromkeys(course.kind for course in before.courses)
    firsts = {kind: _firsts(before, after, kind) for kind in kinds}
    return {kind: float(np.mean(np.subtract(new, old))) for kind, (old, new) in firsts.items() if old}


def _firsts(before: Judgement, after: Judgement, kind: str) -> tuple[list[float], list[float]]:
    """The IoUs of the first prompt alone, of the cells that both were asked for."""
    old, new = before.by_cell(), after.by_cell()
    common = [key for key in old if key[1] == kind and key in new]
    return [old[key].ious[0] for key in common], [new[key].ious[0] for key in common]


def _lost(old: Sequence[float], new: Sequence[float]) -> bool:
    """Whether more was lost than may be, looking closer, and not by chance."""
    return float(np.mean(np.subtract(old, new))) > LARGEST_LOSS_CLOSER and clearly_worse(new, old)


def _objection(gain: float, low: float, by_kind: Mapping[str, float], lost: Mapping[str, float]) -> str:
    """Why the new decoder is not better; empty if it is. ``lost`` is what looking closer lost, by kind."""
    if gain <= -SMALLEST_GAIN:
        return "the new one is worse"
    if gain < SMALLEST_GAIN:
        return "the new one is no better"
    for kind, change in by_kind.items():
        if change < -LARGEST_LOSS:
            return f"after a first {kind} the new one is worse ({change:+.3f})"
    if lost:
        kind, change = min(lost.items(), key=lambda item: item[1])
        return f"looking as closely as the window does, the new one is worse after a {kind} ({change:+.3f})"
    return "" if low > 0 else "the gain of the new one may be chance"


def _differences(old: Sequence[float], new: Sequence[float]) -> Array:
    measured = [n for n in CORRECTIONS if n < min(len(old), len(new))]
    return np.array([new[n] - old[n] for n in measured])


def _interval(cells: Sequence[CellKey], gains: Array, seed: int) -> tuple[float, float]:
    """The 95 % percentile interval of the mean (Efron 1979).

    Cells of one frame are alike, so that whole frames are drawn where there are enough of them. A handful of
    cells has too few ways to be drawn: theirs is Student's interval, and anything there is for a single one.
    """
    if len(cells) < _FEW:
        return _interval_of_few(gains)
    frames = list(dict.fromkeys(cell[:4] for cell in cells))
    if len(frames) >= _FRAMES:
        groups = [gains[[n for n, cell in enumerate(cells) if cell[:4] == frame]] for frame in frames]
        sums, counts = np.array([g.sum() for g in groups]), np.array([len(g) for g in groups])
    else:
        sums, counts = gains, np.ones(len(gains))
    drawn = np.random.default_rng(seed).integers(len(sums), size=(_DRAWS, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def _interval_of_few(gains: Array) -> tuple[float, float]:
    if len(gains) < 2:
        return -1.0, 1.0
    error = gains.std(ddof=1) / math.sqrt(len(gains))
    reach = float(stats.t.ppf(0.975, len(gains) - 1) * error)
    return float(gains.mean()) - reach, float(gains.mean()) + reach


def _sentence(reason: str, gain: float, low: float, high: float, cells: int) -> str:
    interval = f" (95 % interval {low:+.3f} to {high:+.3f})" if cells > 1 else ""
    measured = f"{gain:+.3f} IoU on {counted(cells, 'held-out cell')}{interval}"
    few = " With so few cells that is a rough figure." if cells < _FEW else ""
    if not reason:
        return f"The new decoder is better: {measured}.{few}"
    return f"The old decoder is kept, because {reason}: {measured}.{few}"
