"""What the colours of cells are made from."""

from __future__ import annotations

import math

import numpy as np

from cellsam_desktop.analysis.colouring import (
    NO_VALUE,
    ROWS,
    ColourBy,
    History,
    histories,
    history,
    last_generation,
    lineage_rows,
    range_of,
    rows_between,
    unit,
)
from cellsam_desktop.analysis.intensity import Intensities, Intensity
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.lineage import Lineage
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source


def record(y0: int, x0: int, height: int, width: int) -> MaskRecord:
    mask = Mask.from_array(np.ones((height, width), bool), y0, x0)
    assert mask is not None
    return MaskRecord(mask, Source.IMPORTED)


def moving(scale: Calibration) -> Document:
    """Cell 1 on frames 2, 3 and 5, moving 4 pixels along y and 3 along x per frame."""
    document = Document(scale)
    document.put_cell(Cell(1))
    document.put_cell(Cell(2))
    for t in (2, 3, 5):
        document.put_record(1, PlaneKey(t), record(4 * t, 3 * t, 2, t))
    return document


def test_founders_whose_ids_share_a_colour_get_different_ones() -> None:
    lineage = Lineage()
    lineage.add(1, (2, 3))
    rows = lineage_rows(lineage, [1, 2, 3, 256, 511, 7])
    assert rows == {1: 1, 256: 2, 511: 3, 7: 7}
    many = lineage_rows(Lineage(), range(1, 1000))
    assert set(many.values()) == set(range(1, ROWS + 1))


def test_the_last_generation() -> None:
    lineage = Lineage()
    assert last_generation(lineage) == 0
    lineage.add(1, (2, 3))
    lineage.add(3, (4, 5))
    assert last_generation(lineage) == 2


def test_rows_of_values() -> None:
    rows = rows_between([0.0, 5.0, 10.0, -3.0, 99.0, math.nan], 0, 10)
    assert rows.tolist() == [1, 127, 254, 1, 254, NO_VALUE]
    assert rows_between([3.0], 3, 3).tolist() == [127]


def test_areas_over_time() -> None:
    found = history(moving(Calibration()), 1, ColourBy.AREA)
    assert found.first == 2
    np.testing.assert_array_equal(found.values, [4, 6, math.nan, 10])
    assert found.at(3) == 6
    assert math.isnan(found.at(1))
    assert math.isnan(found.at(9))
    scaled = history(moving(Calibration(pixel_size_um=0.5)), 1, ColourBy.AREA)
    assert scaled.at(3) == 1.5


def test_speeds_over_time() -> None:
    found = history(moving(Calibration(pixel_size_um=0.5, frame_interval_s=30.0)), 1, ColourBy.SPEED)
    assert math.isnan(found.at(2))
    step = math.hypot(4, 3.5) * 0.5 / 0.5  # the middle moves on as the cell grows; half a minute per frame
    np.testing.assert_allclose(found.at(3), step)
    np.testing.assert_allclose(found.at(5), step)  # over two frames


def test_masks_in_several_planes_count_together() -> None:
    document = moving(Calibration())
    document.put_record(1, PlaneKey(3, 1), record(0, 0, 2, 2))
    assert history(document, 1, ColourBy.AREA).at(3) == 10


def test_all_cells_and_their_range() -> None:
    seen: list[float] = []
    found = histories(moving(Calibration()), ColourBy.AREA, progress=seen.append)
    assert set(found) == {1, 2}
    assert found[2].values.size == 0
    assert seen == [0.0, 0.5]
    assert range_of(found.values()) == (4.08, 9.84)
    assert range_of([]) is None
    assert range_of([History(0, np.array([math.nan]))]) is None


def test_units() -> None:
    assert unit(ColourBy.AREA, Calibration()) == "px"
    assert unit(ColourBy.AREA, Calibration(0.1)) == "µm²"
    assert unit(ColourBy.SPEED, Calibration()) == "px/frame"
    assert unit(ColourBy.SPEED, Calibration(0.1, None, 60.0)) == "µm/min"


def test_only_changed_frames_are_measured_again() -> None:
    document = moving(Calibration())
    before = history(document, 1, ColourBy.SPEED)
    known = History(before.first, before.values * 0 + 100)
    again = history(document, 1, ColourBy.SPEED, known=known, changed={3})
    np.testing.assert_array_equal(np.isnan(again.values), [True, False, True, False])
    np.testing.assert_array_equal(again.values[[1, 3]], before.values[[1, 3]])  # 5 follows 3
    nothing = history(document, 1, ColourBy.SPEED, known=known, changed=set())
    assert nothing.at(3) == 100


def test_the_intensity_of_several_planes_is_weighted_by_area() -> None:
    document = moving(Calibration())
    document.put_record(1, PlaneKey(3, 1), record(0, 0, 3, 6))
    of = {(1, PlaneKey(3)): (Intensity(8.0, 0.0),), (1, PlaneKey(3, 1)): (Intensity(4.0, 0.0),)}
    found = history(document, 1, ColourBy.INTENSITY, Intensities(("c0",), of))
    assert found.at(3) == 5.0
    assert math.isnan(found.at(2))
