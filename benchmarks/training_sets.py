"""Which images train a decoder and which judge it: fixed, so that figures can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TrainingSet:
    """Part of a data set to learn from for so many ``minutes``, and part of it to judge by.

    Both parts are numbers of files in natural order, or of frames: what ``cellsam-train`` takes after an @.
    ``point`` and ``box`` are the mean IoUs that are aimed at, one prompt per cell.
    """

    name: str
    train: str
    test: str
    minutes: float
    point: float
    box: float

    def train_data(self, data: Path) -> str:
        """What ``cellsam-train fit`` gets."""
        return f"{data / self.name}@{self.train}"

    def test_data(self, data: Path) -> str:
        """What ``cellsam-train evaluate`` gets."""
        return f"{data / self.name}@{self.test}"


def _but(count: int, test: Sequence[int]) -> tuple[str, str]:
    """The numbers to learn from and those to judge by, of ``count`` files."""
    train = [number for number in range(count) if number not in test]
    return ",".join(map(str, train)), ",".join(map(str, test))


# Where there is a choice, the part to judge by is the one that the model, untrained, answers most nearly as
# well as the whole set (docs/decisions/0246-what-judges-the-benchmark.md).
TRAINING_SETS = (
    TrainingSet("mito_em_vnc", *_but(14, range(4, 8)), 10, 0.80, 0.885),  # sections side by side
    TrainingSet(
        "cells_cellpose", *_but(21, range(1, 21, 3)), 15, 0.63, 0.78
    ),  # three files of each of seven kinds
    TrainingSet("movie_bacteria", "0-16", "20-25", 10, 0.60, 0.78),
    TrainingSet("nuclei_dsb2018", *_but(48, range(0, 48, 3)), 10, 0.74, 0.86),
)
