"""Masks against the truth: IoU, Dice, clicks until a mask is good, and their means over cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.decoder_scores import GOALS, KINDS, KindScores, Scores
from cellsam_desktop.core.mask import Mask


def iou(found: Mask | None, truth: Mask, unsure: Mask | None = None) -> float:
    """Intersection over union, 0 to 1, without the pixels of ``unsure`` that are not part of the truth."""
    if found is not None and unsure is not None:
        doubtful = unsure.subtract(truth)
        found = found if doubtful is None else found.subtract(doubtful)
    return 0.0 if found is None else found.iou(truth)


def dice_of(ious: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Dice coefficient of each mask (F1 of its pixels); of one mask, IoU gives Dice and Dice IoU."""
    return np.asarray(2 * ious / (1 + ious))


def clicks_to(ious: Sequence[float], goal: float) -> tuple[int, bool]:
    """After how many clicks ``goal`` is first reached, and whether it is; if not, all clicks count."""
    for number, value in enumerate(ious, start=1):
        if value >= goal:
            return number, True
    return len(ious), False


class CellKey(NamedTuple):
    """Which cell was asked for."""

    data_set: str
    movie: str
    t: int
    z: int
    cell_id: int


@dataclass(frozen=True, eq=False)
class Course:
    """How the mask of one cell became better: ``ious`` after each click, ``first`` the mask after the first.

    ``first`` lies in the pixels of the view that was asked about, whose number is ``view``.
    """

    key: CellKey
    kind: str
    ious: tuple[float, ...]
    first: Mask | None = None
    view: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain data, without the mask."""
        counts = {f"clicks_to_{goal}": clicks_to(self.ious, goal)[0] for goal in GOALS}
        dices = dice_of(np.array(self.ious))
        values = {"iou": [round(v, 4) for v in self.ious], "dice": [round(float(v), 4) for v in dices]}
        return {**self.key._asdict(), "prompt": self.kind, **values, **counts}


@dataclass(frozen=True, eq=False)
class Judgement:
    """The courses of all cells, one per cell and kind of first prompt."""

    courses: tuple[Course, ...]

    @property
    def scores(self) -> Scores:
        """Means over all cells."""
        return summarise(self.courses)

    @property
    def ious(self) -> list[float]:
        """Of each course the mean over its clicks."""
        return [float(np.mean(course.ious)) for course in self.courses]

    def by_data_set(self) -> dict[str, Scores]:
        """Means over the cells of each data set."""
        names = dict.fromkeys(course.key.data_set for course in self.courses)
        return {
            name: summarise(course for course in self.courses if course.key.data_set == name)
            for name in names
        }

    def by_cell(self) -> Mapping[tuple[CellKey, str], Course]:
        """Each course by its cell and kind of prompt."""
        return {(course.key, course.kind): course for course in self.courses}


def clearly_worse(ious: Sequence[float], others: Sequence[float]) -> bool:
    """Whether the same cells lost more than chance explains: more than one standard error of the mean."""
    losses = np.subtract(others, ious)
    error = losses.std(ddof=1) / np.sqrt(len(losses)) if len(losses) > 1 else 0.0
    return bool(losses.mean() > error)


def summarise(courses: Iterable[Course]) -> Scores:
    """The means over courses, all with the same number of clicks."""
    kept = list(courses)
    kinds = {
        kind: _means([course.ious for course in kept if course.kind == kind])
        for kind in KINDS
        if any(course.kind == kind for course in kept)
    }
    cells = {course.key for course in kept}
    return Scores(len({key[:4] for key in cells}), len(cells), kinds)


def _means(courses: Sequence[Sequence[float]]) -> KindScores:
    ious = np.array(courses, dtype=np.float64)
    counts = {goal: [clicks_to(own, goal) for own in courses] for goal in GOALS}
    return KindScores(
        tuple(map(float, ious.mean(axis=0))),
        tuple(map(float, dice_of(ious).mean(axis=0))),
        {goal: float(np.mean([clicks for clicks, _ in found])) for goal, found in counts.items()},
        {goal: float(np.mean([reached for _, reached in found])) for goal, found in counts.items()},
    )
