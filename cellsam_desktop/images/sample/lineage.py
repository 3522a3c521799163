"""Who divides when: the first five divisions of the C. elegans lineage.

The order of the founders and the rough lengths of their cycles follow Sulston et al. 1983 (Dev. Biol.
100:64): the AB cells divide nearly in step, MS and C later, E and the germ line latest. Lengths are
rounded to frames and varied by a few per cent.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

FRAMES = 44
MINUTES_PER_FRAME = 2.0

DAUGHTERS = {
    "AB": ("ABa", "ABp"), "P1": ("EMS", "P2"), "EMS": ("MS", "E"), "P2": ("C", "P3"), "P3": ("D", "P4"),
}  # fmt: skip
"""Named divisions; any other cell X divides into Xa and Xp."""

CYCLE_MINUTES = (15.0, 16.0, 17.5, 20.0, 25.0, 32.0)
"""Length of the cycle by generation, counted from the two-cell stage."""

SLOWER = {"AB": 1.0, "MS": 1.12, "EMS": 1.12, "E": 1.4, "C": 1.3, "D": 1.5, "P": 1.3}
"""Factor on the cycle by founder; the longest founder name that begins the cell's name counts."""

RADIUS_PIXELS = (47.0, 39.0, 33.0, 28.0, 24.0, 21.0)
"""Radius of an interphase nucleus by generation."""

FIRST_DIVISION_MINUTES = {"AB": 10.0, "P1": 14.0}
"""The movie begins in the middle of the two-cell stage."""


@dataclass
class SampleCell:
    """One cell of the truth. It is visible from frame ``first`` to frame ``last``, both included."""

    id: int
    name: str
    generation: int
    first: int
    last: int
    radius: float
    parent: SampleCell | None = None
    daughters: list[SampleCell] = field(default_factory=list)

    def age(self, frame: int) -> int | None:
        """Frames since the division it came from; None for the founders."""
        return None if self.parent is None else frame - self.first

    def frames_left(self, frame: int) -> int | None:
        """Frames until its own division (0 in its last frame); None if it does not divide."""
        return self.last - frame if self.daughters else None


def grow_lineage(random: np.random.Generator) -> list[SampleCell]:
    """All cells of the movie in order of birth; ids begin at 1 and mothers precede daughters."""
    cells: list[SampleCell] = []
    waiting: list[tuple[int, str, SampleCell | None, int]] = [
        (0, name, None, max(2, round(minutes / MINUTES_PER_FRAME)))
        for name, minutes in FIRST_DIVISION_MINUTES.items()
    ]
    while waiting:
        waiting.sort(key=lambda birth: (birth[0], birth[1]))
        first, name, parent, length = waiting.pop(0)
        generation = 0 if parent is None else parent.generation + 1
        radius = RADIUS_PIXELS[min(generation, 5)] * _size_factor(name) * random.uniform(0.96, 1.04)
        last = min(first + length, FRAMES) - 1
        cell = SampleCell(len(cells) + 1, name, generation, first, last, radius, parent)
        cells.append(cell)
        if parent is not None:
            parent.daughters.append(cell)
        if first + length < FRAMES:
            for daughter in DAUGHTERS.get(name, (name + "a", name + "p")):
                waiting.append((first + length, daughter, cell, _cycle(daughter, generation + 1, random)))
    return cells


def _cycle(name: str, generation: int, random: np.random.Generator) -> int:
    founder = max((key for key in SLOWER if name.startswith(key)), key=len)
    minutes = CYCLE_MINUTES[min(generation, 5)] * SLOWER[founder] * random.uniform(0.95, 1.05)
    return max(7, round(minutes / MINUTES_PER_FRAME))


def _size_factor(name: str) -> float:
    """Germ line cells are smaller than their sisters."""
    return 0.88 if name in ("P1", "P2", "P3", "P4", "D") else 1.0
