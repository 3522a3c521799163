"""Movement, neighbours, cell cycles and brightness, in pixels and in physical units."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cellsam_desktop.analysis.detail_table import detail_columns, detail_rows
from cellsam_desktop.analysis.details import cycle_length, details
from cellsam_desktop.analysis.intensity import Intensities, measure_intensities
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddDivision, AddTrack, Edit
from cellsam_desktop.core.errors import Cancelled
from cellsam_desktop.core.geometry import PlaneIndex, PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source

SCALE = Calibration(0.5, 2.0, 30.0)


def block(x0: int, y0: int = 5, size: int = 4) -> MaskRecord:
    return MaskRecord(Mask(y0, x0, np.ones((size, size), np.bool_)), Source.CLICK)


@pytest.fixture
def document() -> Document:
    """1 (0-1) divides into 2, which moves, misses frame 4 and divides on frame 6, and 3 (two z positions)."""
    document = Document(SCALE)
    tracks = {
        1: {PlaneKey(0): block(10), PlaneKey(1): block(13, 9)},
        2: {PlaneKey(2): block(10), PlaneKey(3): block(16), PlaneKey(5): block(16, 15)},
        3: {PlaneKey(2): block(15), PlaneKey(2, 1): block(40), PlaneKey(3, 1): block(40, 6)},
        4: {PlaneKey(6): block(0)},
        5: {PlaneKey(7): block(0)},
    }
    edits: list[Edit] = [AddTrack(Cell(i), track) for i, track in tracks.items()]
    History(document).commit("make", [*edits, AddDivision(1, (2, 3)), AddDivision(2, (4, 5))])
    return document


def table(document: Document, *cells: int, bright: Intensities | None = None) -> list[dict]:
    bright = bright or Intensities()
    names = [column.name for column in detail_columns(SCALE, bright.channels)]
    found = details(document, cells or None, bright)
    return [dict(zip(names, row, strict=True)) for row in detail_rows(found, document, SCALE)]


def test_movement_is_measured_from_the_mask_before(document: Document):
    first, second, third = table(document, 2)
    assert (first["displacement_px"], first["speed_px_per_frame"]) == (None, None)
    assert (second["displacement_px"], second["displacement_um"]) == (6, 3)
    assert second["speed_um_per_min"] == 6
    assert (third["displacement_px"], third["speed_px_per_frame"]) == (10, 5)
    assert third["speed_um_per_min"] == 5


def test_each_z_position_moves_by_itself(document: Document):
    assert [row["displacement_px"] for row in table(document, 3)] == [None, None, 1]


def test_neighbours_count_cells_that_are_not_in_the_table(document: Document):
    assert [row["neighbours"] for row in table(document, 2)] == [1, 0, 0]


def test_a_cycle_needs_birth_and_division(document: Document):
    assert [cycle_length(document, i) for i in (1, 2, 3, 4)] == [None, 4, None, None]
    row = table(document, 2)[0]
    assert (row["cycle_frames"], row["cycle_min"]) == (4, 2)


def test_shape_in_both_units(document: Document):
    row = table(document, 1)[0]
    assert (row["perimeter_px"], row["perimeter_um"], row["eccentricity"]) == (12, 6, 0)
    assert row["mother"] is None
    assert row["area_um2"] == 4


def test_types_of_columns(document: Document):
    columns = detail_columns(SCALE, ("c0_GFP",))
    rows = list(detail_rows(details(document), document, SCALE))
    assert [column.name for column in columns[-2:]] == ["intensity_mean_c0_GFP", "intensity_total_c0_GFP"]
    for values in rows:
        for column, value in zip(columns, values, strict=False):
            assert value is None or isinstance(value, column.kind), column
    plain = [column.name for column in detail_columns(Calibration())]
    assert not [name for name in plain if name.endswith(("_um", "_um2", "_s", "_min"))]


def plane_of(index: PlaneIndex) -> np.ndarray:
    """Brightness tells channel, frame and column."""
    return np.tile(np.arange(30, dtype=np.uint16), (20, 1)) + 1000 * index.c + 100 * index.t


def test_brightness_per_channel(document: Document):
    bright = measure_intensities(document, plane_of, 2, ("GFP", "m Cherry/2"))
    assert bright.channels == ("c0_GFP", "c1_m_Cherry_2")
    row = table(document, 1, bright=bright)[1]
    assert row["intensity_mean_c0_GFP"] == 114.5
    assert row["intensity_total_c1_m_Cherry_2"] == 16 * 1114.5


def test_what_lies_beyond_the_plane_has_no_brightness(document: Document):
    bright = measure_intensities(document, plane_of, 1, cells=[3])
    assert set(bright.of) == {(3, key) for key in document.track(3)}
    [outside] = bright.of[3, PlaneKey(2, 1)]
    assert math.isnan(outside.mean)


def test_colours_count_as_channels(document: Document):
    def rgb(index: PlaneIndex) -> np.ndarray:
        return np.stack([plane_of(index), plane_of(index) + 7, plane_of(index) + 9], axis=-1)

    bright = measure_intensities(document, rgb, 1, rgb=True)
    assert bright.channels == ("c0_red", "c0_green", "c0_blue")
    assert [each.mean for each in bright.of[1, PlaneKey(0)]] == [11.5, 18.5, 20.5]


def test_each_plane_is_read_once_and_reading_can_be_cancelled(document: Document):
    read: list[PlaneIndex] = []

    def reader(index: PlaneIndex) -> np.ndarray:
        read.append(index)
        return plane_of(index)

    measure_intensities(document, reader, 2)
    assert len(read) == len(set(read)) == 2 * len(document.planes())

    def cancel(done: float) -> None:
        if done > 0.4:
            raise Cancelled("Measuring was cancelled.")

    with pytest.raises(Cancelled):
        measure_intensities(document, reader, 1, progress=cancel)
    with pytest.raises(Cancelled):
        list(details(document, progress=cancel))
