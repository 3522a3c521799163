"""``--accepted``: the cells of a label image teach ``segment`` what the cells of the movie are like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cellsam_desktop.analysis.knowledge import CellFacts, Knowledge, facts_of
from cellsam_desktop.core.geometry import MovieSizes, PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.project.importers.labels import import_labels

# As in the window: the nearest in time say most about the next one.
_CELLS = 64


@dataclass(frozen=True, eq=False)
class Accepted:
    """``facts`` are those of the cells nearest in time, ``here`` the masks on the plane segmented, by id."""

    facts: tuple[CellFacts, ...] = ()
    here: tuple[tuple[int, Mask], ...] = ()

    @classmethod
    def read(cls, path: Path, sizes: MovieSizes, plane: PlaneKey) -> Accepted:
        """The cells in a label image: one plane, which is ``plane``, or as many as the movie has.

        ``sizes`` are the movie's T, Z, Y, X. Cells of other frames teach as well, those at the same z.

        Raises:
            ExchangeError: the file is no label image, or its shape does not match the movie.
        """
        found = [entry for entry in import_labels(path, sizes, plane) if entry[1].z == plane.z]
        found.sort(key=lambda entry: abs(entry[1].t - plane.t))
        facts = tuple(facts_of(mask) for _, _, mask in found[:_CELLS])
        return cls(facts, tuple((cell_id, mask) for cell_id, key, mask in found if key == plane))

    def knowledge(self, cell_id: int) -> Knowledge:
        """What is known when the cell ``cell_id`` is asked for; its own mask is not in its way."""
        return Knowledge(self.facts, [mask for other, mask in self.here if other != cell_id])
