"""What propagation reads from a document before a step, and what it changes after one. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from cellsam_desktop.analysis.carried import RECENT, Carried, Fixed, NextFrame, Placed, Split, Young
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddCell, AddDivision, Edit, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.core.track_edits import descendants, forget_descendants, is_provisional

_Said = tuple[float | None, float | None]
"""What the decoder said of a mask: predicted IoU and agreement, as in ``MaskRecord``."""


@dataclass(frozen=True)
class Survey:
    """What is to be done from one frame to the one beside it.

    ``carry`` are the cells to look for; ``there`` those that have a mask there which stays, and go on from it
    (a mother's daughters among them); ``fixed`` are the masks there that stay.
    """

    carry: tuple[int, ...] = ()
    there: tuple[int, ...] = ()
    fixed: tuple[Fixed, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """One step as edits, and in words: cells placed, mothers split into new daughters, cells lost and why.

    ``undone`` are mothers whose division a frame earlier was taken back, with their daughters then.
    """

    edits: list[Edit] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    divided: dict[int, tuple[int, int]] = field(default_factory=dict)
    undone: dict[int, tuple[int, int]] = field(default_factory=dict)
    lost: dict[int, str] = field(default_factory=dict)


def survey(
    document: Document,
    cells: Iterable[int],
    source: PlaneKey,
    target: PlaneKey,
    *,
    ignored: int | None = None,
) -> Survey:
    """Sort ``cells`` by what becomes of them between two neighbouring frames; ``ignored`` is the domain.

    Locked cells stay as they are, and so do masks that a person made or saw. A mother whose division is only
    provisional is looked for again, as if she had not divided.
    """
    carry: list[int] = []
    there: list[int] = []
    anew: set[int] = set()
    for cell_id in cells:
        if cell_id == ignored or document.record(cell_id, source) is None or document.cell(cell_id).locked:
            continue
        relatives = _relatives(document, cell_id, source, target)
        if relatives and target.t > source.t and _provisional(document, cell_id, target):
            carry.append(cell_id)
            anew.update(relatives)
        elif relatives:
            there += [i for i in relatives if document.record(i, target) is not None]
        elif document.is_curated(cell_id, target):
            there.append(cell_id)
        else:
            carry.append(cell_id)
    kept = set(document.cells_on(target)).difference(carry, anew, (ignored,))
    fixed = (_fixed(document, cell_id, source, target) for cell_id in sorted(kept))
    return Survey(tuple(carry), tuple(dict.fromkeys(there)), tuple(one for one in fixed if one is not None))


def _fixed(document: Document, cell_id: int, source: PlaneKey, target: PlaneKey) -> Fixed | None:
    before, record = document.record(cell_id, source), document.record(cell_id, target)
    return None if record is None else Fixed(record.mask, None if before is None else before.mask)


def going_on(todo: Survey, done: Outcome) -> tuple[int, ...]:
    """The cells to carry on from there: those found, those that had a mask there, and new daughters."""
    gone = {i for pair in done.undone.values() for i in pair}.union(done.lost, done.divided)
    found = (i for i in (*todo.carry, *done.undone) if i not in gone)
    daughters = (i for pair in done.divided.values() for i in pair)
    return tuple(dict.fromkeys((*found, *todo.there, *daughters)))


@dataclass(frozen=True, eq=False)
class Recent:
    """A cell's masks up to the frame it is carried from, the oldest first, and the last but one."""

    cell_id: int
    masks: tuple[Mask, ...]
    last: Mask | None

    @property
    def mask(self) -> Mask:
        """The newest."""
        return self.masks[-1]

    def carried(self) -> Carried:
        """What these masks say; this touches pixels, so it is no work for the main thread."""
        mask, velocity = self.mask, None
        if self.last is not None:
            (x0, y0), (x1, y1) = self.last.centroid, mask.centroid
            velocity = (y1 - y0, x1 - x0)
        return Carried(self.cell_id, mask, velocity, tuple(mask.area for mask in self.masks))


def recent(document: Document, cell_id: int, key: PlaneKey, step: int) -> Recent | None:
    """What the document has of a cell that is to be carried on from ``key``, ``step`` frames at a time."""
    record = document.record(cell_id, key)
    if record is None:
        return None
    way = [PlaneKey(key.t - step * back, key.z) for back in range(RECENT - 1, 0, -1)]
    before = [past.mask for place in way if (past := document.record(cell_id, place)) is not None]
    last = document.record(cell_id, way[-1])
    return Recent(cell_id, (*before, record.mask), None if last is None else last.mask)


@dataclass(frozen=True, eq=False)
class Proposed:
    """A division proposed on the frame that is carried from, which may be taken back.

    What is known of the mother on the frame before, and her daughters with their masks.
    """

    mother: Recent
    daughters: tuple[int, int]
    masks: tuple[Mask, Mask]

    def young(self) -> Young:
        """What ``carry`` wants to know; this touches pixels, so it is no work for the main thread."""
        return Young.of(self.mother.carried(), self.daughters, self.masks)


def newly_proposed(
    document: Document, todo: Survey, source: PlaneKey, target: PlaneKey
) -> tuple[Proposed, ...]:
    """The divisions on ``source`` of which only propagation knows, and both daughters are to be carried."""
    if target.t < source.t:
        return ()
    found = []
    mothers = (document.lineage.mother(i) for i in todo.carry)
    for mother in dict.fromkeys(i for i in mothers if i is not None and not document.cell(i).locked):
        daughters = _daughters_there(document, mother, source)
        before = recent(document, mother, PlaneKey(source.t - 1, source.z), 1)
        if daughters is None or before is None or not set(daughters) <= set(todo.carry):
            continue
        records = [document.record(daughter, source) for daughter in daughters]
        first, second = (record.mask for record in records if record is not None)
        found.append(Proposed(before, daughters, (first, second)))
    return tuple(found)


def outcome(
    document: Document,
    found: NextFrame,
    target: PlaneKey,
    *,
    decoder: str,
    ahead: Sequence[int],
    never: frozenset[int] = frozenset(),
) -> Outcome:
    """The edits that put into the document what was found on ``target``.

    ``ahead`` are the frames still to come, in order: masks there that came from an earlier propagation go
    where their cell is lost or divides, and so does a provisional division that does not come about again.
    Mothers in ``never`` do not divide here.
    """
    result, new_ids = Outcome(), count(document.next_id)
    for young in found.undone:
        result.undone[young.mother.cell_id] = young.daughters
        result.edits.extend(_as_one(document, young, PlaneKey(target.t - 1, target.z), decoder))
    for placed in found.placed:
        result.placed.append(placed)
        result.edits.extend(_stays_whole(document, placed.cell_id, target))
        said = placed.predicted_iou, placed.agreement
        result.edits.append(_put(placed.cell_id, target, placed.mask, said, decoder))
    for split in found.splits:
        mother, pair = split.mother, _daughters_there(document, split.mother, target)
        stale = stale_masks(document, mother, target, ahead)
        if pair and mother not in never:
            result.divided[mother] = pair
            result.edits.extend(_as_before(document, split, pair, target, decoder))
        elif mother not in never and _may_divide(document, mother, target, stale):
            result.divided[mother] = daughters = next(new_ids), next(new_ids)
            if mother not in result.undone:
                result.edits.extend(_forget(document, mother, target, stale))
            result.edits.extend(_division(split, daughters, target, stale, decoder))
        elif split.instead is not None:
            result.edits.extend(_stays_whole(document, mother, target))
            result.edits.append(_put(mother, target, split.instead, (None, None), decoder))
        else:
            result.lost[mother] = "She seems to divide, which her later masks do not allow."
    result.lost.update((lost.cell_id, lost.reason) for lost in found.lost)
    for cell_id in result.lost:
        stale = stale_masks(document, cell_id, target, ahead)
        result.edits.extend(SetMask(cell_id, key, None) for key in stale)
        if cell_id not in result.undone:
            result.edits.extend(_forget(document, cell_id, target, stale))
    return result


def stale_masks(document: Document, cell_id: int, target: PlaneKey, ahead: Sequence[int]) -> list[PlaneKey]:
    """The masks from ``target`` on, without a gap, that propagation made and nobody has seen."""
    stale: list[PlaneKey] = []
    for t in (target.t, *ahead):
        key = PlaneKey(t, target.z)
        if document.record(cell_id, key) is None or document.is_curated(cell_id, key):
            break
        stale.append(key)
    return stale


def _relatives(
    document: Document, cell_id: int, source: PlaneKey, target: PlaneKey
) -> tuple[int, ...] | None:
    """Who is there instead of a cell on ``target``: her daughters ahead, the mother behind; else None."""
    lineage = document.lineage
    if target.t > source.t:
        daughters = lineage.daughters(cell_id) or ()
        begun = [span[0] <= target.t for i in daughters if (span := document.span(i)) is not None]
        return daughters if any(begun) else None
    mother = lineage.mother(cell_id)
    span = document.span(mother) if mother is not None else None
    return (mother,) if mother is not None and span is not None and span[1] >= target.t else None


def _provisional(document: Document, mother: int, target: PlaneKey) -> bool:
    """Whether all that came of a division, on this z position only, is what propagation made of it."""
    return is_provisional(document, mother) and all(
        key.z == target.z for i in descendants(document, mother) for key in document.track(i)
    )


def _forget(document: Document, mother: int, target: PlaneKey, stale: Sequence[PlaneKey]) -> list[Edit]:
    """What takes a provisional division back whose mother loses all that she has from ``target`` on."""
    ends = _ends(document, mother, target, stale)
    return forget_descendants(document, mother) if ends and _provisional(document, mother, target) else []


def _as_one(document: Document, young: Young, source: PlaneKey, decoder: str) -> list[Edit]:
    """What takes a division on ``source`` back: the mother has there what her daughters had together."""
    mother = young.mother
    whole = _put(mother.cell_id, source, mother.mask, (None, None), decoder)
    return [*forget_descendants(document, mother.cell_id), whole]


def _stays_whole(document: Document, mother: int, target: PlaneKey) -> list[Edit]:
    """What takes a provisional division back that begins on ``target``."""
    return forget_descendants(document, mother) if _daughters_there(document, mother, target) else []


def _daughters_there(document: Document, mother: int, target: PlaneKey) -> tuple[int, int] | None:
    """The daughters of a provisional division, if both begin on ``target``."""
    daughters = document.lineage.daughters(mother)
    if daughters is None or not _provisional(document, mother, target):
        return None
    spans = [document.span(daughter) for daughter in daughters]
    return daughters if all(span is not None and span[0] == target.t for span in spans) else None


def _ends(document: Document, cell_id: int, target: PlaneKey, stale: Sequence[PlaneKey]) -> bool:
    """Whether a cell has no masks from ``target`` on, later in time, but those that go."""
    return {key for key in document.track(cell_id) if key.t >= target.t} <= set(stale)


def _may_divide(document: Document, mother: int, target: PlaneKey, stale: Sequence[PlaneKey]) -> bool:
    undivided = document.lineage.daughters(mother) is None or _provisional(document, mother, target)
    return undivided and _ends(document, mother, target, stale)


def _as_before(
    document: Document, split: Split, daughters: tuple[int, int], target: PlaneKey, decoder: str
) -> list[Edit]:
    """New masks for daughters that are there already: each gets the one that it resembles more."""
    first = document.record(daughters[0], target)
    assert first is not None
    swapped = first.mask.iou(split.masks[1]) > first.mask.iou(split.masks[0])
    chosen = _daughters(split, daughters[::-1] if swapped else daughters)
    return [_put(cell_id, target, mask, said, decoder) for cell_id, mask, said in chosen]


def _division(
    split: Split, daughters: tuple[int, int], target: PlaneKey, stale: list[PlaneKey], decoder: str
) -> list[Edit]:
    edits: list[Edit] = [SetMask(split.mother, key, None) for key in stale]
    for cell_id, mask, said in _daughters(split, daughters):
        edits += [AddCell(Cell(cell_id)), _put(cell_id, target, mask, said, decoder)]
    return [*edits, AddDivision(split.mother, daughters)]


def _daughters(split: Split, daughters: tuple[int, int]) -> Iterator[tuple[int, Mask, _Said]]:
    said = zip(split.predicted_ious, split.agreements, strict=True)
    return zip(daughters, split.masks, said, strict=True)


def _put(cell_id: int, key: PlaneKey, mask: Mask, said: _Said, decoder: str) -> SetMask:
    quality, agreement = said
    record = MaskRecord(mask, Source.PROPAGATED, quality, decoder=decoder, agreement=agreement)
    return SetMask(cell_id, key, record)
