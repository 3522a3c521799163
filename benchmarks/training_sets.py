"""Which images train a decoder and which judge it: fixed, so that figures can be compared."""

from __future__ import annotations

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


def _every_third(count: int) -> tuple[str, str]:
    """Of each three files two to learn from, and the third to judge by."""
    test = [number for number in range(count) if number % 3 == 2]
    train = [number for number in range(count) if number % 3 != 2]
    return ",".join(map(str, train)), ",".join(map(str, test))


TRAINING_SETS = (
    TrainingSet("mito_em_vnc", "0-9", "10-13", 10, 0.80, 0.885),
    TrainingSet("cells_cellpose", *_every_third(21), 15, 0.63, 0.78),  # three files of each of seven kinds
    TrainingSet("movie_bacteria", "0-16", "20-25", 10, 0.60, 0.78),
    TrainingSet("nuclei_dsb2018", *_every_third(48), 10, 0.74, 0.86),
)
