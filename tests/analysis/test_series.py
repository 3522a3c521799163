from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from cellsam_desktop.analysis.measure import Measurement, measure
from cellsam_desktop.analysis.series import Measurements
from cellsam_desktop.analysis.table import columns, rows_of
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddCell, AddDivision, Edit, SetMask
from cellsam_desktop.core.geometry import PlaneKey, Region
from cellsam_desktop.core.history import History
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source
from cellsam_desktop.project.exporters.table import write_table


def block(x0: int, y0: int, width: int = 3, height: int = 3) -> MaskRecord:
    return MaskRecord(Mask(y0, x0, np.ones((height, width), np.bool_)), Source.CLICK, 0.9)


@pytest.fixture
def document() -> Document:
    """Cell 1 moves right over five frames and divides into 2, which has two z positions, and 3."""
    document = Document()
    edits: list[Edit] = [AddCell(Cell(i, "mother" if i == 1 else "")) for i in (1, 2, 3)]
    edits += [SetMask(1, PlaneKey(t), block(10 * t, 5)) for t in range(5)]
    edits += [SetMask(2, PlaneKey(6, 0), block(0, 0)), SetMask(2, PlaneKey(6, 1), block(9, 6, 3, 6))]
    edits += [SetMask(3, PlaneKey(6), block(30, 30)), AddDivision(1, (2, 3))]
    History(document).commit("make", edits)
    return document


def every_row(measurements: Measurements, document: Document) -> list[Measurement]:
    return [row for cell_id in document.cell_ids for row in measurements.rows(cell_id)]


def test_measure():
    row = measure(4, PlaneKey(2, 1), block(10, 20, 5, 3))
    assert (row.cell_id, row.t, row.z, row.x, row.y, row.area) == (4, 2, 1, 12.0, 21.0, 15)
    assert row.box == Region(20, 10, 3, 5)
    assert (row.predicted_iou, row.source) == (0.9, Source.CLICK)


def test_only_touched_masks_are_measured_again(document: Document):
    history, measurements = History(document), Measurements(document)
    assert len(every_row(measurements, document)) == 8
    assert measurements.measured == 8
    every_row(measurements, document)
    assert measurements.measured == 8
    history.commit("move", [SetMask(1, PlaneKey(2), block(100, 5))])
    assert [row.x for row in measurements.rows(1)] == [1, 11, 101, 31, 41]
    assert measurements.measured == 9
    history.undo()
    assert [row.x for row in measurements.rows(1)] == [1, 11, 21, 31, 41]
    assert measurements.measured == 10
    history.commit("delete", [SetMask(1, PlaneKey(2), None)])
    assert measurements.row(1, PlaneKey(2)) is None
    assert [row.t for row in measurements.rows(1)] == [0, 1, 3, 4]
    assert measurements.measured == 10


def test_paths(document: Document):
    measurements = Measurements(document)
    assert list(measurements.paths([1], 3, 3, 0)) == [(1, [(1, 11, 6), (2, 21, 6), (3, 31, 6)])]
    assert list(measurements.paths([1], 9, 100, 0)) == [(1, [(t, 1 + 10 * t, 6) for t in range(5)])]
    assert list(measurements.paths([1, 77], 3, 3, 1)) == []
    assert [(i, len(steps)) for i, steps in measurements.paths([3, 2, 1], 6, 3, 0)] == [
        (3, 1),
        (2, 1),
        (1, 1),
    ]


def test_a_step_works_out_the_centroids_of_one_plane(document: Document):
    measurements, history = Measurements(document), History(document)

    def steps(t: int) -> list[tuple[int, float, float]]:
        return dict(measurements.paths([1], t, 3, 0))[1]

    steps(2)
    assert measurements.centred == 3
    steps(3)
    steps(2)
    assert measurements.centred == 4
    history.commit("move", [SetMask(1, PlaneKey(2), block(100, 5))])
    assert steps(2)[-1] == (2, 101, 6)
    history.commit("delete", [SetMask(1, PlaneKey(2), None)])
    assert [t for t, _, _ in steps(3)] == [1, 3]
    history.undo()
    history.undo()
    assert steps(2)[-1] == (2, 21, 6)
    assert measurements.centred == 7


def test_centroids_can_be_worked_out_plane_by_plane(document: Document):
    measurements = Measurements(document)
    answers = []
    while not (answers and answers[-1]):
        answers.append(measurements.prepare_paths(4, 5, 0, most=2))
    assert answers == [False, False, True]
    assert measurements.centred == 5
    assert [t for t, _, _ in dict(measurements.paths([1], 4, 5, 0))[1]] == [0, 1, 2, 3, 4]
    assert measurements.centred == 5


def test_only_so_many_planes_keep_their_centroids(document: Document):
    measurements = Measurements(document)
    for t in (*range(0, 300, 3), 4):
        list(measurements.paths([1], t, 1, 0))
    centred = measurements.centred
    list(measurements.paths([1], 4, 1, 0))
    assert measurements.centred == centred
    list(measurements.paths([1], 3, 1, 0))
    assert measurements.centred == centred + 1


def test_table_says_its_units_and_where_cells_come_from(document: Document):
    scale, measured = Calibration(0.5, 2.0, 30.0), every_row(Measurements(document), document)
    header = columns(scale)
    table = [dict(zip(header, row, strict=True)) for row in rows_of(measured, document, scale)]
    assert [(row["id"], row["frame"], row["z"]) for row in table] == [
        *((1, t, 0) for t in range(5)),
        (2, 6, 0),
        (2, 6, 1),
        (3, 6, 0),
    ]
    assert table[2] == {
        "frame": 2, "time_s": 60.0, "id": 1, "name": "mother", "z": 0, "z_um": 0.0,
        "centroid_x_px": 21.0, "centroid_y_px": 6.0, "centroid_x_um": 10.5, "centroid_y_um": 3.0,
        "area_px": 9, "area_um2": 2.25, "predicted_iou": 0.9, "source": "click", "mother": None,
    }  # fmt: skip
    assert table[-1]["mother"] == 1


def test_unknown_units_have_no_columns(document: Document, tmp_path: Path):
    header = columns(Calibration())
    assert not [name for name in header if name.endswith(("_um", "_um2", "_s"))]
    path = tmp_path / "table.csv"
    measured = every_row(Measurements(document), document)
    write_table(path, header, rows_of(measured, document, Calibration()))
    with path.open(newline="") as file:
        assert [row["area_px"] for row in csv.DictReader(file)] == ["9"] * 6 + ["18", "9"]
