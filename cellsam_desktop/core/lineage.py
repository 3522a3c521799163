"""The forest of cells under divisions: each mother has exactly two daughters, each daughter one mother."""

from __future__ import annotations

from collections.abc import Iterator

from cellsam_desktop.core.errors import EditRefused


class Lineage:
    """Who divided into whom. Knows nothing of time; the document checks that part."""

    def __init__(self) -> None:
        self._daughters: dict[int, tuple[int, int]] = {}
        self._mother: dict[int, int] = {}

    def mother(self, cell_id: int) -> int | None:
        """The mother of a cell, or None for a founder."""
        return self._mother.get(cell_id)

    def daughters(self, cell_id: int) -> tuple[int, int] | None:
        """The two daughters of a cell, or None if it did not divide."""
        return self._daughters.get(cell_id)

    def divisions(self) -> Iterator[tuple[int, tuple[int, int]]]:
        """Every (mother, (daughter, daughter)), by mother id."""
        return iter(sorted(self._daughters.items()))

    @property
    def count(self) -> int:
        """How many cells have divided."""
        return len(self._daughters)

    def copy(self) -> Lineage:
        """The same forest, apart from this one."""
        copy = Lineage()
        copy._daughters, copy._mother = dict(self._daughters), dict(self._mother)
        return copy

    def founder(self, cell_id: int) -> int:
        """The oldest ancestor of a cell (the cell itself if it has no mother)."""
        while (mother := self._mother.get(cell_id)) is not None:
            cell_id = mother
        return cell_id

    def generation(self, cell_id: int) -> int:
        """Number of divisions between the founder and the cell."""
        generation = 0
        while (mother := self._mother.get(cell_id)) is not None:
            cell_id, generation = mother, generation + 1
        return generation

    def add(self, mother: int, daughters: tuple[int, int]) -> None:
        """Record a division.

        Raises:
            EditRefused: the mother has divided already, a daughter has a mother already, the three are
                not three different cells, or a daughter is an ancestor of the mother.
        """
        self._refuse_impossible(mother, daughters)
        self._daughters[mother] = daughters
        for daughter in daughters:
            self._mother[daughter] = mother

    def remove(self, mother: int) -> tuple[int, int]:
        """Forget the division of ``mother`` and return its daughters.

        Raises:
            EditRefused: the cell did not divide.
        """
        daughters = self._daughters.pop(mother, None)
        if daughters is None:
            raise EditRefused(f"Cell {mother} has no division to remove.")
        for daughter in daughters:
            del self._mother[daughter]
        return daughters

    def _refuse_impossible(self, mother: int, daughters: tuple[int, int]) -> None:
        if len({mother, *daughters}) != 3:
            raise EditRefused("A division needs one mother and two different daughters: select three cells.")
        if mother in self._daughters:
            raise EditRefused(
                f"Cell {mother} has divided already: remove that division first.", forceable=True
            )
        for daughter in daughters:
            if daughter in self._mother:
                raise EditRefused(
                    f"Cell {daughter} is already a daughter of cell {self._mother[daughter]}: "
                    "remove that division first.",
                    forceable=True,
                )
        ancestor: int | None = mother
        while ancestor is not None:
            if ancestor in daughters:
                raise EditRefused(
                    f"Cell {ancestor} is an ancestor of cell {mother} and cannot be its daughter: "
                    "choose a cell that begins after the mother."
                )
            ancestor = self._mother.get(ancestor)
