"""Which frames are learned from, which choose the best weights, and which judge.

Data sets are split one by one: by movie where there are three, otherwise by blocks of time (or depth) within
each movie, otherwise, where there are too few frames, by the sides of the image. Frames beside each other
show the same cells twice and are never in different parts: docs/decisions/0230-splits.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from training.blocks import Parts, by_blocks, by_halves, by_movies, count, is_even
from training.frames import DataError, Frame, single_planes
from training.series import places_of

Notice = Callable[[str], None]
_Place = tuple[Hashable, int, int]

_FEW = 10
"""Fewer cells than this judge poorly."""


@dataclass(frozen=True, eq=False)
class Split:
    """``validate`` chooses the best weights, ``test`` judges adoption.

    With too little data for three parts they are the same frames; ``notes`` say so, one sentence each.
    """

    train: tuple[Frame, ...]
    validate: tuple[Frame, ...]
    test: tuple[Frame, ...]
    seed: int
    notes: tuple[str, ...] = ()

    def summary(self) -> dict[str, Any]:
        """Plain data: which frames and how many cells each part has, by data set, and the notes."""
        parts = {"train": self.train, "validate": self.validate, "test": self.test}
        names = dict.fromkeys(frame.data_set for frames in parts.values() for frame in frames)
        sets = {name: {part: _summary(frames, name) for part, frames in parts.items()} for name in names}
        return {"seed": self.seed, "notes": list(self.notes), "data_sets": sets}


def split(frames: Sequence[Frame], seed: int, held_out: Sequence[Frame] | None = None) -> Split:
    """Three parts that never hold neighbouring frames; the same for the same frames and seed.

    ``held_out`` are frames from elsewhere that judge; then ``frames`` are learned from and validated on only.

    Raises:
        DataError: there are too few cells to hold any out, or a frame of ``held_out`` is also learned from.
    """
    sets: defaultdict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        sets[frame.data_set].append(frame)
    notes: list[str] = []
    wanted = 3 if held_out is None else 2
    found = (_split_set(name, some, wanted, seed, notes.append) for name, some in sorted(sets.items()))
    parts = reduce(add, found, Parts())
    if not parts.validate:
        raise DataError("There are too few cells to hold any out: curate a few more, ten at least.")
    test = parts.test if held_out is None else held_out
    _compare_places([*parts.train, *parts.validate], test, held_out is not None, notes.append)
    judging = sum(len(frame.cells) for frame in test)
    if judging < _FEW:
        notes.append(f"Only {judging} {'cell judges' if judging == 1 else 'cells judge'}: that says little.")
    return Split(tuple(parts.train), tuple(parts.validate), tuple(test), seed, tuple(notes))


def _compare_places(teach: Sequence[Frame], judge: Sequence[Frame], apart: bool, note: Notice) -> None:
    """Mention frames that judge and, in other data, teach or lie beside frames that teach.

    Raises:
        DataError: one does both, although what judges was named ``apart`` from what teaches.
    """
    places = _places([*teach, *judge])
    taught: defaultdict[_Place, set[str]] = defaultdict(set)
    for frame, place in zip(teach, places, strict=False):
        taught[place].add(frame.data_set)
    near = 0
    for frame, (file, t, z) in zip(judge, places[len(teach) :], strict=True):
        if apart and (file, t, z) in taught:
            name = frame.source.path.name
            raise DataError(f"{name} is to teach and to judge ({frame.name}): choose other frames for one.")
        own = set() if apart else {frame.data_set}
        near += any(taught.get((file, t + step, z), own) - own for step in (-1, 0, 1))
    if near:
        note(
            f"{near} of the frames that judge also teach, or lie beside frames that do: the numbers flatter."
        )


def _places(frames: Sequence[Frame]) -> list[_Place]:
    """The movie or series of files that each frame is in, and where in time and depth."""
    series = places_of(single_planes(frames))
    places: list[_Place] = []
    for frame in frames:
        path, at = frame.source.path, series.get(frame.source.path)
        if at is None:
            places.append((path.resolve(), frame.source_t, frame.z))
        else:
            places.append(((path.parent.resolve(), at.series), at.number, frame.z))
    return places


def _split_set(name: str, frames: list[Frame], wanted: int, seed: int, note: Notice) -> Parts:
    random = np.random.default_rng([seed, *name.encode()])
    by_name: defaultdict[str, list[Frame]] = defaultdict(list)
    for frame in sorted(frames, key=lambda frame: (frame.t, frame.z)):
        by_name[frame.movie].append(frame)
    movies = [by_name[movie] for movie in sorted(by_name)]
    parts = None
    if len(movies) < 3 or not is_even(movies):
        parts = _within(movies, wanted, random)
    if parts is None and len(movies) > 1:
        parts = by_movies(movies, wanted, random)
    if parts is None:
        return _by_halves(name, movies[0], random, note)
    if wanted == 3 and parts.two:
        note(f"{name} has too few frames for three parts: what judges has chosen the best weights as well.")
    return parts


def _by_halves(name: str, frames: list[Frame], random: np.random.Generator, note: Notice) -> Parts:
    parts = by_halves(frames, random)
    if parts.validate:
        note(f"{name} has too few frames to hold any out: one side of the image judges, the other teaches.")
    else:
        note(f"{name} has too few cells to hold any out: nothing of it judges.")
    return parts


def _within(movies: list[list[Frame]], wanted: int, random: np.random.Generator) -> Parts | None:
    """Each movie in blocks of time; one that is too short is learned from. None if all of them are.

    Where others judge, one movie gives those that choose the best weights, the one with most cells.
    """
    blocks = [by_blocks(movie, wanted, random) for movie in movies]
    if not any(blocks):
        return None
    if wanted == 2:
        cells = [count(movie) if parts else 0 for movie, parts in zip(movies, blocks, strict=True)]
        largest = cells.index(max(cells))
        blocks = [parts if number == largest else None for number, parts in enumerate(blocks)]
    return reduce(add, (parts or Parts(movie) for parts, movie in zip(blocks, movies, strict=True)))


def _summary(frames: Sequence[Frame], data_set: str) -> dict[str, Any]:
    own = [frame for frame in frames if frame.data_set == data_set]
    cells, complete = sum(len(frame.cells) for frame in own), sum(frame.complete for frame in own)
    return {"frames": [frame.name for frame in own], "cells": cells, "complete": complete}
