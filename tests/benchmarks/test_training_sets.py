from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.training_commands import mean_iou
from benchmarks.training_sets import TRAINING_SETS
from training.selection import Candidate, Selection


def cells(movie: str, ious: list[float]) -> list[dict]:
    return [{"movie": movie, "t": 0, "z": 0, "iou": [iou, 1.0]} for iou in ious]


@pytest.mark.parametrize("part", TRAINING_SETS, ids=lambda part: part.name)
def test_nothing_judges_that_was_learned_from(part):
    data = Path("data")
    files = [Candidate(number) for number in range(48)]
    train, test = (
        set(Selection.parse(Path(words)).choose(files))
        for words in (part.train_data(data), part.test_data(data))
    )
    assert not train & test
    assert len(train) > len(test) > 0


def test_an_image_with_many_cells_counts_as_a_hundred():
    few, many = cells("few", [1.0] * 50), cells("many", [0.0] * 1000)
    assert mean_iou(few) == 1
    assert mean_iou([*few, *many]) == pytest.approx(50 / 150)
