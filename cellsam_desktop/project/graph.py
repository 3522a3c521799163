"""Tracks as a graph, as GEFF and TrackMate have them: a spot per mask, an edge from each spot to the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.project.importers.tracks import LARGEST_ID, Tracks, settle

Edge = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Spot:
    """One mask. ``cell`` is the id of its cell, None in files that only have edges."""

    key: PlaneKey
    mask: Mask
    cell: int | None = None
    name: str = ""


def spots_of(document: Document) -> tuple[list[Spot], list[Edge]]:
    """All masks by cell, time and z, and the edges between them by number.

    Edges follow each cell through time, also over gaps, and lead from a mother's last spot to her daughters'
    first. On a frame with several z positions they pass through the largest mask; its other masks
    belong to the cell by its id alone.
    """
    spots: list[Spot] = []
    edges: list[Edge] = []
    ends: dict[int, Edge] = {}
    for cell_id in document.cell_ids:
        track, name = document.track(cell_id), document.cell(cell_id).name
        largest: dict[int, int] = {}
        for key in sorted(track):
            here = largest.get(key.t)
            if here is None or track[key].mask.area > spots[here].mask.area:
                largest[key.t] = len(spots)
            spots.append(Spot(key, track[key].mask, cell_id, name))
        way = list(largest.values())
        edges += pairwise(way)
        if way:
            ends[cell_id] = way[0], way[-1]
    for mother, daughters in document.lineage.divisions():
        if mother in ends:
            edges += [(ends[mother][1], ends[daughter][0]) for daughter in daughters if daughter in ends]
    return spots, edges


def tracks_of(spots: Sequence[Spot], edges: Iterable[Edge], notes: Iterable[str] = ()) -> Tracks:
    """Cells from a graph; ids are kept where every spot has one, otherwise counted by first appearance.

    Edges may be given in either direction, earlier spots come before later ones. Where two spots lead to
    one, the nearer in time counts.
    """
    directed = sorted(
        {_forward(spots, i, j) for i, j in edges if spots[i].key.t != spots[j].key.t},
        key=lambda edge: (spots[edge[1]].key.t - spots[edge[0]].key.t, edge),
    )
    before: dict[int, int] = {}
    for i, j in directed:
        before.setdefault(j, i)
    merged = len(directed) - len(before)
    known = _cells_given(spots) or _cells_followed(spots, before)
    masks: dict[int, dict[PlaneKey, Mask]] = {}
    names: dict[int, str] = {}
    for spot, cell in zip(spots, known, strict=True):
        masks.setdefault(cell, {})[spot.key] = spot.mask
        names.setdefault(cell, spot.name)
    parents = [(known[j], known[i]) for j, i in before.items() if known[i] != known[j]]
    every = list(notes)
    if merged:
        every.append(f"{merged} edges were left out, because cells do not merge.")
    return settle({cell: masks[cell] for cell in sorted(masks)}, parents, names, every)


def _forward(spots: Sequence[Spot], i: int, j: int) -> Edge:
    return (i, j) if spots[i].key.t < spots[j].key.t else (j, i)


def _cells_given(spots: Sequence[Spot]) -> list[int] | None:
    """The ids in the file, if each spot has one and no cell has two masks on a plane."""
    cells = [spot.cell for spot in spots if spot.cell is not None and 0 < spot.cell <= LARGEST_ID]
    places = {(cell, spot.key) for cell, spot in zip(cells, spots, strict=False)}
    return cells if len(places) == len(spots) else None


def _cells_followed(spots: Sequence[Spot], before: dict[int, int]) -> list[int]:
    """A cell goes on while one spot leads to one spot."""
    following: dict[int, list[int]] = {}
    for j, i in before.items():
        following.setdefault(i, []).append(j)
    cells = [0] * len(spots)
    counted = 0
    for number in sorted(range(len(spots)), key=lambda n: (spots[n].key.t, n)):
        if number in before and len(following[before[number]]) == 1:
            cells[number] = cells[before[number]]
        else:
            counted += 1
            cells[number] = counted
    return cells
