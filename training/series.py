"""Which files of a folder are neighbours in time or depth, told from the numbers in their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Place:
    """The series that a file belongs to, and its number in it."""

    series: str
    number: int


def series_of(stems: Sequence[str], kinds: Sequence[Hashable]) -> list[Place | None]:
    """For each name the series of consecutive numbers it is in, None for one without a neighbour.

    The number is the last one that varies among the names of the same pattern. Only files of the same
    ``kind`` (their size) belong together. ``t07``, ``t08`` and ``t10`` are one series of two, and one alone:
    what is two apart is no neighbour.
    """
    patterns: defaultdict[Hashable, list[int]] = defaultdict(list)
    parts = [_NUMBER.split(stem) for stem in stems]
    for place, (own, kind) in enumerate(zip(parts, kinds, strict=True)):
        patterns[tuple(own[0::2]), kind].append(place)
    found: list[Place | None] = [None] * len(stems)
    for places in patterns.values():
        for run in _runs(places, parts):
            series = f"{stems[run[0][1]]} to {stems[run[-1][1]]}"
            for number, place in run:
                found[place] = Place(series, number)
    return found


def places_of(files: Mapping[Path, Hashable]) -> dict[Path, Place]:
    """The place of each file that is in a series; files of one folder and one kind belong together."""
    kinds = [(file.parent, kind) for file, kind in files.items()]
    found = series_of([file.stem for file in files], kinds)
    return {file: place for file, place in zip(files, found, strict=True) if place is not None}


def _runs(places: list[int], parts: list[list[str]]) -> list[list[tuple[int, int]]]:
    """Runs of at least two consecutive numbers, as (number, place), among names of one pattern."""
    varying = [n for n in range(1, len(parts[places[0]]), 2) if len({parts[p][n] for p in places}) > 1]
    if not varying:
        return []
    last = varying[-1]
    families: defaultdict[Hashable, list[tuple[int, int]]] = defaultdict(list)
    for place in places:
        own = parts[place]
        families[tuple(own[:last] + own[last + 1 :])].append((int(own[last]), place))
    runs: list[list[tuple[int, int]]] = []
    for family in families.values():
        previous = None
        for number, place in sorted(family):
            if previous is None or number - previous > 1:
                runs.append([])
            runs[-1].append((number, place))
            previous = number
    return [run for run in runs if len(run) > 1]
