"""What one transaction changed: views and stores read this and touch nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from cellsam_desktop.core.geometry import Place, PlaneKey

Places = Mapping[int, frozenset[PlaneKey]]


@dataclass(frozen=True)
class ChangeSet:
    """Ids and places touched by a transaction, its undo or its redo.

    ``cells`` are cells added, removed or altered (name, locked); ``places`` are, by cell id, the planes on
    which its mask was set, replaced or removed; ``lineage`` are mothers whose division changed; ``seen`` are,
    by cell id, the planes on which its mask was marked as seen, or no longer is, while the mask stayed (one
    that changes loses its mark, and is in ``places``). ``complete`` are the planes that were marked as
    complete, or no longer are.
    """

    name: str = ""
    cells: frozenset[int] = field(default_factory=frozenset)
    places: Places = field(default_factory=dict)
    lineage: frozenset[int] = field(default_factory=frozenset)
    calibration: bool = False
    seen: Places = field(default_factory=dict)
    complete: frozenset[PlaneKey] = frozenset()

    @cached_property
    def masks(self) -> frozenset[Place]:
        """Every (cell id, plane) whose mask changed; with very many masks rather ask ``places`` or ``on``."""
        return frozenset((cell_id, key) for cell_id, keys in self.places.items() for key in keys)

    @cached_property
    def mask_count(self) -> int:
        """How many masks, or the marks on them, changed."""
        return sum(map(len, self.places.values())) + sum(map(len, self.seen.values()))

    @cached_property
    def planes(self) -> frozenset[PlaneKey]:
        """The planes on which masks changed."""
        return frozenset().union(*self.places.values())

    @cached_property
    def touched_cells(self) -> frozenset[int]:
        """Every cell concerned in any way."""
        return self.cells | self.lineage | self.places.keys() | self.seen.keys()

    def on(self, key: PlaneKey) -> list[int]:
        """The cells whose mask on a plane changed."""
        return [cell_id for cell_id, keys in self.places.items() if key in keys]

    def __or__(self, other: ChangeSet) -> ChangeSet:
        """What either touches, under the other's name."""
        return ChangeSet(
            other.name,
            self.cells | other.cells,
            _united(self.places, other.places),
            self.lineage | other.lineage,
            self.calibration or other.calibration,
            _united(self.seen, other.seen),
            self.complete | other.complete,
        )


def _united(one: Places, other: Places) -> Places:
    places = dict(one)
    for cell_id, keys in other.items():
        places[cell_id] = keys | places[cell_id] if cell_id in places else keys
    return places


def places_of(masks: Iterable[Place]) -> dict[int, frozenset[PlaneKey]]:
    """(cell id, plane) pairs by cell."""
    places: dict[int, set[PlaneKey]] = {}
    for cell_id, key in masks:
        places.setdefault(cell_id, set()).add(key)
    return {cell_id: frozenset(keys) for cell_id, keys in places.items()}
