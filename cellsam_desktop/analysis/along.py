"""Along a cell, from mother to daughters: which mask comes before another, and which after."""

from __future__ import annotations

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import Place, PlaneKey

GAP = 3
"""So many frames apart, masks of a cell are still compared."""


def beside(document: Document, cell_id: int, key: PlaneKey, step: int) -> PlaneKey | None:
    """The nearest plane with a mask of the cell before (-1) or after (+1) this one, if near enough."""
    track = document.track(cell_id)
    places = (PlaneKey(key.t + step * distance, key.z) for distance in range(1, GAP + 1))
    return next((place for place in places if place in track), None)


def end_of(document: Document, cell_id: int, end: int, z: int) -> PlaneKey | None:
    """The first (0) or last (1) plane of a cell, if it has a mask at that z position there."""
    span = document.span(cell_id)
    place = PlaneKey(span[end], z) if span is not None else None
    return place if place is not None and place in document.track(cell_id) else None


def before(document: Document, cell_id: int, key: PlaneKey) -> Place | None:
    """The mask that this one was carried on from: of the cell, or else of its mother."""
    place = beside(document, cell_id, key, -1)
    if place is not None:
        return cell_id, place
    mother = document.lineage.mother(cell_id)
    end = end_of(document, mother, 1, key.z) if mother is not None else None
    return None if mother is None or end is None else (mother, end)


def after(document: Document, cell_id: int, key: PlaneKey) -> list[Place]:
    """The masks that were carried on from this one."""
    place = beside(document, cell_id, key, 1)
    if place is not None:
        return [(cell_id, place)]
    daughters = document.lineage.daughters(cell_id) or ()
    return [(i, end) for i in daughters if (end := end_of(document, i, 0, key.z)) is not None]
