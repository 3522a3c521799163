"""What a plan says, in the order in which data were named."""

from __future__ import annotations

from pathlib import Path

from tests.training.test_data import image, labels, write
from training.planning import plan


def test_data_sets_are_told_in_the_order_given(tmp_path: Path) -> None:
    for name in ("zebra", "ant"):
        for number in range(4):
            write(tmp_path / name / "images" / f"{number}.tif", image(number))
            write(tmp_path / name / "labels" / f"{number}.tif", labels(1, 2, 3))
    for names in (["zebra", "ant"], ["ant", "zebra"]):
        said = plan([tmp_path / name for name in names], 0, lambda _: None)
        assert list(said.data["data_sets"]) == names
