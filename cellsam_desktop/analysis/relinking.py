"""Linking part of a movie anew: which mask belongs to which cell from some frame on.

Cells that are known before that frame keep their identities as far as linking carries them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cellsam_desktop.analysis.linking import Frames, Links, Options, ReadPlane, link
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.progress import Report

Key = tuple[int, int]
"""Frame and cell: where a mask is now."""
Tracks = Mapping[int, Mapping[int, Mapping[int, Mask]]]
"""Masks by cell, then frame, then z."""

NEAR = 1.5
"""Cells this close, in cell sizes, are neighbours."""


@dataclass(frozen=True)
class Relinked:
    """``cell_of`` gives masks their cells; ids from ``next_id`` on are new. ``divisions`` are those found."""

    cell_of: dict[Key, int]
    divisions: list[tuple[int, tuple[int, int]]]


def relink(
    tracks: Tracks,
    frames: range,
    next_id: int,
    *,
    read: ReadPlane | None = None,
    options: Options | None = None,
    progress: Report | None = None,
) -> Relinked:
    """Link the masks of these cells on ``frames``; with each goes the last mask that it has before.

    What a cell has after ``frames`` follows its last mask within, if that is the last of its new identity.
    """
    window = _window(tracks, frames)
    links = link(window, read, options, progress)
    chosen = _identities(links, tracks, frames, next_id, (options or Options()).max_gap)
    cell_of = {key: chosen[track] for key, track in links.track_of.items() if key[0] in frames}
    divisions = [(chosen[mother], (chosen[one], chosen[other])) for mother, (one, other) in links.divisions]
    later = max([next_id - 1, *chosen.values()]) + 1
    cell_of |= _tails(tracks, frames, cell_of, later)
    return Relinked(cell_of, divisions)


def neighbours(tracks: Tracks, cells: Collection[int], frames: range, size: float) -> set[int]:
    """These cells, and those that come near one of them on the frames or one frame before or after.

    Cells whose identities were mixed up are in each other's places on neighbouring frames.
    """
    found = set(cells)
    for t in frames:
        here = [mask for cell in cells for mask in tracks.get(cell, {}).get(t, {}).values()]
        for cell in tracks.keys() - found:
            around = [mask for n in (t - 1, t, t + 1) for mask in tracks[cell].get(n, {}).values()]
            if any(_near(one, other, NEAR * size) for one in around for other in here):
                found.add(cell)
    return found


def _near(one: Mask, other: Mask, distance: float) -> bool:
    """Whether the boxes are at most so far apart."""
    a, b = one.region, other.region
    across = max(a.x0 - b.x1, b.x0 - a.x1, 0)
    down = max(a.y0 - b.y1, b.y0 - a.y1, 0)
    return across * across + down * down <= distance * distance


def _window(tracks: Tracks, frames: range) -> Frames:
    """Masks on the frames, labelled by cell, and each cell's last one before them."""
    window: dict[int, dict[int, Mapping[int, Mask]]] = {}
    for cell, track in tracks.items():
        earlier = [t for t in track if t < frames.start]
        for t in [*([max(earlier)] if earlier else []), *(t for t in track if t in frames)]:
            window.setdefault(t, {})[cell] = track[t]
    return window


def _carried_on(links: Links, frames: range) -> set[int]:
    """The cells from before that have masks on the frames by linking."""
    seen = {track for (t, _), track in links.track_of.items() if t in frames}
    return {cell for (t, cell), track in links.track_of.items() if t < frames.start and track in seen}


def _identities(links: Links, tracks: Tracks, frames: range, next_id: int, max_gap: int) -> dict[int, int]:
    """The cell of each new track: the one known before, else the free one that it shares most masks with."""
    chosen = {track: cell for (t, cell), track in sorted(links.track_of.items()) if t < frames.start}
    # A cell that lived before the frames is that cell alone, unless it was gone for so long that linking
    # cannot tell.
    gone = frames.start - max_gap - 1
    free = {
        cell
        for cell, track in tracks.items()
        if not any(gone <= t < frames.start for t in track) and cell not in _carried_on(links, frames)
    }
    shared = Counter((track, cell) for (t, cell), track in links.track_of.items() if t in frames)
    for (track, cell), _ in sorted(shared.items(), key=lambda entry: (-entry[1], entry[0])):
        if track not in chosen and cell in free:
            chosen[track] = cell
            free.discard(cell)
    for track in sorted(set(links.track_of.values()) - chosen.keys()):
        chosen[track], next_id = next_id, next_id + 1
    return chosen


def _tails(tracks: Tracks, frames: range, cell_of: Mapping[Key, int], next_id: int) -> dict[Key, int]:
    last: dict[int, Key] = {}
    ends: dict[int, Key] = {}
    for key, cell in sorted(cell_of.items()):
        ends[cell] = last[key[1]] = key
    tails: dict[Key, int] = {}
    for cell, track in sorted(tracks.items()):
        after = [t for t in track if t >= frames.stop]
        if not after or cell not in last:
            continue
        new = cell_of[last[cell]]
        if ends[new] != last[cell]:
            new, next_id = next_id, next_id + 1
        tails |= {(t, cell): new for t in after}
    return tails
