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
from cellsam_desktop.core.track_edits.records import Held, corrected


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


def extend_into_gap(document: Document, cells: Iterable[int], t: int | None = None) -> list[Edit]:
    """Fill the frames on which cells are missing between two masks of the same z position.

    The masks are shapes between the two, less the pixels of other cells, and count as propagated. With ``t``
    only the gaps that this frame lies in are filled. Frames where the other cells leave nothing stay empty.

    Raises:
        EditRefused: there is no gap.
    """
    plan, filled = Plan(document), 0
    for cell_id in cells:
        track = plan.track(cell_id)
        for before, after in list(_gaps(track)):
            if t is None or before.t < t < after.t:
                made = dict(_fill(plan, cell_id, before, after))
                track.update(made)
                filled += len(made)
    if not filled:
        where = "" if t is None else f" around frame {t + 1}"
        raise EditRefused(f"There is no gap{where} between two masks of a selected cell: nothing to fill.")
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


def _fill(plan: Plan, cell_id: int, before: PlaneKey, after: PlaneKey) -> Iterator[tuple[PlaneKey, Held]]:
    track = plan.track(cell_id)
    first, last = track[before][0].mask, track[after][0].mask
    for t in range(before.t + 1, after.t):
        key = PlaneKey(t, before.z)
        mask = between(first, last, (t - before.t) / (after.t - before.t))
        for other in plan.masks_on(key):
            mask = mask and mask.subtract(other)
        if mask is not None:
            yield key, (MaskRecord(mask, Source.PROPAGATED), False)
