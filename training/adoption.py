"""Whether a trained decoder is better than the one it began as: docs/decisions/0250-adoption.md.

Both are asked for the same cells with the same prompts, so that each cell is compared with itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.metrics import CellKey, Judgement

Array = NDArray[np.float64]

CORRECTIONS = (0, 1, 3)
"""The IoUs that count: after the first prompt, after one correction, and after three."""

SMALLEST_GAIN = 0.005
LARGEST_LOSS = 0.01
"""Of no kind of first prompt may the IoU fall by more than this."""

_FRAMES = 8  # so many frames at least, or their cells are drawn one by one
_DRAWS = 2000
_FEW = 10


@dataclass(frozen=True)
class Verdict:
    """``gain`` in mean IoU, with the bounds of its 95 % interval; ``by_kind`` that of the first prompt alone.

    ``sentence`` is for the curator.
    """

    better: bool
    gain: float
    low: float
    high: float
    by_kind: Mapping[str, float]
    cells: int
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**vars(self), "by_kind": dict(self.by_kind)}


def compare(before: Judgement, after: Judgement, seed: int = 0) -> Verdict:
    """Compare the decoders on the cells that both were asked for.

    Better is a decoder whose mean gain over cells, kinds of prompts and ``CORRECTIONS`` is at least
    ``SMALLEST_GAIN``, certain to be positive (95 %, paired bootstrap), with no kind of first prompt that lost
    more than ``LARGEST_LOSS``.
    """
    old, new = before.by_cell(), after.by_cell()
    common = [key for key in old if key in new]
    if not common:
        return Verdict(False, 0.0, 0.0, 0.0, {}, 0, "There was no cell to compare the decoders on.")
    steps = {key: _differences(old[key].ious, new[key].ious) for key in common}
    kinds = dict.fromkeys(kind for _, kind in common)
    by_kind = {kind: float(np.mean([steps[key][0] for key in common if key[1] == kind])) for kind in kinds}
    cells = list(dict.fromkeys(cell for cell, _ in common))
    gains = np.array([np.mean([steps[c, kind] for kind in kinds if (c, kind) in steps]) for c in cells])
    low, high = _interval(cells, gains, seed)
    gain = float(gains.mean())
    lost = min(by_kind, key=lambda kind: by_kind[kind])
    better = gain >= SMALLEST_GAIN and low > 0 and by_kind[lost] >= -LARGEST_LOSS
    sentence = _sentence(better, gain, low, high, lost, by_kind[lost], len(cells))
    return Verdict(better, gain, low, high, by_kind, len(cells), sentence)


def _differences(old: Sequence[float], new: Sequence[float]) -> Array:
    measured = [n for n in CORRECTIONS if n < min(len(old), len(new))]
    return np.array([new[n] - old[n] for n in measured])


def _interval(cells: Sequence[CellKey], gains: Array, seed: int) -> tuple[float, float]:
    """The 95 % percentile interval of the mean (Efron 1979).

    Cells of one frame are alike, so that whole frames are drawn where there are enough of them.
    """
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


def _sentence(better: bool, gain: float, low: float, high: float, lost: str, loss: float, cells: int) -> str:
    measured = f"{gain:+.3f} IoU on {cells} held-out cells (95 % interval {low:+.3f} to {high:+.3f})"
    few = " With so few cells that is a rough figure." if cells < _FEW else ""
    if better:
        return f"The new decoder is better: {measured}.{few}"
    if gain >= SMALLEST_GAIN and loss < -LARGEST_LOSS:
        reason = f"after a first {lost} the new one is worse ({loss:+.3f})"
    elif gain >= SMALLEST_GAIN:
        reason = "the gain of the new one may be chance"
    elif gain > -SMALLEST_GAIN:
        reason = "the new one is no better"
    else:
        reason = "the new one is worse"
    return f"The old decoder is kept, because {reason}: {measured}.{few}"
