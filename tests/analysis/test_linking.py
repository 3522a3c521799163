from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellsam_desktop.analysis.assignment import assign
from cellsam_desktop.analysis.linking import Frames, Links, Options, link
from cellsam_desktop.core.errors import Cancelled
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.project.ctc_table import read_table
from cellsam_desktop.project.importers.labels import masks_of

Key = tuple[int, int]
Edges = set[tuple[Key, Key]]
NUCLEI_DIVISIONS = {6: (16, 17), 7: (20, 21), 8: (22, 23), 12: (26, 27), 13: (24, 25), 14: (18, 19)}
"""By the places of the six mothers that end and the twelve daughters that appear."""


def disc(x: float, y: float, radius: float) -> Mask:
    size = int(2 * radius + 3)
    y0, x0 = int(y) - size // 2, int(x) - size // 2
    rows, columns = np.mgrid[y0 : y0 + size, x0 : x0 + size]
    mask = Mask.from_array((rows - y) ** 2 + (columns - x) ** 2 <= radius**2, y0, x0)
    assert mask is not None
    return mask


def movie(paths: dict[int, dict[int, tuple[float, float, float]]]) -> tuple[Frames, dict[Key, int]]:
    """Discs (x, y, radius) by cell and frame, their labels shuffled on each frame; and the cell of each."""
    rng = np.random.default_rng(3)
    frames: dict[int, dict[int, dict[int, Mask]]] = {}
    cells: dict[Key, int] = {}
    for t in sorted({t for path in paths.values() for t in path}):
        here = [cell for cell, path in paths.items() if t in path]
        labels = (rng.permutation(len(here)) + 1).tolist()
        frames[t] = {n: {0: disc(*paths[cell][t])} for n, cell in zip(labels, here, strict=True)}
        cells |= {(t, n): cell for n, cell in zip(labels, here, strict=True)}
    return frames, cells


def same_tracks(links: Links, cells: dict[Key, int]) -> dict[int, int]:
    """The cell of each track, once it is sure that every track is one cell and every cell one track."""
    pairs = {(track, cells[key]) for key, track in links.track_of.items()}
    assert links.track_of.keys() == cells.keys()
    assert len(pairs) == len({track for track, _ in pairs}) == len({cell for _, cell in pairs})
    return dict(pairs)


def steady(x: float, y: float, dx: float, frames: range, radius: float = 8) -> dict:
    return {t: (x + dx * t, y, radius) for t in frames}


def test_cells_that_move_keep_their_tracks():
    frames, cells = movie(
        {1: steady(20, 20, 5, range(8)), 2: steady(40, 42, -4, range(8)), 3: steady(90, 60, 0, range(8))}
    )
    links = link(frames)
    same_tracks(links, cells)
    assert links.divisions == []


def test_a_mother_ends_where_her_daughters_begin():
    paths = {
        1: steady(50, 50, 0, range(4), 12),
        2: {t: (42.0 - t, 50.0, 8.0) for t in range(4, 8)},
        3: {t: (58.0 + t, 50.0, 8.0) for t in range(4, 8)},
        4: steady(100, 50, 0, range(8), 10),
    }
    frames, cells = movie(paths)
    links = link(frames)
    cell_of = same_tracks(links, cells)
    [(mother, daughters)] = links.divisions
    assert cell_of[mother] == 1
    assert {cell_of[daughter] for daughter in daughters} == {2, 3}


def test_a_cell_that_appears_beside_another_is_no_daughter():
    frames, cells = movie({1: steady(30, 30, 0, range(6), 10), 2: steady(52, 30, 0, range(3, 6), 10)})
    links = link(frames)
    same_tracks(links, cells)
    assert links.divisions == []


@pytest.mark.parametrize(("missing", "joined"), [((3,), True), ((3, 4), True), ((2, 3, 4), False)])
def test_gaps_are_closed_up_to_a_length(missing, joined):
    path = {t: place for t, place in steady(20, 20, 6, range(9)).items() if t not in missing}
    frames, cells = movie({1: path, 2: steady(20, 70, 6, range(9))})
    links = link(frames, options=Options(max_gap=2))
    assert len(set(links.track_of.values())) == (2 if joined else 3)
    assert links.track_of.keys() == cells.keys()


def test_a_stage_that_jumps_does_not_mix_up_a_colony():
    places = [(20, 40), (38, 40), (56, 40), (29, 55), (47, 55)]
    paths = {
        n: {t: (x, y + (18 if t > 2 else 0), 7) for t in range(6)} for n, (x, y) in enumerate(places, start=1)
    }
    same_tracks(link(movie(paths)[0]), movie(paths)[1])


def test_without_divisions_the_nearer_daughter_goes_on():
    paths = {
        1: steady(50, 50, 0, range(3), 12),
        2: steady(42, 50, 0, range(3, 6)),
        3: steady(58, 50, 0, range(3, 6)),
    }
    links = link(movie(paths)[0], options=Options(divisions=False))
    assert links.divisions == []
    assert len(set(links.track_of.values())) == 2


def test_brightness_tells_apart_what_shape_cannot():
    paths = {1: steady(30, 30, 0, range(2)), 2: steady(52, 30, 0, range(2))}
    paths[1][1], paths[2][1] = (41, 40, 8), (41, 20, 8)
    frames, cells = movie(paths)

    def read(t: int, z: int) -> np.ndarray:
        plane = np.full((80, 100), 10.0)
        for label, masks in frames[t].items():
            plane[masks[z].region.slices][masks[z].bits] = 100.0 * cells[t, label]
        return plane

    same_tracks(link(frames, read), cells)


def test_masks_on_several_z_positions_are_one_cell():
    frames, cells = movie({1: steady(30, 30, 4, range(4)), 2: steady(60, 30, 4, range(4))})
    thick = {
        t: {n: dict.fromkeys((4, 5), masks[0]) for n, masks in labels.items()} for t, labels in frames.items()
    }
    same_tracks(link(thick, options=Options(z_step=3.0)), cells)


def test_nothing_to_link_gives_nothing():
    assert link({}) == Links({}, [])
    assert link({3: {}}) == Links({}, [])
    assert link({3: {5: {0: disc(9, 9, 3)}}}) == Links({(3, 5): 1}, [])


def test_it_can_be_stopped():
    def stop(fraction: float) -> None:
        raise Cancelled("Linking was cancelled.")

    with pytest.raises(Cancelled):
        link(movie({1: steady(20, 20, 5, range(8))})[0], progress=stop)


def test_the_assignment_is_the_cheapest():
    rng = np.random.default_rng(0)
    for _ in range(20):
        links = {(i, j): rng.uniform(0, 1.8) for i in range(3) for j in range(4)}
        splits = {(i, 0, 3): rng.uniform(0.5, 2.0) for i in range(3)}
        answer = assign(links, splits, 0.9)
        best = min(cost for _, cost in _choices([*links.items(), *splits.items()], 0.9))
        assert answer.cost == pytest.approx(best)


def _choices(events: list, alone: float, taken: tuple = ()) -> Iterator[tuple[tuple, float]]:
    yield taken, 0.0
    for number, (event, cost) in enumerate(events):
        used = {("i", event[0]), *(("j", j) for j in event[1:])}
        rest = [e for e in events[number + 1 :] if not used & {("i", e[0][0]), *(("j", j) for j in e[0][1:])}]
        for chosen, more in _choices(rest, alone, (*taken, event)):
            yield chosen, more + cost - alone * len(event)


def _shuffled(labels: np.ndarray, seed: int) -> tuple[Frames, dict[Key, int]]:
    rng = np.random.default_rng(seed)
    frames: dict[int, dict[int, dict[int, Mask]]] = {}
    cells: dict[Key, int] = {}
    for t, plane in enumerate(labels):
        masks = list(masks_of(plane, Path("labels.tif")))
        numbers = (rng.permutation(len(masks)) + 1).tolist()
        frames[t] = {n: {0: mask} for n, (_, mask) in zip(numbers, masks, strict=True)}
        cells |= {(t, n): cell for n, (cell, _) in zip(numbers, masks, strict=True)}
    return frames, cells


def _edges(track_of: dict[Key, int], divisions: list) -> tuple[Edges, set]:
    tracks: dict[int, list[Key]] = {}
    for key in sorted(track_of):
        tracks.setdefault(track_of[key], []).append(key)
    links = {pair for keys in tracks.values() for pair in pairwise(keys)}
    splits = {(tracks[m][-1], frozenset(tracks[d][0] for d in daughters)) for m, daughters in divisions}
    return links, splits


@pytest.mark.parametrize("step", [1, 2])
def test_real_bacteria_are_linked(bacteria_movie, bacteria_divisions, step):
    frames, cells = _shuffled(tifffile.imread(bacteria_movie.labels)[::step], seed=5)
    pixels = tifffile.imread(bacteria_movie.image)[::step]
    mothers: dict[int, list[int]] = {}
    for row in read_table(bacteria_divisions):
        if row.parent in cells.values() and row.label in cells.values():
            mothers.setdefault(row.parent, []).append(row.label)
    truth = _edges(cells, [(m, d) for m, d in mothers.items() if len(d) == 2])
    links = link(frames, lambda t, z: pixels[t])
    assert _edges(links.track_of, links.divisions) == truth


def test_simulated_nuclei_are_linked(nuclei_movie):
    frames, cells = _shuffled(tifffile.imread(nuclei_movie.labels), seed=6)
    links = link(frames)
    assert _edges(links.track_of, links.divisions) == _edges(cells, list(NUCLEI_DIVISIONS.items()))
