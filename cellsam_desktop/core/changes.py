"""What one transaction changed: views and stores read this and touch nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from cellsam_desktop.core.geometry import PlaneKey


@dataclass(frozen=True)
class ChangeSet:
    """Ids and places touched by a transaction, its undo or its redo.

    ``cells`` are cells added, removed or altered (name, locked); ``masks`` are (cell id, plane) pairs
    whose mask was set, replaced or removed; ``lineage`` are mothers whose division changed.
    """

    name: str = ""
    cells: frozenset[int] = field(default_factory=frozenset)
    masks: frozenset[tuple[int, PlaneKey]] = field(default_factory=frozenset)
    lineage: frozenset[int] = field(default_factory=frozenset)
    calibration: bool = False

    @cached_property
    def planes(self) -> frozenset[PlaneKey]:
        """The planes on which masks changed."""
        return frozenset(key for _, key in self.masks)

    @cached_property
    def touched_cells(self) -> frozenset[int]:
        """Every cell concerned in any way."""
        return self.cells | self.lineage | {cell_id for cell_id, _ in self.masks}

    def __or__(self, other: ChangeSet) -> ChangeSet:
        """What either touches, under the other's name."""
        return ChangeSet(
            other.name,
            self.cells | other.cells,
            self.masks | other.masks,
            self.lineage | other.lineage,
            self.calibration or other.calibration,
        )
