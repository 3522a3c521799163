"""How mitosis changes the shape and brightness of a nucleus."""

from __future__ import annotations

from dataclasses import dataclass

from cellsam_desktop.images.sample.lineage import SampleCell


@dataclass(frozen=True)
class Phase:
    """Semi-axes along and across the division axis relative to the interphase radius, and brightness.

    ``condensed`` (0..1) fades the nucleolus and the fine chromatin; ``lobes`` (0..1) parts the two sets.
    """

    along: float = 1.0
    across: float = 1.0
    brightness: float = 1.0
    condensed: float = 0.0
    lobes: float = 0.0


INTERPHASE = Phase()
BEFORE_DIVISION = (
    Phase(1.08, 0.52, 1.75, 1.0, 0.75),  # anaphase
    Phase(0.38, 0.84, 1.95, 1.0),  # metaphase plate
    Phase(0.86, 0.88, 1.32, 0.7),  # prophase
    Phase(0.96, 0.96, 1.10, 0.3),
)
"""By frames left until the division."""

AFTER_DIVISION = (
    Phase(0.44, 0.70, 1.60, 1.0),  # telophase
    Phase(0.68, 0.78, 1.32, 0.6),
    Phase(0.86, 0.89, 1.12, 0.3),
    Phase(0.95, 0.96, 1.04, 0.1),
)
"""By frames since the division."""


def phase_of(cell: SampleCell, frame: int) -> Phase:
    """The phase of the cell cycle in which a cell is seen."""
    left, age = cell.frames_left(frame), cell.age(frame)
    if left is not None and left < len(BEFORE_DIVISION):
        return BEFORE_DIVISION[left]
    if age is not None and age < len(AFTER_DIVISION):
        return AFTER_DIVISION[age]
    return INTERPHASE
