"""What every importer of tracks gives: cells with masks over time, made to obey the rules of the lineage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddDivision, AddTrack, Edit
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source
from cellsam_desktop.core.wording import counted

Masks = Mapping[PlaneKey, Mask]
Records = Mapping[int, Mapping[PlaneKey, MaskRecord]]
LARGEST_ID = 2**53
"""Whole numbers up to here are exact in the 64-bit floats that some programs write ids in."""


@dataclass(frozen=True)
class Tracks:
    """Cells read from a file: masks by cell id and plane, names, and who divided into whom.

    ``notes`` are sentences about what the file holds and a document cannot.
    """

    masks: Mapping[int, Masks]
    names: Mapping[int, str] = field(default_factory=dict)
    divisions: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def settle(
    masks: Mapping[int, Masks],
    parents: Iterable[tuple[int, int]],
    names: Mapping[int, str] | None = None,
    notes: Iterable[str] = (),
) -> Tracks:
    """Tracks from pieces and their (piece, parent) links, as the Cell Tracking Challenge has them.

    A piece that is the only one after its parent is the same cell after a gap and joins it, under the
    parent's id. Two make a division. A link is left out, with a note, when the piece begins before its
    parent ended, when it has another parent already, or when its parent has two earlier children.
    """
    left_out = 0
    children: dict[int, list[int]] = {}
    spans = {piece: (min(track).t, max(track).t) for piece, track in masks.items() if track}
    known: set[int] = set()
    for piece, parent in parents:
        if piece not in spans or parent not in spans:
            continue
        if spans[parent][1] >= spans[piece][0] or piece in known:
            left_out += 1
            continue
        known.add(piece)
        children.setdefault(parent, []).append(piece)
    for found in children.values():
        found.sort(key=lambda piece: (spans[piece][0], -_area(masks[piece]), piece))
        left_out += max(0, len(found) - 2)
        del found[2:]
    cells, divisions = _joined({piece: masks[piece] for piece in spans}, children)
    every = [*notes, *_said(left_out)]
    kept = {piece: name for piece, name in (names or {}).items() if name and piece in cells}
    return Tracks(cells, kept, divisions, tuple(every))


def records_of(tracks: Tracks) -> Records:
    """What a document keeps of the masks, packed: whoever adds them has no pixel to touch."""
    records: dict[int, dict[PlaneKey, MaskRecord]] = {}
    for cell_id, track in tracks.masks.items():
        records[cell_id] = {key: MaskRecord(mask, Source.IMPORTED) for key, mask in track.items()}
        assert all(mask.packed for mask in track.values())
    return records


def edits_of(tracks: Tracks, records: Records, new_ids: Mapping[int, int]) -> list[Edit]:
    """The edits that add all cells under ``new_ids``, with their divisions."""
    edits: list[Edit] = [
        AddTrack(Cell(new_ids[cell_id], tracks.names.get(cell_id, "")), records[cell_id])
        for cell_id in tracks.masks
    ]
    for mother, (one, other) in sorted(tracks.divisions.items()):
        edits.append(AddDivision(new_ids[mother], (new_ids[one], new_ids[other])))
    return edits


def document_of(tracks: Tracks, calibration: Calibration | None = None) -> Document:
    """A document that holds exactly these cells, under their own ids."""
    document = Document(calibration)
    for edit in edits_of(tracks, records_of(tracks), {cell_id: cell_id for cell_id in tracks.masks}):
        edit.apply(document)
    return document


def _joined(
    pieces: Mapping[int, Masks], children: Mapping[int, list[int]]
) -> tuple[dict[int, Masks], dict[int, tuple[int, int]]]:
    """Follow only children into one cell; what remains at the end of a chain are divisions."""
    later = {found[0] for found in children.values() if len(found) == 1}
    cells: dict[int, Masks] = {}
    divisions: dict[int, tuple[int, int]] = {}
    for piece in sorted(pieces.keys() - later):
        track, last = dict(pieces[piece]), piece
        while len(following := children.get(last, [])) == 1:
            last = following[0]
            track |= pieces[last]
        cells[piece] = track
        if len(following) == 2:
            divisions[piece] = (min(following), max(following))
    return cells, divisions


def _area(track: Masks) -> int:
    first = min(track)
    return track[first].area


def _said(left_out: int) -> list[str]:
    if not left_out:
        return []
    links = f"{counted(left_out, 'link')} {'was' if left_out == 1 else 'were'}"
    return [f"{links} left out: a cell has one mother, who ends before it begins, and two daughters or none."]
