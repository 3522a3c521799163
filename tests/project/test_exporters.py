from __future__ import annotations

import csv
import json
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import tifffile
from pycocotools import mask as coco

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddCell, SetMask
from cellsam_desktop.core.errors import Cancelled, ExchangeError
from cellsam_desktop.core.geometry import PlaneIndex, PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.project.exporters.coco import annotation, write_coco
from cellsam_desktop.project.exporters.labels import export_labels, paint
from cellsam_desktop.project.exporters.table import write_table

from .conftest import disc_mask

SCALE = Calibration(0.25, 1.5, 30.0)


def square(y0: int, x0: int, size: int) -> Mask:
    return Mask(y0, x0, np.ones((size, size), np.bool_))


def test_imagej_hyperstack_with_axes_and_scale(tmp_path: Path, document):
    path = tmp_path / "labels.tif"
    fractions: list[float] = []
    export_labels(path, document, (4, 2, 48, 64), SCALE, fractions.append)
    assert fractions == sorted(fractions)
    assert len(fractions) == 8
    with tifffile.TiffFile(path) as file:
        assert file.is_imagej
        series, meta = file.series[0], file.imagej_metadata
        assert (series.axes, series.shape, series.dtype) == ("TZYX", (4, 2, 48, 64), np.uint16)
        assert (meta["frames"], meta["slices"]) == (4, 2)
        assert (meta["unit"], meta["spacing"], meta["finterval"]) == ("um", 1.5, 30.0)
        numerator, denominator = file.pages[0].tags["XResolution"].value
        assert denominator / numerator == pytest.approx(0.25)
        labels = series.asarray()
    for cell_id in document.cell_ids:
        for key, record in document.track(cell_id).items():
            inside = labels[key.t, key.z] == cell_id
            expected = record.mask.to_plane(48, 64)
            assert not np.any(inside & ~expected)
            if cell_id != 3:
                assert np.array_equal(inside, expected & (labels[key.t, key.z] != 3))
    assert np.count_nonzero(labels[0, 1]) == 0


def test_our_own_reader_finds_the_same_scale(tmp_path: Path, document):
    path = tmp_path / "labels.tif"
    export_labels(path, document, (4, 2, 48, 64), SCALE)
    with open_source(path) as source:
        info = source.info
        assert (info.sizes.t, info.sizes.z, info.sizes.y, info.sizes.x) == (4, 2, 48, 64)
        assert info.pixel_size_um == pytest.approx(0.25)
        assert info.z_step_um == pytest.approx(1.5)
        assert info.frame_interval_s == pytest.approx(30.0)
        assert source.read_plane(PlaneIndex(0, 0, 0)).max() == 1


def test_large_ids_become_ome_tiff_of_uint32(tmp_path: Path):
    document, path = Document(), tmp_path / "labels.tif"
    edits = [AddCell(Cell(70_000)), SetMask(70_000, PlaneKey(1), MaskRecord(square(2, 3, 4), Source.CLICK))]
    History(document).commit("one", edits)
    export_labels(path, document, (2, 1, 20, 30), SCALE)
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        assert file.series[0].dtype == np.uint32
        assert 'PhysicalSizeX="0.25"' in file.ome_metadata
        assert np.unique(file.asarray()).tolist() == [0, 70_000]
    with open_source(path) as source:
        assert (source.info.sizes.t, source.info.pixel_size_um) == (2, 0.25)
        assert source.read_plane(PlaneIndex(1)).max() == 70_000


def test_an_id_beyond_32_bits_is_refused(tmp_path: Path):
    document, path = Document(), tmp_path / "labels.tif"
    History(document).commit("one", [AddCell(Cell(2**32))])
    with pytest.raises(ExchangeError, match="4294967296"):
        export_labels(path, document, (1, 1, 4, 4), SCALE)
    assert not path.exists()


def test_a_single_plane_is_a_plain_image(tmp_path: Path, document):
    path = tmp_path / "labels.tif"
    export_labels(path, document, (1, 1, 48, 64), Calibration())
    assert tifffile.imread(path).shape == (48, 64)


def test_overlaps():
    big, small = square(0, 0, 6), square(2, 2, 3)
    dtype = np.dtype(np.uint16)

    def top(*ious: float | None) -> int:
        return int(paint([(1, big, ious[0]), (2, small, ious[1])], 8, 8, dtype)[3, 3])

    assert top(0.9, 0.8) == 1
    assert top(0.8, 0.9) == 2
    assert top(None, 0.99) == 1
    assert top(None, None) == 2
    assert top(0.5, 0.5) == 2
    assert paint([(3, square(6, 6, 5), None)], 8, 8, dtype)[7, 7] == 3


def test_cancelling_leaves_what_was_there(tmp_path: Path, document):
    path = tmp_path / "labels.tif"
    path.write_bytes(b"before")

    def cancel(fraction: float) -> None:
        if fraction > 0.2:
            raise Cancelled("The export was cancelled.")

    with pytest.raises(Cancelled):
        export_labels(path, document, (4, 2, 48, 64), SCALE, progress=cancel)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_memory_does_not_grow_with_the_movie(tmp_path: Path, document):
    peaks = []
    for frames in (2, 40):
        tracemalloc.start()
        export_labels(tmp_path / "labels.tif", document, (frames, 1, 500, 500), SCALE)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 500 * 500 * 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path, document):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(ExchangeError, match=r"labels\.tif cannot be written"):
            export_labels(tmp_path / "labels.tif", document, (4, 2, 48, 64), SCALE)
        with pytest.raises(ExchangeError, match=r"table\.csv cannot be written"):
            write_table(tmp_path / "table.csv", ["a"], [["x" * 1000]] * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.glob("*.tif")) + list(tmp_path.glob("*.csv")) == []


def test_a_missing_folder_is_one_sentence(tmp_path: Path):
    with pytest.raises(ExchangeError, match="choose another folder"):
        write_table(tmp_path / "nowhere" / "table.csv", ["a"], [])
    with pytest.raises(ExchangeError, match="choose another folder"):
        write_coco(tmp_path / "nowhere" / "masks.json", [], [])


def test_table(tmp_path: Path):
    path = tmp_path / "table.csv"
    write_table(path, ["id", "name", "area_um2"], [[1, 'a, "b" µ', 2.5], [2, "", None]])
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["id", "name", "area_um2"], ["1", 'a, "b" µ', "2.5"], ["2", "", ""]]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in pycocotools
def test_coco_masks_decode_to_themselves(tmp_path: Path):
    path, mask = tmp_path / "masks.json", disc_mask(20, 11, 7)
    write_coco(
        path,
        [{"id": 1, "file_name": "a.tif", "height": 48, "width": 64}],
        [annotation(5, mask, 48, 64, 0.9), annotation(6, None, 48, 64, None)],
    )
    data = json.loads(path.read_text())
    first, second = data["annotations"]
    assert (first["id"], first["score"], first["area"]) == (5, 0.9, mask.area)
    assert first["bbox"] == [mask.x0, mask.y0, mask.bits.shape[1], mask.bits.shape[0]]
    assert np.array_equal(coco.decode(first["segmentation"]).astype(bool), mask.to_plane(48, 64))
    assert coco.decode(second["segmentation"]).sum() == second["area"] == 0
