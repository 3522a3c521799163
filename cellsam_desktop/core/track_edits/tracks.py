"""Identities over time: link, merge, unlink, swap, rename."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import ChangeCell, Edit
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.track_edits.divisions import detach
from cellsam_desktop.core.track_edits.plan import Pair, Plan
from cellsam_desktop.core.track_edits.records import Held, united

_NOT_TWICE = "and one cell cannot keep both its own place in the lineage and another's"


def link(document: Document, a: int, b: int, *, force: bool = False) -> list[Edit]:
    """``b`` continues ``a``: its masks, its division and, if ``a`` has none, its name become those of ``a``.

    Forced, masks of ``a`` give way to those of ``b`` on the same planes, and divisions that no longer fit
    are forgotten.

    Raises:
        EditRefused: both have a mask on the same plane, or a division is in the way.
    """
    plan = Plan(document, force=force)
    _refuse_same(a, b)
    common = plan.track(a).keys() & plan.track(b).keys()
    if common and not force:
        raise EditRefused(
            f"{plan.title(a)} and {plan.title(b)} both have masks {_frames(common)}: merge them, "
            "or delete the masks of one.",
            forceable=True,
        )
    _join(plan, (a, b), lambda _, later: later)
    return plan.edits()


def merge_tracks(document: Document, cells: Sequence[int], *, force: bool = False) -> list[Edit]:
    """Make one cell of several: the first takes all masks, united where more than one lies on a plane.

    Forced, divisions that no longer fit are forgotten.

    Raises:
        EditRefused: fewer than two cells, or a division is in the way.
    """
    plan = Plan(document, force=force)
    _refuse_same(*cells)
    _join(plan, cells, united)
    return plan.edits()


def unlink_here(document: Document, cells: Iterable[int], t: int) -> list[Edit]:
    """From frame ``t`` on each cell becomes a new one, which takes its daughters.

    Raises:
        EditRefused: one has no masks before ``t``, or none from there on.
    """
    plan = Plan(document)
    for cell_id in cells:
        detach(plan, cell_id, t)
    return plan.edits()


def swap_from_here(document: Document, a: int, b: int, t: int, *, force: bool = False) -> list[Edit]:
    """From frame ``t`` on, ``a`` is called ``b`` and ``b`` is called ``a``, with their later divisions.

    If only one has masks from there on, they go to the other. Forced, divisions that no longer fit are
    forgotten.

    Raises:
        EditRefused: there is nothing to swap, a cell would lose all masks, or a division is in the way.
    """
    plan = Plan(document, force=force)
    _refuse_same(a, b)
    later_divisions = [_later_division(plan, cell_id, t, {a, b}) for cell_id in (a, b)]
    later = [plan.take_from(cell_id, t) for cell_id in (a, b)]
    if not any(later):
        raise EditRefused(f"Neither cell has masks from frame {t + 1} on: go to a frame where they exist.")
    for cell_id, track in ((a, later[1]), (b, later[0])):
        plan.track(cell_id).update(track)
        if not plan.track(cell_id):
            raise EditRefused(f"{plan.title(cell_id)} would be left without masks: link the two instead.")
    for cell_id, daughters in ((a, later_divisions[1]), (b, later_divisions[0])):
        if daughters is not None:
            plan.give_up(cell_id, _NOT_TWICE)
            plan.divide(cell_id, daughters)
    return plan.edits()


def rename(document: Document, cell_id: int, name: str) -> list[Edit]:
    """Give a cell a name without blanks around it; an empty one takes it away."""
    cell = document.cell(cell_id)
    return [] if cell.name == name.strip() else [ChangeCell(replace(cell, name=name.strip()))]


def _later_division(plan: Plan, cell_id: int, t: int, swapped: set[int]) -> Pair | None:
    """Take the division of a cell away if it happens from frame ``t`` on, and return it."""
    daughters, birth = plan.daughters(cell_id), plan.birth(cell_id)
    if daughters is None or (birth is not None and birth < t):
        return None
    if not swapped.isdisjoint(daughters):
        plan.give_up(cell_id, "and a mother cannot become her own daughter")
        return None
    plan.divide(cell_id, None)
    return daughters


def _join(plan: Plan, cells: Sequence[int], together: Callable[[Held, Held], Held]) -> None:
    """The first cell takes all masks; ``together`` decides where two lie on one plane."""
    keeper = cells[0]
    spans = {cell_id: plan.span(cell_id) or (0, 0) for cell_id in cells}
    # Whoever ends last divides, and whoever begins first has the mother.
    divisions = [i for i in sorted(cells, key=lambda i: spans[i][1], reverse=True) if plan.daughters(i)]
    births = [i for i in sorted(cells, key=lambda i: spans[i][0]) if plan.mother(i) not in (None, *cells)]
    begin, end = min(span[0] for span in spans.values()), max(span[1] for span in spans.values())
    daughters = _kept_daughters(plan, divisions, set(cells), end)
    family = _kept_mother(plan, births, set(cells), begin)

    track = plan.track(keeper)
    for other in cells[1:]:
        for key, held in plan.track(other).items():
            track[key] = together(track[key], held) if key in track else held
        plan.track(other).clear()
    if daughters is not None:
        plan.divide(keeper, daughters)
    if family is not None:
        plan.divide(family[0], tuple(keeper if i in cells else i for i in family[1]))  # type: ignore[arg-type]
    names = [name for cell_id in cells if (name := plan.cell(cell_id).name)]
    if names and plan.cell(keeper).name != names[0]:
        plan.change_cell(replace(plan.cell(keeper), name=names[0]))


def _kept_daughters(plan: Plan, divisions: list[int], joined: set[int], end: int) -> Pair | None:
    kept: Pair | None = None
    for mother in divisions:
        daughters, birth = plan.daughters(mother), plan.birth(mother)
        assert daughters is not None
        if kept is None and joined.isdisjoint(daughters) and (birth is None or birth > end):
            kept = daughters
            plan.divide(mother, None)
        else:
            plan.give_up(mother, _NOT_TWICE)
    return kept


def _kept_mother(plan: Plan, births: list[int], joined: set[int], begin: int) -> tuple[int, Pair] | None:
    kept: tuple[int, Pair] | None = None
    for daughter in births:
        mother = plan.mother(daughter)
        daughters = None if mother is None else plan.daughters(mother)
        if mother is None or daughters is None:
            continue  # forgotten already, with the sister
        span = plan.span(mother)
        if kept is None and not joined.issuperset(daughters) and (span is None or span[1] < begin):
            kept = mother, daughters
            plan.divide(mother, None)
        else:
            plan.give_up(mother, _NOT_TWICE)
    return kept


def _refuse_same(*cells: int) -> None:
    if len(cells) < 2 or len(set(cells)) != len(cells):
        raise EditRefused("This needs different cells: select two.")


def _frames(keys: set[PlaneKey]) -> str:
    frames = sorted({key.t for key in keys})
    return f"on frame {frames[0] + 1}" + (f" and {len(frames) - 1} more" if len(frames) > 1 else "")
