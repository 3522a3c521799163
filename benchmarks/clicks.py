"""Prompts for a true cell, and what accepted cells would teach about it: for benchmarks and for fitting."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from benchmarks import data_sets
from benchmarks.data_sets import Sample
from cellsam_desktop.analysis.knowledge import Knowledge, facts_of
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Box, Point, Prompts

ACCEPTED = 3
_SAME_CELL = 0.1  # masks of two frames that overlap more may show one cell


def interior_point(mask: Mask) -> Prompts:
    """One click where the mask is thickest."""
    depth = _depth(mask)
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return Prompts((Point(float(x) + mask.x0, float(y) + mask.y0),))


def careless_point(mask: Mask, rng: np.random.Generator) -> Prompts:
    """One click anywhere but close to the outline: as a hand points that does not aim for the middle."""
    depth = _depth(mask)
    rows, columns = np.nonzero(depth >= 0.4 * depth.max())
    chosen = int(rng.integers(rows.size))
    return Prompts((Point(float(columns[chosen]) + mask.x0, float(rows[chosen]) + mask.y0),))


def tight_box(mask: Mask) -> Prompts:
    """The box from the first to the last pixel of the mask."""
    region = mask.region
    return Prompts(box=Box(region.x0, region.y0, region.x1 - 1, region.y1 - 1))


@dataclass(frozen=True, eq=False)
class Target:
    """A cell to click on: its true mask on one image of a data set.

    ``others`` are cells of the same image or movie; ``previous`` is the cell's own mask in the frame before,
    where cells keep their ids.
    """

    data_set: str
    sample: Sample
    truth: Mask
    others: Sequence[tuple[Sample, Mask]]
    previous: Mask | None = None

    def random(self, seed: int) -> np.random.Generator:
        """Chance that is the same in every run, and another for every cell."""
        name = f"{self.data_set} {self.sample.name} {self.truth.y0} {self.truth.x0}"
        return np.random.default_rng([seed, zlib.crc32(name.encode())])

    def knowledge(self, seed: int, accepted: int = ACCEPTED) -> Knowledge:
        """What some other cells of the image, or of the movie, teach; they are true masks."""
        order = self.random(seed).permutation(len(self.others))[:accepted]
        chosen = [self.others[number] for number in order]
        taken = [mask for sample, mask in chosen if sample is self.sample]
        return Knowledge([facts_of(mask) for _, mask in chosen], taken)


def targets(data: Path, name: str, images: int | None, cells: int | None) -> Iterator[Target]:
    """Cells of a data set: at most ``images`` images and ``cells`` of each, evenly spread."""
    samples = list(data_sets.samples(data, name, images))
    for position, sample in enumerate(samples):
        before = samples[position - 1] if position and name in data_sets.LINKED else None
        for number in data_sets.spread(len(sample.truth), cells):
            shown = samples if name in data_sets.MOVIES else [sample]
            others = list(_others(name, shown, sample, number))
            yield Target(name, sample, sample.truth[number], others, _own(before, sample.ids[number]))


def _own(sample: Sample | None, cell_id: int) -> Mask | None:
    if sample is None or cell_id not in sample.ids:
        return None
    return sample.truth[sample.ids.index(cell_id)]


def _others(name: str, shown: Sequence[Sample], own: Sample, number: int) -> Iterator[tuple[Sample, Mask]]:
    """Other cells of an image or movie; never the same cell at another time."""
    truth, cell_id = own.truth[number], own.ids[number]
    for sample in shown:
        for other_id, mask in zip(sample.ids, sample.truth, strict=True):
            same = other_id == cell_id and (sample is own or name in data_sets.LINKED)
            if not same and (sample is own or mask.iou(truth) < _SAME_CELL):
                yield sample, mask


def _depth(mask: Mask) -> np.ndarray:
    """The distance of each pixel of the box from the outline, the image's border counted as one."""
    return np.asarray(ndimage.distance_transform_edt(np.pad(mask.bits, 1))[1:-1, 1:-1])
