"""The document: cells, their masks per plane, the lineage and the scale.

Read it freely; change it only through ``History.commit`` with edits. Everything that can be measured
(centroids, areas, tracks) is derived data and lives elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from psygnal import Signal

from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.lineage import Lineage
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, is_curated

_NO_TRACK: Mapping[PlaneKey, MaskRecord] = MappingProxyType({})


class Document:
    """All that a curator has made of one movie.

    ``changed`` is emitted once per transaction, undo or redo, with a ``ChangeSet``.
    """

    changed = Signal(ChangeSet)

    def __init__(self, calibration: Calibration | None = None) -> None:
        self.calibration = calibration or Calibration()
        self.lineage = Lineage()
        self._cells: dict[int, Cell] = {}
        self._tracks: dict[int, dict[PlaneKey, MaskRecord]] = {}
        self._planes: dict[PlaneKey, set[int]] = {}
        self._spans: dict[int, tuple[int, int]] = {}
        self._seen: dict[int, set[PlaneKey]] = {}
        self._complete: set[PlaneKey] = set()
        self._next_id = 1

    @property
    def next_id(self) -> int:
        """The id that the next new cell gets; it only grows, so that ids are never reused."""
        return self._next_id

    @property
    def cell_ids(self) -> list[int]:
        """Ids of all cells, ascending."""
        return sorted(self._cells)

    def __len__(self) -> int:
        return len(self._cells)

    def __contains__(self, cell_id: object) -> bool:
        return cell_id in self._cells

    def cell(self, cell_id: int) -> Cell:
        """The cell with this id.

        Raises:
            EditRefused: there is none.
        """
        try:
            return self._cells[cell_id]
        except KeyError:
            raise EditRefused(f"There is no cell {cell_id} in this project.") from None

    def track(self, cell_id: int) -> Mapping[PlaneKey, MaskRecord]:
        """The masks of a cell by plane, in no particular order; empty for an unknown cell."""
        track = self._tracks.get(cell_id)
        return _NO_TRACK if track is None else MappingProxyType(track)

    def record(self, cell_id: int, key: PlaneKey) -> MaskRecord | None:
        """The mask record of a cell on a plane, or None."""
        return self._tracks.get(cell_id, _NO_TRACK).get(key)

    def seen(self, cell_id: int) -> frozenset[PlaneKey]:
        """The planes on which a person has looked at the mask of a cell and found it right."""
        return frozenset(self._seen.get(cell_id, ()))

    def is_seen(self, cell_id: int, key: PlaneKey) -> bool:
        """Whether the mask of a cell on a plane is marked as seen."""
        return key in self._seen.get(cell_id, ())

    def is_curated(self, cell_id: int, key: PlaneKey) -> bool:
        """Whether there is a mask that a person made or has seen; see ``records.is_curated``."""
        record = self.record(cell_id, key)
        return record is not None and is_curated(record, self.is_seen(cell_id, key))

    @property
    def complete(self) -> frozenset[PlaneKey]:
        """The planes marked as complete: every cell on them has its mask, and the masks are right."""
        return frozenset(self._complete)

    def is_complete(self, key: PlaneKey) -> bool:
        """Whether a plane is marked as complete."""
        return key in self._complete

    def cells_on(self, key: PlaneKey) -> list[int]:
        """Ids of the cells that have a mask on a plane, ascending."""
        return sorted(self._planes.get(key, ()))

    def count_on(self, key: PlaneKey) -> int:
        """How many cells have a mask on a plane."""
        return len(self._planes.get(key, ()))

    def planes(self) -> list[PlaneKey]:
        """Planes with at least one mask, in order of time and z."""
        return sorted(self._planes)

    def frames(self, cell_id: int) -> list[int]:
        """Frames on which a cell has masks, ascending."""
        return sorted({key.t for key in self.track(cell_id)})

    def span(self, cell_id: int) -> tuple[int, int] | None:
        """First and last frame of a cell, or None if it has no mask."""
        span = self._spans.get(cell_id)
        if span is None and (track := self._tracks.get(cell_id)):
            frames = [key.t for key in track]
            span = self._spans[cell_id] = (min(frames), max(frames))
        return span

    def cell_at(self, key: PlaneKey, x: float, y: float) -> int | None:
        """The smallest cell under a point of a plane (the one an overlap would hide), or None."""
        hits = [
            (record.mask.area, cell_id)
            for cell_id in self._planes.get(key, ())
            if (record := self._tracks[cell_id][key]).mask.contains(x, y)
        ]
        return min(hits)[1] if hits else None

    # -- the primitives below are for edits and for loading a project; nobody else calls them --

    def reserve_ids(self, next_id: int) -> None:
        """Never hand out an id below ``next_id``."""
        self._next_id = max(self._next_id, next_id)

    def put_cell(self, cell: Cell) -> Cell | None:
        """Add or replace a cell; returns the one it replaced."""
        before = self._cells.get(cell.id)
        self._cells[cell.id] = cell
        self.reserve_ids(cell.id + 1)
        return before

    def drop_cell(self, cell_id: int) -> Cell:
        """Remove a cell that has neither masks nor relatives."""
        cell = self.cell(cell_id)
        if self._tracks.get(cell_id):
            raise EditRefused(f"{cell.title} still has masks: delete them first.")
        self.refuse_relatives(cell)
        return self._cells.pop(cell_id)

    def refuse_relatives(self, cell: Cell) -> None:
        """Raise EditRefused if the cell belongs to a division."""
        if self.lineage.mother(cell.id) is not None or self.lineage.daughters(cell.id) is not None:
            raise EditRefused(f"{cell.title} belongs to a division: remove the division first.")

    def put_record(
        self, cell_id: int, key: PlaneKey, record: MaskRecord | None, *, seen: bool = False
    ) -> MaskRecord | None:
        """Set, replace or (with None) remove the mask of a cell on a plane; returns the one before.

        The mask is marked as seen or not as ``seen`` says: a mark never outlives its mask.
        """
        self.cell(cell_id)
        self._mark(cell_id, key, seen and record is not None)
        track = self._tracks.setdefault(cell_id, {})
        before = track.pop(key, None)
        if record is not None:
            self._extend(cell_id, key.t, known=bool(track or before))
            track[key] = record
            self._planes.setdefault(key, set()).add(cell_id)
        elif before is not None:
            self._leave(cell_id, key)
            self._spans.pop(cell_id, None)
        if not track:
            del self._tracks[cell_id]
        return before

    def put_seen(self, cell_id: int, keys: Iterable[PlaneKey], seen: bool) -> frozenset[PlaneKey]:
        """Mark masks as seen or not; returns the planes where that changed something.

        Raises:
            EditRefused: the cell has no mask on one of the planes.
        """
        cell, keys = self.cell(cell_id), frozenset(keys)
        if not keys <= self.track(cell_id).keys():
            raise EditRefused(f"{cell.title} has no mask there that could be marked.")
        changed = frozenset(key for key in keys if self.is_seen(cell_id, key) != seen)
        for key in changed:
            self._mark(cell_id, key, seen)
        return changed

    def put_complete(self, keys: Iterable[PlaneKey], complete: bool) -> frozenset[PlaneKey]:
        """Mark planes as complete or not; returns the planes where that changed something."""
        changed = frozenset(key for key in keys if (key in self._complete) != complete)
        self._complete ^= changed
        return changed

    def _mark(self, cell_id: int, key: PlaneKey, seen: bool) -> None:
        if seen:
            self._seen.setdefault(cell_id, set()).add(key)
        elif marks := self._seen.get(cell_id):
            marks.discard(key)
            if not marks:
                del self._seen[cell_id]

    def _extend(self, cell_id: int, t: int, *, known: bool) -> None:
        """Let the span reach frame ``t``; one that was dropped is worked out when it is asked for."""
        span = self._spans.get(cell_id)
        if span is None:
            if not known:
                self._spans[cell_id] = (t, t)
        elif not span[0] <= t <= span[1]:
            self._spans[cell_id] = (min(span[0], t), max(span[1], t))

    def put_track(
        self, cell: Cell, track: Mapping[PlaneKey, MaskRecord], seen: frozenset[PlaneKey] = frozenset()
    ) -> None:
        """Add a new cell with all its masks, of which those on the planes ``seen`` are marked as seen."""
        self.put_cell(cell)
        if marks := seen & track.keys():
            self._seen[cell.id] = set(marks)
        if track:
            self._tracks[cell.id] = dict(track)
        for key in track:
            self._planes.setdefault(key, set()).add(cell.id)

    def drop_track(self, cell_id: int) -> Mapping[PlaneKey, MaskRecord]:
        """Remove all masks of a cell; returns them."""
        track = self._tracks.pop(cell_id, {})
        for key in track:
            self._leave(cell_id, key)
        self._spans.pop(cell_id, None)
        self._seen.pop(cell_id, None)
        return track

    def _leave(self, cell_id: int, key: PlaneKey) -> None:
        here = self._planes[key]
        here.discard(cell_id)
        if not here:
            del self._planes[key]

    def snapshot(self, cell_ids: Iterable[int] | None = None) -> Document:
        """A copy that does not change any more, for work on another thread; masks are shared, not copied.

        Of the cells only those with ``cell_ids``, if given; the lineage and the marks of planes are whole.
        """
        ids = set(self._cells) if cell_ids is None else self._cells.keys() & cell_ids
        copy = Document(self.calibration)
        copy.lineage = self.lineage.copy()
        copy._cells = {cell_id: self._cells[cell_id] for cell_id in ids}
        copy._tracks = {cell_id: dict(track) for cell_id, track in self._tracks.items() if cell_id in ids}
        copy._planes = {key: some for key, here in self._planes.items() if (some := here & ids)}
        copy._seen = {cell_id: set(keys) for cell_id, keys in self._seen.items() if cell_id in ids}
        copy._complete = set(self._complete)
        copy._next_id = self._next_id
        return copy

    def check_order(self, cell_ids: Iterable[int]) -> None:
        """Refuse a mother that has not ended before her daughters begin, among these cells' relatives.

        Raises:
            EditRefused: the rule is broken.
        """
        mothers = {cell_id for cell_id in cell_ids if self.lineage.daughters(cell_id)}
        mothers |= {mother for cell_id in cell_ids if (mother := self.lineage.mother(cell_id)) is not None}
        for mother in mothers:
            self._check_mother(mother)

    def _check_mother(self, mother: int) -> None:
        mother_span, daughters = self.span(mother), self.lineage.daughters(mother)
        for daughter in daughters or ():
            daughter_span = self.span(daughter)
            if mother_span and daughter_span and mother_span[1] >= daughter_span[0]:
                raise EditRefused(
                    f"{self.cell(mother).title} would still exist when her daughter "
                    f"{self.cell(daughter).title} begins (frame {daughter_span[0] + 1}): "
                    "end the mother earlier or remove the division.",
                    forceable=True,
                )
