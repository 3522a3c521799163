"""What propagation reads from a document before a step, and what it changes after one. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cellsam_desktop.analysis.carried import RECENT, Carried, NextFrame, Placed, Split
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddCell, AddDivision, Edit, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source


@dataclass(frozen=True)
class Survey:
    """What is to be done from one frame to the one beside it.

    ``carry`` are the cells to look for; ``there`` those that have a mask there which stays, and go on from it
    (a mother's daughters among them); ``fixed`` are the masks there that nothing may touch.
    """

    carry: tuple[int, ...] = ()
    there: tuple[int, ...] = ()
    fixed: tuple[Mask, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """One step as edits, and in words: cells placed, mothers split into new daughters, cells lost and why."""

    edits: list[Edit] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    divided: dict[int, tuple[int, int]] = field(default_factory=dict)
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

    Locked cells stay as they are, and so do masks that a person made or saw.
    """
    carry: list[int] = []
    there: list[int] = []
    for cell_id in cells:
        if cell_id == ignored or document.record(cell_id, source) is None or document.cell(cell_id).locked:
            continue
        relatives = _relatives(document, cell_id, source, target)
        if relatives:
            there += [i for i in relatives if document.record(i, target) is not None]
        elif document.is_curated(cell_id, target):
            there.append(cell_id)
        else:
            carry.append(cell_id)
    kept = set(document.cells_on(target)).difference(carry, (ignored,))
    records = (document.record(cell_id, target) for cell_id in sorted(kept))
    fixed = tuple(record.mask for record in records if record is not None)
    return Survey(tuple(carry), tuple(dict.fromkeys(there)), fixed)


@dataclass(frozen=True, eq=False)
class Recent:
    """A cell's masks up to the frame it is carried from, the oldest first, and the last but one."""

    cell_id: int
    masks: tuple[Mask, ...]
    last: Mask | None

    def carried(self) -> Carried:
        """What these masks say; this touches pixels, so it is no work for the main thread."""
        mask, velocity = self.masks[-1], None
        if self.last is not None:
            (x0, y0), (x1, y1) = self.last.centroid, mask.centroid
            velocity = (y1 - y0, x1 - x0)
        return Carried(self.cell_id, mask, None, None, velocity, tuple(mask.area for mask in self.masks))


def recent(document: Document, cell_id: int, key: PlaneKey, step: int) -> Recent | None:
    """What the document has of a cell that is to be carried on from ``key``, ``step`` frames at a time."""
    record = document.record(cell_id, key)
    if record is None:
        return None
    way = [PlaneKey(key.t - step * back, key.z) for back in range(RECENT - 1, 0, -1)]
    before = [past.mask for place in way if (past := document.record(cell_id, place)) is not None]
    last = document.record(cell_id, way[-1])
    return Recent(cell_id, (*before, record.mask), None if last is None else last.mask)


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
    where their cell is lost or divides. Mothers in ``never`` do not divide here.
    """
    result, new_id = Outcome(), document.next_id
    for placed in found.placed:
        result.placed.append(placed)
        result.edits.append(_put(placed.cell_id, target, placed.mask, placed.predicted_iou, decoder))
    for split in found.splits:
        stale = stale_masks(document, split.mother, target, ahead)
        if split.mother not in never and _may_divide(document, split.mother, target, stale):
            daughters = (new_id, new_id + 1)
            new_id += 2
            result.divided[split.mother] = daughters
            result.edits.extend(_division(split, daughters, target, stale, decoder))
        elif split.instead is not None:
            result.edits.append(_put(split.mother, target, split.instead, None, decoder))
        else:
            result.lost[split.mother] = "She seems to divide, which her later masks do not allow."
    result.lost.update((lost.cell_id, lost.reason) for lost in found.lost)
    for cell_id in result.lost:
        stale = stale_masks(document, cell_id, target, ahead)
        result.edits.extend(SetMask(cell_id, key, None) for key in stale)
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


def _may_divide(document: Document, mother: int, target: PlaneKey, stale: list[PlaneKey]) -> bool:
    later = {key for key in document.track(mother) if key.t >= target.t}
    return document.lineage.daughters(mother) is None and later <= set(stale)


def _division(
    split: Split, daughters: tuple[int, int], target: PlaneKey, stale: list[PlaneKey], decoder: str
) -> list[Edit]:
    edits: list[Edit] = [SetMask(split.mother, key, None) for key in stale]
    for cell_id, mask, quality in zip(daughters, split.masks, split.predicted_ious, strict=True):
        edits += [AddCell(Cell(cell_id)), _put(cell_id, target, mask, quality, decoder)]
    return [*edits, AddDivision(split.mother, daughters)]


def _put(cell_id: int, key: PlaneKey, mask: Mask, quality: float | None, decoder: str) -> SetMask:
    return SetMask(cell_id, key, MaskRecord(mask, Source.PROPAGATED, quality, decoder=decoder))
