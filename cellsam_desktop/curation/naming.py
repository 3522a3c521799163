"""Naming the cells of an embryo: founders by hand, their descendants by Sulston's rules, all in one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from cellsam_desktop.analysis.sulston import Axes, Vector, axes_of, propose_names
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import ChangeCell

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session


class Direction(StrEnum):
    """Where an axis of the embryo points in the movie."""

    LEFT = "to the left"
    RIGHT = "to the right"
    UP = "up"
    DOWN = "down"
    FIRST_Z = "to the first z position"
    LAST_Z = "to the last z position"

    @property
    def vector(self) -> Vector:
        """The unit vector (z, y, x); y grows downwards."""
        return _VECTORS[self]


_VECTORS: dict[Direction, Vector] = {
    Direction.LEFT: (0.0, 0.0, -1.0),
    Direction.RIGHT: (0.0, 0.0, 1.0),
    Direction.UP: (0.0, -1.0, 0.0),
    Direction.DOWN: (0.0, 1.0, 0.0),
    Direction.FIRST_Z: (-1.0, 0.0, 0.0),
    Direction.LAST_Z: (1.0, 0.0, 0.0),
}


@dataclass(frozen=True)
class Proposal:
    """``names`` are those that cells would have by cell id, ``changes`` those that are new; ``undecided``
    tells by mother why her daughters get none.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    changes: Mapping[int, str] = field(default_factory=dict)
    undecided: Mapping[int, str] = field(default_factory=dict)


class Naming:
    """Proposes names for cells of the open movie, and gives them. Cells that are gone by then are skipped."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def founders(self) -> list[int]:
        """The first cells of all lineages with divisions, in the order in which they begin."""
        document = self._document
        found = {document.lineage.founder(mother) for mother, _ in document.lineage.divisions()}
        return sorted(found, key=lambda cell_id: (document.span(cell_id) or (0, 0), cell_id))

    def axes_from(self, given: Mapping[int, str]) -> Axes | None:
        """The axes as ABa, ABp, EMS and P2 lie, if these names are among those given or those there are."""
        trial = self._document.snapshot()
        for cell_id, name in self._there(given).items():
            trial.put_cell(replace(trial.cell(cell_id), name=name))
        return axes_of(trial)

    def propose(self, given: Mapping[int, str], axes: Axes, *, overwrite: bool) -> Proposal:
        """Names given by hand, by cell id, and those that follow from them. Nothing changes yet.

        What cells are called already counts as given by hand; with ``overwrite`` only for founders.
        """
        document = self._document
        before = {i: document.cell(i).name for i in document.cell_ids}
        kept = {
            i: name for i, name in before.items() if name and not (overwrite and document.lineage.mother(i))
        }
        naming = propose_names(document, kept | self._there(given), axes)
        names = {i: name for i, name in before.items() if name} | naming.names
        changes = {i: name for i, name in names.items() if name != before[i]}
        return Proposal(names, changes, naming.undecided)

    def apply(self, names: Mapping[int, str]) -> bool:
        """Give cells these names, as one step of undo; False when there are none."""
        if not names:
            return False
        document = self._document
        edits = [ChangeCell(replace(document.cell(i), name=name)) for i, name in self._there(names).items()]
        return bool(edits) and self._session.commit("Name cells", edits)

    def _there(self, names: Mapping[int, str]) -> dict[int, str]:
        return {i: name for i, name in names.items() if i in self._document}

    @property
    def _document(self) -> Document:
        movie = self._session.movie
        assert movie is not None, "cells are named with an open movie"
        return movie.document
