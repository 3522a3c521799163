"""Fit what tells a division: ``python -m resources.fit_divisions``.

Two logistic sums, each fitted on the movies with true masks and lineages: how sure it is that a cell divides
between two frames (``analysis/splitting.py``), and, by the logarithm of how far it is apart, that a pair
was two already on the frame before (``analysis/parting.py``).

- *Dividing*: every true mask is carried one frame on; it divides there or not.
- *Parted*: every mother is split at her true date, and again a frame before it; what her daughters look like
  one frame on is an example that they were two, and one that they were not. Only splits to which the first
  sum gives at least a chance of one in ten count: others nobody proposes.

Printed are the weights, and how well they do: on all, and when each cell in turn, or each movie, was left
out of the fit. What is worth it is copied into the two files by hand (``docs/decisions/0224``).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from benchmarks import data_sets
from benchmarks.first_click import open_model
from benchmarks.linking import lineage_by_place
from cellsam_desktop import paths
from cellsam_desktop.analysis.appearance import Appearance
from cellsam_desktop.analysis.asking import Question
from cellsam_desktop.analysis.carried import Carried
from cellsam_desktop.analysis.joint import Claim
from cellsam_desktop.analysis.motion import Frames
from cellsam_desktop.analysis.parting import parting
from cellsam_desktop.analysis.propagation import looks_needed
from cellsam_desktop.analysis.splitting import Cut, cut, leak_of
from cellsam_desktop.analysis.step import Step
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.curation.headless_model import HeadlessModel
from cellsam_desktop.project.ctc_table import read_table
from cellsam_desktop.sam.registry import ModelRegistry

_PRIOR = 1.0
_PROPOSED = 0.1
_LEAST_PARTING = 0.01

Masks = Mapping[int, Mask]


@dataclass(frozen=True, eq=False)
class Example:
    """What was measured of one cell, and whether it is so; ``case`` names movie and mother."""

    movie: str
    case: str
    values: Mapping[str, float]
    true: bool


@dataclass(frozen=True, eq=False)
class Movie:
    """Images, true masks by frame and cell, and the frame and daughters of each mother."""

    name: str
    images: Sequence[NDArray[np.uint8]]
    cells: Sequence[Masks]
    births: Mapping[int, tuple[int, tuple[int, int]]]

    @classmethod
    def load(cls, data: Path, name: str) -> Movie:
        """One of ``data_sets.LINKED``."""
        samples = list(data_sets.samples(data, name))
        cells: list[Masks] = [dict(zip(one.ids, one.truth, strict=True)) for one in samples]
        table = data / name / "man_track.txt"
        labels = tifffile.imread(data / name / data_sets.MOVIES[name])
        rows = read_table(table) if table.is_file() else lineage_by_place(labels)
        pairs: dict[int, list[int]] = {}
        for row in rows:
            if row.parent:
                pairs.setdefault(row.parent, []).append(row.label)
        divisions = [(mother, (pair[0], pair[1])) for mother, pair in pairs.items()]
        births = {m: (min(t for t, here in enumerate(cells) if d[0] in here), d) for m, d in divisions}
        return cls(name, [one.image for one in samples], cells, births)


class Scene:
    """One frame of a movie, and cells that are carried to it from the frame before."""

    def __init__(self, model: HeadlessModel, movie: Movie, t: int, cells: Masks) -> None:
        image, before = movie.images[t], movie.images[t - 1]
        self.plane = Region.whole(*image.shape[:2])
        looks = looks_needed(self.plane, [Carried(i, mask) for i, mask in cells.items()])
        self.evidence = partial(Appearance(before, list(cells.values())).of, image)
        shown = {region: model.look(image, region) for region in looks}
        self.step = Step(model.decoder, shown, self.plane, (), None, self.evidence)
        frames = Frames(before, image, list(cells.values()))
        moved = {i: frames.register(mask).moved(mask, self.plane) for i, mask in cells.items()}
        self.claims = self.step.claims((i, mask) for i, mask in moved.items() if mask is not None)
        self.pixels = self._resolved(self.claims)

    def _resolved(self, claims: Sequence[Claim]) -> dict[int, Mask]:
        found = zip(claims, self.step.resolve(claims), strict=True)
        return {claim.cell_id: each.pixels for claim, each in found if each.pixels is not None}

    def cut(self, cell_id: int, first_area: int) -> tuple[Cut, dict[str, float], float] | None:
        """The cut of a cell, what is measured of it, and the confidence at present."""
        mask = self.pixels.get(cell_id)
        halved = None if mask is None else cut(mask, self.plane, self.evidence)
        if mask is None or halved is None:
            return None
        replies = self.step.ask([Question(half, hinted=False) for half in halved.halves])
        known = leak_of(halved.halves, [reply.mask for reply in replies]), mask.area / first_area
        return halved, halved.measures(*known), halved.confidence(*known)

    def split(self, mother: int, halved: Cut) -> tuple[Mask, Mask] | None:
        """The masks of both daughters, beside all other cells."""
        others = [claim for claim in self.claims if claim.cell_id != mother]
        found = self._resolved([*others, *self.step.claims(zip((-1, -2), halved.halves, strict=True))])
        return (found[-1], found[-2]) if -1 in found and -2 in found else None


def examples(model: HeadlessModel, movie: Movie) -> Iterator[tuple[str, Example]]:
    """The examples for both sums, each with the name of its sum."""
    first: dict[int, int] = {}
    for t in range(1, len(movie.images)):
        for i, mask in movie.cells[t - 1].items():
            first.setdefault(i, mask.area)
        scene = Scene(model, movie, t, movie.cells[t - 1])
        for i in scene.pixels:
            found = scene.cut(i, first[i])
            if found is None:
                continue
            halved, values, confidence = found
            birth = movie.births.get(i, (-1, (0, 0)))[0]
            case = f"{movie.name} {i}"
            yield "dividing", Example(movie.name, case, values, t == birth)
            if t in (birth, birth - 1) and confidence >= _PROPOSED:
                later = _a_frame_on(model, movie, t, i, scene.split(i, halved))
                if later is not None:
                    yield "parted", Example(movie.name, case, later, t == birth)


def _a_frame_on(
    model: HeadlessModel, movie: Movie, t: int, mother: int, pair: tuple[Mask, Mask] | None
) -> dict[str, float] | None:
    """What a pair on frame ``t`` looks like on the next."""
    if pair is None or t + 1 >= len(movie.images):
        return None
    gone = {mother, *movie.births[mother][1]}
    others = {i: mask for i, mask in movie.cells[t].items() if i not in gone}
    scene = Scene(model, movie, t + 1, {**others, -1: pair[0], -2: pair[1]})
    if not {-1, -2} <= scene.pixels.keys():
        return None
    found = parting(scene.pixels[-1], scene.pixels[-2], scene.plane, scene.evidence)
    return {"parting": math.log(max(found, _LEAST_PARTING))}


def fit(found: Sequence[Example]) -> dict[str, float]:
    """The weights of a logistic sum, and its base as "base"; large weights must pay (ridge, Newton steps)."""
    names = list(found[0].values)
    values = np.array([[one.values[name] for name in names] for one in found])
    truth = np.array([one.true for one in found], np.float64)
    mean, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    rows = np.c_[(values - mean) / spread, np.ones(len(found))]
    prior = np.diag([*[_PRIOR / 2] * len(names), 1e-9])
    state = np.zeros(rows.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-rows @ state))
        slope = rows.T @ (chance - truth) + prior @ state
        state -= np.linalg.solve((rows.T * (chance * (1 - chance))) @ rows + prior, slope)
    weights = state[:-1] / spread
    return {**dict(zip(names, weights.tolist(), strict=True)), "base": float(state[-1] - weights @ mean)}


def chance(weights: Mapping[str, float], one: Example) -> float:
    """What a logistic sum says of an example, 0 to 1."""
    total = weights["base"] + sum(weights[name] * value for name, value in one.values.items())
    return 1 / (1 + math.exp(-total))


def left_out(found: Sequence[Example], by: str) -> list[float]:
    """What is said of each example by a fit on those of another ``case``, or ``movie``."""
    fits = {}
    for group in {getattr(one, by) for one in found}:
        fits[group] = fit([one for one in found if getattr(one, by) != group])
    return [chance(fits[getattr(one, by)], one) for one in found]


def report(sum_name: str, found: Sequence[Example]) -> None:
    """Print the weights of one sum, and how well it does."""
    weights = fit(found)
    print(f"{sum_name}: {sum(one.true for one in found)} of {len(found)}")
    print("   ", {name: round(value, 2) for name, value in weights.items()})
    if sum_name == "parted":
        print(f"    as sure as not at {math.exp(-weights['base'] / weights['parting']):.2f}")
    ways = {"fitted": [chance(weights, one) for one in found]}
    ways |= {f"{by} left out": left_out(found, by) for by in ("case", "movie")}
    for way, said in ways.items():
        for movie in sorted({one.movie for one in found}):
            pairs = [(value, one.true) for value, one in zip(said, found, strict=True) if one.movie == movie]
            print(f"    {way:16} {movie:20} {_well(pairs)}")


def _well(pairs: Sequence[tuple[float, bool]]) -> str:
    """Right, missed and wrong at a half, and the mean log loss."""
    right = sum(value >= 0.5 and true for value, true in pairs)
    missed = sum(value < 0.5 and true for value, true in pairs)
    wrong = sum(value >= 0.5 and not true for value, true in pairs)
    loss = -np.mean([math.log(max(1e-6, value if true else 1 - value)) for value, true in pairs])
    return f"right {right:3} missed {missed:3} wrong {wrong:3}   log loss {loss:.3f}"


def main() -> int:
    """Measure, fit and print."""
    checkpoint = ModelRegistry().path("vit_t")
    if checkpoint is None or not data_sets.SHARED_DATA.is_dir():
        print(f"Needs the model vit_t and the movies in {data_sets.SHARED_DATA}.", file=sys.stderr)
        return 2
    model = open_model(checkpoint, paths.cache_dir() / "benchmarks", None)
    found: dict[str, list[Example]] = {"dividing": [], "parted": []}
    for name in data_sets.LINKED:
        for sum_name, example in examples(model, Movie.load(data_sets.SHARED_DATA, name)):
            found[sum_name].append(example)
    for sum_name, some in found.items():
        report(sum_name, some)
    return 0


if __name__ == "__main__":
    sys.exit(main())
