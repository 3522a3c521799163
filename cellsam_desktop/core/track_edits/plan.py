"""What an action makes of a few cells, worked out before anything is changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import (
    AddDivision,
    AddTrack,
    ChangeCell,
    Edit,
    RemoveCell,
    RemoveDivision,
    RemoveTrack,
    SetMask,
)
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord

Pair = tuple[int, int]
Track = dict[PlaneKey, tuple[MaskRecord, bool]]
"""Masks by plane, each with its mark of having been seen."""


class Plan:
    """Tracks and divisions of the cells concerned as they shall be; ``edits`` leads there.

    A division that would break a rule is refused, or forgotten when the action is forced. A cell that is
    left without masks goes, and its divisions with it.
    """

    def __init__(self, document: Document, *, force: bool = False) -> None:
        self.document = document
        self.force = force
        self._tracks: dict[int, Track] = {}
        self._cells: dict[int, Cell] = {}
        self._divisions: dict[int, Pair | None] = {}
        self._mothers: dict[int, int | None] = {}
        self._next_id = document.next_id

    # -- what is -----------------------------------------------------------------------------------

    def cell(self, cell_id: int) -> Cell:
        """The cell as it shall be."""
        return self._cells.get(cell_id) or self.document.cell(cell_id)

    def title(self, cell_id: int) -> str:
        """How the curator knows the cell."""
        return self.cell(cell_id).title

    def track(self, cell_id: int) -> Track:
        """The masks of a cell; change them here."""
        track = self._tracks.get(cell_id)
        if track is None:
            seen = self.document.seen(cell_id)
            records = self.document.track(self.document.cell(cell_id).id)
            track = {key: (record, key in seen) for key, record in records.items()}
            self._tracks[cell_id] = track
        return track

    def masks_on(self, key: PlaneKey) -> list[Mask]:
        """The masks on a plane as they shall be."""
        here = {i: self.document.record(i, key) for i in self.document.cells_on(key)}
        here.update({i: track[key][0] if key in track else None for i, track in self._tracks.items()})
        return [record.mask for record in here.values() if record is not None]

    def span(self, cell_id: int) -> tuple[int, int] | None:
        """First and last frame of a cell as it shall be; None without masks."""
        track = self._tracks.get(cell_id)
        if track is None:
            return self.document.span(cell_id)
        frames = [key.t for key in track]
        return (min(frames), max(frames)) if frames else None

    def mother(self, cell_id: int) -> int | None:
        """The mother of a cell as it shall be."""
        return self._mothers.get(cell_id, self.document.lineage.mother(cell_id))

    def daughters(self, cell_id: int) -> Pair | None:
        """The daughters of a cell as they shall be."""
        return self._divisions.get(cell_id, self.document.lineage.daughters(cell_id))

    def birth(self, mother: int) -> int | None:
        """The first frame of either daughter; None when neither has masks."""
        return self.birth_of(self.daughters(mother) or ())

    def birth_of(self, daughters: Iterable[int]) -> int | None:
        """The first frame on which one of these cells has a mask."""
        return min((span[0] for daughter in daughters if (span := self.span(daughter))), default=None)

    # -- what shall be -----------------------------------------------------------------------------

    def new_cell(self, track: Track) -> int:
        """Begin a cell with these masks; returns its id."""
        cell_id = self._next_id
        self._next_id += 1
        self.add_cell(Cell(cell_id), track)
        return cell_id

    def add_cell(self, cell: Cell, track: Track) -> None:
        """Begin a cell whose id was never used."""
        self._next_id = max(self._next_id, cell.id + 1)
        self._cells[cell.id], self._tracks[cell.id] = cell, track

    def change_cell(self, cell: Cell) -> None:
        """Give a cell another name."""
        self._cells[cell.id] = cell

    def take_from(self, cell_id: int, t: int) -> Track:
        """Take the masks of frame ``t`` and later away from a cell, in every z position, and return them."""
        track = self.track(cell_id)
        return {key: track.pop(key) for key in [key for key in track if key.t >= t]}

    def divide(self, mother: int, daughters: Pair | None) -> None:
        """Record that a cell divides, or (None) that it does not."""
        for daughter in self.daughters(mother) or ():
            self._mothers[daughter] = None
        self._divisions[mother] = daughters
        for daughter in daughters or ():
            self._mothers[daughter] = mother

    def give_up(self, mother: int, why: str) -> None:
        """Forget a division when forced.

        Raises:
            EditRefused: the action is not forced.
        """
        daughters = self.daughters(mother)
        if daughters is None:
            return
        if not self.force:
            first, second = map(self.title, daughters)
            raise EditRefused(
                f"{self.title(mother)} divides into {first} and {second}, {why}: remove that division first.",
                forceable=True,
            )
        self.divide(mother, None)

    def edits(self) -> list[Edit]:
        """What leads from the document to the plan.

        Raises:
            EditRefused: a rule would be broken, or a locked cell would change.
        """
        self._drop_empty()
        self._check_order()
        lineage = self.document.lineage
        changed = {m: pair for m, pair in self._divisions.items() if pair != lineage.daughters(m)}
        edits: list[Edit] = [RemoveDivision(mother) for mother in changed if lineage.daughters(mother)]
        for cell_id in self._cells.keys() - self._tracks.keys():
            edits += self._cell_edits(cell_id)
        for cell_id in self._tracks:
            edits += self._track_edits(cell_id)
        return edits + [AddDivision(mother, pair) for mother, pair in changed.items() if pair]

    # -- how ---------------------------------------------------------------------------------------

    def _drop_empty(self) -> None:
        for cell_id, track in self._tracks.items():
            if not track:
                self.divide(cell_id, None)
                if (mother := self.mother(cell_id)) is not None:
                    self.divide(mother, None)

    def _check_order(self) -> None:
        for mother in sorted(self._mothers_concerned()):
            end, birth = self.span(mother), self.birth(mother)
            if end is not None and birth is not None and end[1] >= birth:
                self.give_up(mother, f"born on frame {birth + 1}, when it would still exist")

    def _mothers_concerned(self) -> set[int]:
        concerned = self._tracks.keys() | self._divisions.keys()
        mothers = {mother for cell_id in concerned if (mother := self.mother(cell_id)) is not None}
        return mothers | {cell_id for cell_id in concerned if self.daughters(cell_id)}

    def _cell_edits(self, cell_id: int) -> Iterator[Edit]:
        cell = self._cells.get(cell_id)
        if cell is not None and cell != self.document.cell(cell_id):
            yield ChangeCell(cell)

    def _track_edits(self, cell_id: int) -> Iterable[Edit]:
        after = self._tracks[cell_id]
        if cell_id not in self.document:
            return [_new_track(self._cells[cell_id], after)] if after else []
        before = self.document.track(cell_id)
        if not after:
            self._refuse_locked(cell_id)
            return [RemoveTrack(cell_id, frozenset(before)) if before else RemoveCell(cell_id)]
        edits: list[Edit] = [SetMask(cell_id, key, None) for key in sorted(before.keys() - after.keys())]
        edits += [
            SetMask(cell_id, key, record, seen)
            for key, (record, seen) in sorted(after.items(), key=lambda item: item[0])
            if before.get(key) is not record or self.document.is_seen(cell_id, key) != seen
        ]
        if edits:
            self._refuse_locked(cell_id)
        return [*self._cell_edits(cell_id), *edits]

    def _refuse_locked(self, cell_id: int) -> None:
        cell = self.document.cell(cell_id)
        if cell.locked:
            raise EditRefused(f"{cell.title} is locked: unlock it to change its masks.")


def _new_track(cell: Cell, track: Track) -> AddTrack:
    records = {key: record for key, (record, _) in sorted(track.items(), key=lambda item: item[0])}
    return AddTrack(cell, records, frozenset(key for key, (_, seen) in track.items() if seen))
