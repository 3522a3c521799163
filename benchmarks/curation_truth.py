"""The truth about a movie: every mask with its identity, and who is whose daughter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks import data_sets
from benchmarks.data_sets import Sample
from cellsam_desktop.core.mask import Mask

_PARENTS = "man_track.txt"


@dataclass(frozen=True)
class Truth:
    """The frames of a movie, the true masks of each by label, and the two daughters of every mother."""

    frames: list[Sample]
    masks: Sequence[Mapping[int, Mask]]
    daughters: Mapping[int, tuple[int, int]]

    @classmethod
    def read(cls, data: Path, name: str, frames: int | None = None) -> Truth:
        """A linked movie, its first ``frames`` only if told so.

        Divisions are read from the movie's parent table; without one, a cell that ends inside the image is
        the mother of the two cells that begin nearest to her in the next frame.
        """
        shown = list(data_sets.samples(data, name))[:frames]
        masks = [dict(zip(sample.ids, sample.truth, strict=True)) for sample in shown]
        table = data / name / _PARENTS
        daughters = _listed(table, masks) if table.exists() else _nearest(masks)
        return cls(shown, masks, daughters)

    @property
    def count(self) -> int:
        """The number of masks."""
        return sum(map(len, self.masks))

    @property
    def labels(self) -> set[int]:
        """Every cell."""
        return set().union(*self.masks)

    def start(self, label: int) -> int:
        """The first frame of a cell."""
        return next(t for t, masks in enumerate(self.masks) if label in masks)

    def mother(self, label: int) -> int | None:
        """The mother of a cell, None if it has none."""
        return next((mother for mother, pair in self.daughters.items() if label in pair), None)


def _listed(table: Path, masks: Sequence[Mapping[int, Mask]]) -> dict[int, tuple[int, int]]:
    children: dict[int, list[int]] = {}
    for line in table.read_text().splitlines():
        label, _, _, parent = map(int, line.split())
        if parent and any(label in frame for frame in masks):
            children.setdefault(parent, []).append(label)
    return {parent: (pair[0], pair[1]) for parent, pair in children.items() if len(pair) == 2}


def _nearest(masks: Sequence[Mapping[int, Mask]]) -> dict[int, tuple[int, int]]:
    found: dict[int, tuple[int, int]] = {}
    for before, after in pairwise(masks):
        ended = {label: mask for label, mask in before.items() if label not in after}
        begun = {label: mask for label, mask in after.items() if label not in before}
        distances = sorted(
            (_distance(old, new), mother, daughter)
            for mother, old in ended.items()
            for daughter, new in begun.items()
        )
        pairs: dict[int, list[int]] = {}
        for distance, mother, daughter in distances:
            taken = any(daughter in pair for pair in pairs.values())
            if len(pairs.get(mother, ())) < 2 and not taken and distance < ended[mother].area ** 0.5:
                pairs.setdefault(mother, []).append(daughter)
        found |= {mother: (pair[0], pair[1]) for mother, pair in pairs.items() if len(pair) == 2}
    return found


def _distance(one: Mask, other: Mask) -> float:
    (x0, y0), (x1, y1) = one.centroid, other.centroid
    return float(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)
