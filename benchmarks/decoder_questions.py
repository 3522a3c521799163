"""Real questions to a decoder: cells of the data sets, prompted as a curator would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import data_sets
from benchmarks.prompts import interior_point, tight_box
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Point, Prompts
from cellsam_desktop.sam.decoder import OnnxDecoder, PreparedImage
from cellsam_desktop.sam.encoder import Encoder
from cellsam_desktop.sam.postprocess import logits_to_mask
from cellsam_desktop.sam.transforms import InputGeometry

KINDS = ("point", "box", "point and box", "refinement")
Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Look:
    """One image and what was made of it."""

    data_set: str
    image: NDArray[np.uint8]
    geometry: InputGeometry
    embedding: Array
    prepared: PreparedImage
    truth: list[Mask]


@dataclass(frozen=True, eq=False)
class Question:
    """Prompts on an image; a refinement has the logits of the answer to be refined."""

    kind: str
    prompts: Prompts
    hint: Array | None = None


def looks(data: Path, encoder: Encoder, decoder: OnnxDecoder, images: int, cells: int) -> Iterator[Look]:
    """``images`` of each data set, with at most so many cells each."""
    for name in data_sets.NAMES:
        for sample in data_sets.samples(data, name, images, cells):
            embedding = encoder.encode(sample.image)
            geometry = InputGeometry(Region.whole(*sample.image.shape[:2]))
            prepared = decoder.prepare(embedding)
            yield Look(name, sample.image, geometry, embedding, prepared, sample.truth)


def questions(look: Look, decoder: OnnxDecoder, count: int) -> list[Question]:
    """``count`` questions, of each kind as many."""
    pairs = [(cell, kind) for kind, cell in product(KINDS, look.truth)]
    chosen = [pairs[number * len(pairs) // count % len(pairs)] for number in range(count)]
    return [_question(look, decoder, cell, kind) for cell, kind in chosen]


def _question(look: Look, decoder: OnnxDecoder, cell: Mask, kind: str) -> Question:
    point, box = interior_point(cell), tight_box(cell)
    if kind == "point":
        return Question(kind, point)
    if kind == "box":
        return Question(kind, box)
    if kind == "point and box":
        return Question(kind, replace(box, points=point.points))
    best = decoder.decode(look.prepared, look.geometry, point).candidates[0]
    return Question(kind, point.with_point(_correction(look, best.logits, cell)), best.logits)


def _correction(look: Look, logits: Array, cell: Mask) -> Point:
    """A click in the middle of what is missing, or of what is too much, whichever is more."""
    height, width = look.image.shape[:2]
    true, found = cell.to_plane(height, width), np.zeros((height, width), dtype=bool)
    mask = logits_to_mask(logits, look.geometry)
    if mask is not None:
        found = mask.to_plane(height, width)
    missing, extra = true & ~found, found & ~true
    positive = int(missing.sum()) >= int(extra.sum())
    wrong = Mask.from_array(missing if positive else extra)
    middle = interior_point(wrong or cell).points[0]
    return replace(middle, positive=positive)
