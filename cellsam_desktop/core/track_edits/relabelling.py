"""New identities for many masks at once, as linking finds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import Edit
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.geometry import Place
from cellsam_desktop.core.records import Cell
from cellsam_desktop.core.track_edits.plan import Pair, Plan, Track


def relabel(
    document: Document,
    cells: Mapping[Place, int],
    divisions: Iterable[tuple[int, Pair]] = (),
    *,
    frames: range | None = None,
) -> list[Edit]:
    """Give each of these masks to the cell with the given id; all others stay where they are.

    An id that no cell has begins one, and must be at least ``document.next_id``. ``divisions`` are those
    found between the new cells. Of the divisions so far, those of these cells that happen on ``frames``
    (None: on any) are forgotten, and so are those that a new one contradicts; the others follow the masks
    that they join (the mother's last, the daughters' first) while these still are the ends of three cells.

    Raises:
        EditRefused: two masks of one plane would go to one cell, an id was used before, a mask does not
            exist, a cell is locked, or ``divisions`` break a rule.
    """
    plan = Plan(document, force=True)  # what no longer fits gives way to what was found
    concerned = {cell_id for cell_id, _ in cells} | {i for i in cells.values() if i in document}
    old = _taken_off(plan, concerned, frames)
    _move(plan, cells)
    for ends in old:
        family = [_owner(cells, end) for end in ends]
        if _fits(plan, ends, family):
            plan.divide(family[0], (family[1], family[2]))
    for mother, daughters in divisions:
        _record(plan, mother, daughters)
    return plan.edits()


def _taken_off(plan: Plan, concerned: set[int], frames: range | None) -> list[tuple[Place, Place, Place]]:
    """Take all divisions of the cells off; returns, by their masks, those that may come back."""
    lineage = plan.document.lineage
    mothers = {cell_id for cell_id in concerned if lineage.daughters(cell_id)}
    mothers |= {mother for cell_id in concerned if (mother := lineage.mother(cell_id)) is not None}
    kept: list[tuple[Place, Place, Place]] = []
    for mother in sorted(mothers):
        birth, (one, other) = plan.birth(mother), plan.daughters(mother) or (0, 0)
        ends = (_end(plan.document, mother, last=True), *(_end(plan.document, i) for i in (one, other)))
        if frames is not None and birth not in frames and None not in ends:
            kept.append(ends)  # type: ignore[arg-type]
        plan.divide(mother, None)
    return kept


def _end(document: Document, cell_id: int, *, last: bool = False) -> Place | None:
    track = document.track(cell_id)
    return (cell_id, max(track) if last else min(track)) if track else None


def _owner(cells: Mapping[Place, int], place: Place) -> int:
    return cells.get(place, place[0])


def _fits(plan: Plan, ends: tuple[Place, Place, Place], family: list[int]) -> bool:
    """Whether the three cells still end and begin with these masks."""
    tracks = [plan.track(cell_id) for cell_id in family]
    return (
        len(set(family)) == 3
        and max(tracks[0]).t == ends[0][1].t
        and all(min(track).t == end[1].t for track, end in zip(tracks[1:], ends[1:], strict=True))
    )


def _move(plan: Plan, cells: Mapping[Place, int]) -> None:
    arriving: dict[int, Track] = {}
    for (cell_id, key), new_id in cells.items():
        held = plan.track(cell_id).pop(key, None)
        if held is None:
            raise EditRefused(f"{plan.title(cell_id)} has no mask on frame {key.t + 1}: link the cells anew.")
        track = arriving.setdefault(new_id, {})
        if key in track:
            raise EditRefused(f"Two masks of frame {key.t + 1} cannot become one cell: link the cells anew.")
        track[key] = held
    for new_id, track in sorted(arriving.items()):
        _arrive(plan, new_id, track)


def _arrive(plan: Plan, cell_id: int, track: Track) -> None:
    if cell_id not in plan.document:
        if cell_id < plan.document.next_id:
            raise EditRefused(f"The id {cell_id} was used before: link the cells anew.")
        plan.add_cell(Cell(cell_id), track)
        return
    here = plan.track(cell_id)
    if twice := here.keys() & track.keys():
        raise EditRefused(
            f"{plan.title(cell_id)} has a mask on frame {min(twice).t + 1} already: link the cells anew."
        )
    here.update(track)


def _record(plan: Plan, mother: int, daughters: Pair) -> None:
    plan.divide(mother, None)
    for daughter in daughters:
        if (other := plan.mother(daughter)) is not None:
            plan.divide(other, None)
    span, birth = plan.span(mother), plan.birth_of(daughters)
    if len({mother, *daughters}) != 3 or (span and birth is not None and span[1] >= birth):
        raise EditRefused(
            f"{plan.title(mother)} cannot divide into {' and '.join(map(plan.title, daughters))}: "
            "a mother ends before her two daughters begin."
        )
    plan.divide(mother, daughters)
