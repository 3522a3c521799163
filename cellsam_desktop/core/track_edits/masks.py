"""Single masks of a track: cut one in two, fill gaps, delete."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import Edit
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import MaskRecord, Source
from cellsam_desktop.core.shapes import between
from cellsam_desktop.core.track_edits.plan import Plan
from cellsam_desktop.core.track_edits.records import corrected


def split_mask(
    document: Document, cell_id: int, key: PlaneKey, parts: tuple[Mask, Mask] | None
) -> list[Edit]:
    """Cut the mask of a cell on one plane in two: the cell keeps the first part, a new cell gets the second.

    ``parts`` come from ``shapes.cut_by_line`` or ``shapes.cut_by_spots``, whose None says that the cut misses
    the mask.

    Raises:
        EditRefused: there is no mask, or the cut misses it.
    """
    plan = Plan(document)
    held = plan.track(cell_id).get(key)
    if held is None:
        raise EditRefused(f"{plan.title(cell_id)} has no mask on this frame: go to one where it has.")
    if parts is None:
        raise EditRefused(f"{plan.title(cell_id)} lies on one side of the cut: cut right through its mask.")
    first, second = (corrected(held[0], part) for part in parts)
    plan.track(cell_id)[key] = first, False
    plan.new_cell({key: (second, False)})
    return plan.edits()


def extend_into_gap(document: Document, cell_id: int, t: int | None = None) -> list[Edit]:
    """Fill the frames on which a cell is missing between two masks of the same z position.

    The masks are shapes between the two, less the pixels of other cells, and count as propagated. With ``t``
    only the gap that this frame lies in is filled. Frames where the other cells leave nothing stay empty.

    Raises:
        EditRefused: there is no gap.
    """
    plan = Plan(document)
    track = plan.track(cell_id)
    made: dict[PlaneKey, MaskRecord] = {}
    for before, after in _gaps(track):
        if t is None or before.t < t < after.t:
            made.update(_fill(document, track[before][0], before, track[after][0], after))
    if not made:
        where = "no gap" if t is None else f"no gap around frame {t + 1}"
        raise EditRefused(f"{plan.title(cell_id)} has {where} between two of its masks: nothing to fill.")
    track.update({key: (record, False) for key, record in made.items()})
    return plan.edits()


def delete_here(document: Document, cells: Iterable[int], key: PlaneKey) -> list[Edit]:
    """Delete the masks of cells on one plane; a cell left without masks goes, with its divisions."""
    return _delete(document, cells, lambda other: other == key, ends=False)


def delete_from_here(document: Document, cells: Iterable[int], t: int) -> list[Edit]:
    """Delete the masks of cells from frame ``t`` on, in every z position.

    A cell that ends so no longer divides; one left without masks goes, with its divisions.
    """
    return _delete(document, cells, lambda key: key.t >= t, ends=True)


def _delete(
    document: Document, cells: Iterable[int], doomed: Callable[[PlaneKey], bool], *, ends: bool
) -> list[Edit]:
    plan = Plan(document)
    for cell_id in cells:
        keys = [key for key in document.track(cell_id) if doomed(key)]
        for key in keys:
            del plan.track(cell_id)[key]
        if keys and ends:
            plan.divide(cell_id, None)
    return plan.edits()


def _gaps(track: Iterable[PlaneKey]) -> Iterator[tuple[PlaneKey, PlaneKey]]:
    """The masks on either side of each run of missing frames, for each z position by itself."""
    for before, after in pairwise(sorted(track, key=lambda key: (key.z, key.t))):
        if before.z == after.z and after.t > before.t + 1:
            yield before, after


def _fill(
    document: Document, first: MaskRecord, before: PlaneKey, last: MaskRecord, after: PlaneKey
) -> Iterator[tuple[PlaneKey, MaskRecord]]:
    for t in range(before.t + 1, after.t):
        key = PlaneKey(t, before.z)
        mask = between(first.mask, last.mask, (t - before.t) / (after.t - before.t))
        for other in document.cells_on(key):
            record = document.record(other, key)
            if mask is not None and record is not None:
                mask = mask.subtract(record.mask)
        if mask is not None:
            yield key, MaskRecord(mask, Source.PROPAGATED)
