from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet

from cellsam_desktop.cli import main
from cellsam_desktop.core.edits import MarkSeen
from cellsam_desktop.core.geometry import PlaneIndex, PlaneKey
from cellsam_desktop.project import runs
from tests.curation.conftest import Desk


def test_the_table_has_brightness_and_masks(desk: Desk, tmp_path: Path, movie_writer: Callable) -> None:
    desk.open(movie_writer(tmp_path / "movie.tif", channels=2))
    desk.add_cell(1)
    desk.add_cell(2, PlaneKey(3), x=30)
    desk.session.commit("Seen", [MarkSeen(2, frozenset([PlaneKey(3)]))])
    desk.session.measuring.export(tmp_path / "out.parquet")
    desk.session.measuring.export(tmp_path / "out.csv", [2])
    desk.settle()
    assert "Table written" in desk.texts[-1]
    rows = pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert [(row["id"], row["frame"], row["seen"]) for row in rows] == [(1, 0, 0), (2, 3, 1)]
    plane = desk.session.movie.source.read_plane(PlaneIndex(3, 1, 0))
    assert rows[1]["intensity_mean_c1"] == plane[10:15, 30:35].mean()
    mask = runs.mask_of(*(rows[1][name] for name in ("box_x", "box_y", "box_width", "box_height", "mask")))
    assert mask.same_pixels(desk.session.movie.document.record(2, PlaneKey(3)).mask)
    with (tmp_path / "out.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert row["intensity_mean_c1"] == str(rows[1]["intensity_mean_c1"])


def test_a_table_that_cannot_be_written_is_told(desk: Desk, movie_file: Path, tmp_path: Path) -> None:
    desk.session.measuring.export(tmp_path / "out.csv")
    desk.open(movie_file)
    desk.add_cell(1)
    desk.session.measuring.export(tmp_path / "nowhere" / "out.csv")
    desk.settle()
    assert len(desk.errors) == 1
    assert "cannot be written" in desk.errors[0]


def test_a_project_is_exported_without_a_window(desk: Desk, tmp_path: Path, movie_writer: Callable) -> None:
    movie = movie_writer(tmp_path / "movie.tif", channels=2)
    desk.open(movie)
    desk.add_cell(1)
    project = desk.session.movie.project_path
    desk.close()
    arguments = ["export", str(project), "--to", "parquet", "--out", str(tmp_path / "cells.parquet")]
    assert main(arguments) == 0
    plain = pyarrow.parquet.read_table(tmp_path / "cells.parquet")
    assert main([*arguments, "--movie", str(movie)]) == 0
    bright = pyarrow.parquet.read_table(tmp_path / "cells.parquet")
    more = {f"intensity_{what}_c{c}" for c in (0, 1) for what in ("mean", "total")}
    assert set(bright.column_names) - set(plain.column_names) == more
    arguments[3] = "labels"
    assert main([*arguments, "--movie", str(movie)]) == 2
