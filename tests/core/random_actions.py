"""Random small lineages, and whatever a curator might do to them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np

from cellsam_desktop.core import track_edits
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import (
    AddCell,
    AddDivision,
    AddTrack,
    ChangeCell,
    Edit,
    MarkComplete,
    MarkSeen,
    RemoveDivision,
    SetMask,
)
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.core.shapes import cut_by_line, cut_by_spots

FRAMES, DEPTH = 6, 2
SOURCES = (Source.PROPAGATED, Source.PROPAGATED, Source.CLICK)
RECORDS = [
    MaskRecord(Mask(y, x, np.ones((2, 3), np.bool_)), source, 0.5)
    for y, x in ((0, 0), (1, 1), (5, 4))
    for source in SOURCES
]


def founding(random: Random) -> list[Edit]:
    """A few cells, of which the first two divide; some have gaps, some two z positions, one no masks."""
    births = {1: (0, 2), 2: (2, 4), 3: (2, FRAMES), 4: (4, FRAMES), 5: (4, FRAMES), 6: (0, FRAMES)}
    edits: list[Edit] = [AddTrack(Cell(i), _track(random, *span)) for i, span in births.items()]
    return [*edits, AddCell(Cell(7, "empty")), AddDivision(1, (2, 3)), AddDivision(2, (4, 5))]


def action(random: Random, document: Document) -> list[Edit]:
    """The edits of something a curator does, mostly to cells that exist; may raise ``EditRefused``."""
    kind, force = random.randrange(20), random.random() < 0.5
    if kind < 12:
        return forceable(random, document)(force)
    [a, b], key = _cells(random, document, 2), _key(random)
    t = key.t
    match kind:
        case 12:
            return track_edits.unlink_here(document, {a, b} if force else {a}, t)
        case 13:
            return _split(random, document, a, key)
        case 14:
            return track_edits.extend_into_gap(document, {a, b}, None if force else t)
        case 15:
            return track_edits.delete_here(document, {a, b}, key)
        case 16:
            return track_edits.delete_from_here(document, {a, b}, t)
        case 17:
            return relabelling(random, document)
        case 18:
            return attributes(random, document, a)
        case _:
            return [SetMask(a, key, random.choice(RECORDS), force)]


def forceable(random: Random, document: Document) -> Callable[[bool], list[Edit]]:
    """One of the actions that can be forced, which takes whether it is."""
    [a, b, c], key = _cells(random, document, 3), _key(random)
    mother = random.choice([mother for mother, _ in document.lineage.divisions()] or [a])
    several = random.choice([(a, b), (a, b, c)])
    instead = random.choice([None, {key: RECORDS[0]}])
    match random.randrange(12):
        case 0 | 1 | 2:
            return lambda force: track_edits.divide(document, a, (b, c), force=force)
        case 3 | 4:
            return lambda force: track_edits.divide_here(document, a, b, key.t, force=force)
        case 5 | 6:
            return lambda force: track_edits.refuse_division(document, mother, instead=instead, force=force)
        case 7 | 8:
            return lambda force: track_edits.link(document, a, b, force=force)
        case 9:
            return lambda force: track_edits.merge_tracks(document, several, force=force)
        case _:
            return lambda force: track_edits.swap_from_here(document, a, b, key.t, force=force)


def relabelling(random: Random, document: Document) -> list[Edit]:
    """As from linking: masks of some cells from a frame on change places, or become new cells."""
    chosen = random.sample(document.cell_ids, min(3, len(document)))
    new_ids = [*chosen[1:], random.choice([document.next_id, *chosen[:1]])]
    start, stop = sorted(random.sample(range(FRAMES + 1), 2))
    cells = {
        (cell_id, key): new_id
        for cell_id, new_id in zip(chosen, new_ids[: len(chosen)], strict=True)
        for key in document.track(cell_id)
        if start <= key.t < stop
    }
    divisions = [(chosen[0], (chosen[1], chosen[2]))] if len(chosen) == 3 and random.random() < 0.3 else []
    frames = random.choice([None, range(start, stop)])
    return track_edits.relabel(document, cells, divisions, frames=frames)


def attributes(random: Random, document: Document, cell_id: int) -> list[Edit]:
    keys = frozenset(key for key in document.track(cell_id) if random.random() < 0.5)
    return random.choice(
        [
            track_edits.rename(document, cell_id, random.choice([" AB", "P1 ", ""])),
            [ChangeCell(Cell(cell_id, locked=random.random() < 0.3))],
            [MarkSeen(cell_id, keys, random.random() < 0.7)],
            [MarkComplete(keys | {_key(random)}, random.random() < 0.7)],
            [RemoveDivision(mother) for mother, _ in list(document.lineage.divisions())[:1]],
        ]
    )


def _split(random: Random, document: Document, cell_id: int, key: PlaneKey) -> list[Edit]:
    record = document.record(cell_id, key)
    ends = [(random.uniform(0, 6), random.uniform(0, 6)) for _ in range(2)]
    cut = random.choice([cut_by_line, cut_by_spots])
    return track_edits.split_mask(document, cell_id, key, record and cut(record.mask, *ends))


def _track(random: Random, begin: int, end: int) -> dict[PlaneKey, MaskRecord]:
    places = [PlaneKey(t, z) for t in range(begin, end) for z in range(DEPTH)]
    kept = [key for key in places if random.random() < (0.85 if key.z == 0 else 0.1)]
    return {key: random.choice(RECORDS) for key in kept or places[:1]}


def _cells(random: Random, document: Document, count: int) -> list[int]:
    """Different cells, mostly; now and then one twice, or one that is not there."""
    if random.random() < 0.02 or len(document) < count:
        return [random.randrange(1, document.next_id + 1) for _ in range(count)]
    return random.sample(document.cell_ids, count)


def _key(random: Random) -> PlaneKey:
    return PlaneKey(random.randrange(FRAMES), int(random.random() < 0.2))
