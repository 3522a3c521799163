"""Ways to hold frames of one data set out: whole movies, blocks of time, one side of the image."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from training.frames import CellTruth, Frame

SHARE = 0.2
"""The part of the cells that judges."""
_CHOOSING_SHARE = 0.1
"""The part that chooses the best weights,"""
_CHOOSING = 16, 64
"""but so many cells at least where as many judge, and no more than these."""
_AT_MOST = 2
"""So many times its share may a single movie hold."""
_LEARNED_SHARE = 0.45
_SIDE_SHARE = 1 / 3

Random = np.random.Generator


@dataclass(frozen=True)
class Parts:
    """Frames that are learned from, that choose the best weights, that judge.

    Where there are two parts only, those that judge choose the best weights as well.
    """

    train: list[Frame] = field(default_factory=list)
    validate: list[Frame] = field(default_factory=list)
    test: list[Frame] = field(default_factory=list)

    @property
    def two(self) -> bool:
        """Whether frames choose and judge at once."""
        return bool({*map(id, self.test)} & {*map(id, self.validate)})

    def __add__(self, other: Parts) -> Parts:
        return Parts(self.train + other.train, self.validate + other.validate, self.test + other.test)


def count(frames: Sequence[Frame]) -> int:
    """How many cells they have together."""
    return sum(len(frame.cells) for frame in frames)


def is_even(movies: Sequence[list[Frame]]) -> bool:
    """Whether no movie holds more cells than all others together."""
    cells = [count(movie) for movie in movies]
    return 2 * max(cells) <= sum(cells)


def by_movies(movies: Sequence[list[Frame]], wanted: int, random: Random) -> Parts:
    """Whole movies, two at least; those with many cells are learned from."""
    cells = [count(movie) for movie in movies]
    three = wanted == 3 and len(movies) > 2
    share, choosing = _shares(sum(cells), wanted)
    left = [int(place) for place in random.permutation(len(movies))]
    held = _take(left, cells, share, spare=2 if three else 1)
    other = _take(left, cells, choosing, spare=1) if three else held
    train, test, validate = (
        [frame for n in sorted(some) for frame in movies[n]] for some in (left, held, other)
    )
    return Parts(train, validate, test)


def _shares(cells: int, wanted: int) -> tuple[float, float]:
    """How many cells are held out first, to judge, or to choose where two parts are ``wanted``; and then."""
    judging, (least, most) = SHARE * cells, _CHOOSING
    choosing = min(judging, most, max(least, _CHOOSING_SHARE * cells))
    return choosing if wanted == 2 else judging, choosing


def _take(left: list[int], cells: Sequence[int], share: float, spare: int) -> list[int]:
    """Take movies out of ``left``, leaving ``spare`` at least, until they hold their ``share``, in cells."""
    taken: list[int] = []
    fitting = [n for n in left if cells[n] <= _AT_MOST * share] or [min(left, key=lambda n: cells[n])]
    for number in fitting:
        have = sum(cells[n] for n in taken)
        if taken and (have + cells[number] > share or len(left) <= spare):
            break
        taken.append(number)
        left.remove(number)
    return taken


def by_blocks(movie: Sequence[Frame], wanted: int, random: Random) -> Parts | None:
    """Blocks of time, or of depth where there is one time only; None if the movie is too short for that.

    What is held out lies at the ends, and the frame beside it is left out where it is a neighbour. About half
    of the cells, at least, is learned from.
    """
    along = "t" if len({frame.t for frame in movie}) > 1 else "z"
    steps: defaultdict[int, list[Frame]] = defaultdict(list)
    for frame in movie:
        steps[getattr(frame, along)].append(frame)
    ends = bool(random.integers(2))
    for parts in range(wanted, 1, -1):
        held, train, other = _cut(steps, wanted, three=parts == 3, backwards=ends)
        if sum(count(steps[place]) for place in train) >= _LEARNED_SHARE * count(movie):
            test, learned, chosen = (
                [f for p in sorted(some) for f in steps[p]] for some in (held, train, other)
            )
            return Parts(learned, chosen or test, test)
    return None


def _cut(
    steps: dict[int, list[Frame]], wanted: int, *, three: bool, backwards: bool
) -> tuple[list[int], list[int], list[int]]:
    """Positions held out at one end, those in between, and with ``three`` those at the other end."""
    order = sorted(steps, reverse=backwards)
    share, choosing = _shares(sum(map(count, steps.values())), wanted)
    held = _end(order, steps, share)
    other = _end([place for place in reversed(order) if place not in held], steps, choosing) if three else []
    apart = {*held, *other}
    between = [p for p in order if p not in apart and not any(abs(p - q) <= 1 for q in apart)]
    touching = any(abs(p - q) <= 1 for p in held for q in other)
    return held, [] if touching else between, other


def _end(order: Sequence[int], steps: dict[int, list[Frame]], share: float) -> list[int]:
    """The first positions, one at least, with no more than their ``share``, in cells."""
    taken: list[int] = []
    cells = 0
    for place in order:
        cells += count(steps[place])
        if taken and cells > share:
            break
        taken.append(place)
    return taken


def by_halves(frames: Sequence[Frame], random: Random) -> Parts:
    """One side of the image is learned from, the other judges; all is learned from if that cannot be.

    The line is the same for all frames; of several, the cells on it are left out where others remain, for
    they may be here in one frame and there in the next.
    """
    backwards = bool(random.integers(2))
    height, width = frames[0].shape
    for axis in (0, 1) if width >= height else (1, 0):
        line = _line(frames, axis, backwards)
        if line is None:
            continue
        for strict in (True, False) if len(frames) > 1 else (False,):
            low, high = _side(frames, axis, line, -1, strict), _side(frames, axis, line, 1, strict)
            if low and high:
                train, held = (high, low) if backwards else (low, high)
                return Parts(train, held, held)
    return Parts(list(frames))


def _line(frames: Sequence[Frame], axis: int, backwards: bool) -> float | None:
    """Where to cut x (``axis`` 0) or y (1): between two cells, a third of them on the held-out side."""
    centres = sorted({cell.mask.centroid[axis] for frame in frames for cell in frame.cells})
    if len(centres) < 2:
        return None
    held = max(1, math.floor(len(centres) * _SIDE_SHARE))
    first = held if backwards else len(centres) - held
    return (centres[first - 1] + centres[first]) / 2


def _side(frames: Sequence[Frame], axis: int, line: float, sign: int, strict: bool) -> list[Frame]:
    """The frames with their cells on one side of the line, ``strict``: those that do not touch it."""
    parts = (
        replace(
            frame, cells=tuple(c for c in frame.cells if _lies(c, axis, line, sign, strict)), complete=False
        )
        for frame in frames
    )
    return [frame for frame in parts if frame.cells]


def _lies(cell: CellTruth, axis: int, line: float, sign: int, strict: bool) -> bool:
    region = cell.mask.region
    low, high = (region.x0, region.x1 - 1) if axis == 0 else (region.y0, region.y1 - 1)
    centre = cell.mask.centroid[axis]
    edge = centre if not strict else (high if sign < 0 else low)
    return (edge - line) * sign > 0
