"""Divisions: record one, forget one, refuse one that was proposed."""

from __future__ import annotations

from collections.abc import Mapping

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import Edit, MarkSeen
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.records import MaskRecord, Source
from cellsam_desktop.core.track_edits.plan import Pair, Plan
from cellsam_desktop.core.track_edits.records import united


def divide(document: Document, mother: int, daughters: Pair, *, force: bool = False) -> list[Edit]:
    """Join a mother to two daughters.

    Forced, divisions that are in the way are forgotten, and the mother loses the masks that she has when
    her daughters exist already.

    Raises:
        EditRefused: the three are not three cells, or a rule is in the way.
    """
    plan = Plan(document, force=force)
    _refuse_fewer_than_three(plan, mother, *daughters)
    plan.give_up(mother, "and a cell divides once")
    for daughter in daughters:
        other = plan.mother(daughter)
        if other is not None:
            plan.give_up(other, f"and {plan.title(daughter)} has one mother")
    plan.divide(mother, daughters)
    _end_before_birth(plan, mother)
    return plan.edits()


def divide_here(document: Document, mother: int, other: int, t: int, *, force: bool = False) -> list[Edit]:
    """A cell runs on through its division: from frame ``t`` on it is a daughter, and ``other`` her sister.

    The new daughter takes the division of the cell, if it has one. Forced, another mother of ``other`` is
    forgotten.

    Raises:
        EditRefused: the cell has no masks before or from ``t`` on, or ``other`` begins before ``t``.
    """
    plan = Plan(document, force=force)
    if mother == other:
        raise EditRefused(
            "A division needs two different cells here: select the mother and the new daughter."
        )
    span = plan.span(plan.cell(other).id)
    if span is None or span[0] < t:
        raise EditRefused(
            f"{plan.title(other)} exists before frame {t + 1}: unlink it there first, so that it begins as "
            "a daughter."
        )
    if (other_mother := plan.mother(other)) is not None:
        plan.give_up(other_mother, f"and {plan.title(other)} has one mother")
    daughter = detach(plan, mother, t)
    plan.divide(mother, (daughter, other))
    return plan.edits()


def undivide(document: Document, mother: int) -> list[Edit]:
    """Forget the division of a cell; its daughters stay as cells without a mother.

    Raises:
        EditRefused: it did not divide.
    """
    plan = Plan(document)
    _refuse_undivided(plan, mother)
    plan.divide(mother, None)
    return plan.edits()


def accept_division(document: Document, mother: int) -> list[Edit]:
    """A proposed division is right: its daughters' first masks count as seen.

    Raises:
        EditRefused: the cell did not divide.
    """
    daughters = _refuse_undivided(Plan(document), mother)
    return [MarkSeen(daughter, frozenset(_first_planes(document, daughter))) for daughter in daughters]


def refuse_division(
    document: Document,
    mother: int,
    *,
    instead: Mapping[PlaneKey, MaskRecord] | None = None,
    force: bool = False,
) -> list[Edit]:
    """There was no division: the daughters go, and the mother takes the union of their masks on each plane.

    ``instead`` are masks for the mother that are better than the union. Divisions of the daughters that are
    provisional go with all that came of them. Forced, daughters that a person made, corrected or has seen go
    too, and the other divisions of the daughters are forgotten.

    Raises:
        EditRefused: the cell did not divide, or the daughters are more than proposed.
    """
    plan = Plan(document, force=force)
    for daughter in _refuse_undivided(plan, mother):
        if not force and any(document.is_curated(daughter, key) for key in document.track(daughter)):
            raise EditRefused(
                f"{plan.title(daughter)} has masks that you made or have seen: remove the division instead, "
                "which keeps both daughters.",
                forceable=True,
            )
        if is_provisional(document, daughter):
            _forget_descendants(plan, daughter)
        plan.give_up(daughter, "which would be left without a mother")
    for daughter in plan.daughters(mother) or ():
        track, hers = plan.track(mother), plan.track(daughter)
        for key, held in hers.items():
            track[key] = united(track[key], held) if key in track else held
        hers.clear()
    plan.track(mother).update({key: (record, False) for key, record in (instead or {}).items()})
    return plan.edits()


def is_proposed(document: Document, mother: int) -> bool:
    """Whether the division of a cell is a proposal: both daughters begin with masks nobody has seen.

    A mask is then propagated and neither corrected nor marked as seen.
    """
    daughters = document.lineage.daughters(mother)
    return daughters is not None and all(_begins_unseen(document, daughter) for daughter in daughters)


def is_provisional(document: Document, mother: int) -> bool:
    """Whether a division is proposed, and nobody has made, seen, named or locked anything that came of it."""
    return is_proposed(document, mother) and all(
        not cell.locked
        and not cell.name
        and not any(document.is_curated(cell.id, key) for key in document.track(cell.id))
        for cell in map(document.cell, descendants(document, mother))
    )


def descendants(document: Document, mother: int) -> list[int]:
    """The daughters of a cell, their daughters and so on; each after her mother."""
    found = list(document.lineage.daughters(mother) or ())
    for cell_id in found:
        found.extend(document.lineage.daughters(cell_id) or ())
    return found


def forget_descendants(document: Document, mother: int) -> list[Edit]:
    """Take a provisional division back, with all that came of it; the mother keeps her own masks."""
    plan = Plan(document)
    _forget_descendants(plan, mother)
    return plan.edits()


def detach(plan: Plan, cell_id: int, t: int) -> int:
    """Turn a cell from frame ``t`` on into a new one, which takes its division; returns the new id.

    Raises:
        EditRefused: it has no masks before ``t``, or none from there on.
    """
    later, title = plan.take_from(cell_id, t), plan.title(cell_id)
    if not later:
        raise EditRefused(f"{title} has no masks from frame {t + 1} on: go to a frame where it exists.")
    if not plan.track(cell_id):
        raise EditRefused(f"{title} begins on this frame: go to a later one.")
    daughters = plan.daughters(cell_id)
    plan.divide(cell_id, None)
    new = plan.new_cell(later)
    if daughters is not None:
        plan.divide(new, daughters)
    return new


def _end_before_birth(plan: Plan, mother: int) -> None:
    span, birth = plan.span(mother), plan.birth(mother)
    if span is None or birth is None or span[1] < birth:
        return
    title, frame = plan.title(mother), birth + 1
    if span[0] >= birth:
        raise EditRefused(
            f"{title} does not exist before frame {frame}, where its daughters begin: "
            "choose a mother that lives earlier, or unlink the daughters where they begin."
        )
    if not plan.force:
        raise EditRefused(
            f"{title} still exists on frame {frame}, where its daughters begin: delete its masks from "
            "there on first.",
            forceable=True,
        )
    plan.take_from(mother, birth)


def _forget_descendants(plan: Plan, mother: int) -> None:
    family = descendants(plan.document, mother)
    for cell_id in (mother, *family):
        plan.divide(cell_id, None)
    for cell_id in family:
        plan.track(cell_id).clear()


def _first_planes(document: Document, cell_id: int) -> list[PlaneKey]:
    span = document.span(cell_id)
    return [] if span is None else [key for key in document.track(cell_id) if key.t == span[0]]


def _begins_unseen(document: Document, cell_id: int) -> bool:
    track, first = document.track(cell_id), _first_planes(document, cell_id)
    return bool(first) and all(
        track[key].source == Source.PROPAGATED and not document.is_seen(cell_id, key) for key in first
    )


def _refuse_fewer_than_three(plan: Plan, *cells: int) -> None:
    if len({plan.cell(cell_id).id for cell_id in cells}) != 3:
        raise EditRefused("A division needs one mother and two different daughters: select three cells.")


def _refuse_undivided(plan: Plan, mother: int) -> Pair:
    daughters = plan.daughters(plan.cell(mother).id)
    if daughters is None:
        raise EditRefused(f"{plan.title(mother)} did not divide: select a mother.")
    return daughters
