"""All that a document says, and the rules that it always keeps."""

from __future__ import annotations

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.records import Calibration

Facts = tuple[dict, dict, dict, list, Calibration, frozenset]


def facts(document: Document) -> Facts:
    """Cells, their masks, their marks, divisions, scale and complete planes; everything less the next id.

    Two masks are equal only if they are the same object.
    """
    cells = document.cell_ids
    return (
        {i: document.cell(i) for i in cells},
        {i: dict(document.track(i)) for i in cells},
        {i: document.seen(i) for i in cells},
        list(document.lineage.divisions()),
        document.calibration,
        document.complete,
    )


def check_rules(document: Document) -> None:
    """The invariants of the document, and that what it keeps twice agrees."""
    cells = set(document.cell_ids)
    assert all(0 < cell_id < document.next_id for cell_id in cells)
    on_planes = [(i, key) for key in document.planes() for i in document.cells_on(key)]
    assert len(on_planes) == sum(len(document.track(i)) for i in cells)
    assert all(key in document.track(i) for i, key in on_planes)
    for cell_id in cells:
        frames = document.frames(cell_id)
        assert document.span(cell_id) == ((frames[0], frames[-1]) if frames else None)
        assert document.seen(cell_id) <= document.track(cell_id).keys()
    mothers: dict[int, int] = {}
    for mother, daughters in document.lineage.divisions():
        assert len({mother, *daughters}) == 3
        assert {mother, *daughters} <= cells
        for daughter in daughters:
            assert daughter not in mothers
            mothers[daughter] = mother
            assert document.lineage.mother(daughter) == mother
            ends, begins = document.span(mother), document.span(daughter)
            assert ends is None or begins is None or ends[1] < begins[0]
        assert document.lineage.generation(mother) < len(cells)
    assert all(document.lineage.mother(i) == mothers.get(i) for i in cells)
