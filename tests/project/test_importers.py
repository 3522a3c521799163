from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellsam_desktop.core.errors import ExchangeError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.project.exporters.labels import export_labels
from cellsam_desktop.project.importers.labels import import_labels, masks_of


def labels(frames: int = 3, dtype: type = np.uint16) -> np.ndarray:
    out = np.zeros((frames, 20, 30), dtype)
    for t in range(frames):
        out[t, 2:6, 3 + t : 8 + t] = 7
        out[t, 10, 10] = 200
    return out


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int32, np.float32])
def test_ids_and_pixels_are_kept(tmp_path: Path, dtype):
    path, values = tmp_path / "labels.tif", labels(dtype=dtype)
    tifffile.imwrite(path, values, photometric="minisblack", metadata={"axes": "TYX"})
    found = {(cell_id, key): mask for cell_id, key, mask in import_labels(path, (3, 1, 20, 30))}
    assert set(found) == {(i, PlaneKey(t)) for i in (7, 200) for t in range(3)}
    for (cell_id, key), mask in found.items():
        assert np.array_equal(mask.to_plane(20, 30), values[key.t] == cell_id)


def test_very_large_ids_are_kept(tmp_path: Path):
    path, values = tmp_path / "labels.tif", labels(1, np.uint32)[0]
    values[values == 200] = 3_000_000_000
    found = dict(masks_of(values, path))
    assert sorted(found) == [7, 3_000_000_000]
    assert all(np.array_equal(mask.to_plane(20, 30), values == i) for i, mask in found.items())


def test_what_was_exported_comes_back(tmp_path: Path, document):
    path = tmp_path / "labels.tif"
    export_labels(path, document, (4, 2, 48, 64), Calibration(0.5))
    found = list(import_labels(path, (4, 2, 48, 64)))
    assert {(i, k) for i, k, _ in found} == {(i, k) for i in document.cell_ids for k in document.track(i)}
    for cell_id, key, mask in found:
        record = document.record(cell_id, key)
        assert record is not None
        if cell_id != 2:
            assert mask.same_pixels(record.mask)


def test_one_plane_goes_onto_the_plane_asked_for(tmp_path: Path):
    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, labels(1)[0], photometric="minisblack")
    assert {k for _, k, _ in import_labels(path, (9, 4, 20, 30))} == {PlaneKey(0, 0)}
    assert {k for _, k, _ in import_labels(path, (9, 4, 20, 30), PlaneKey(5, 2))} == {PlaneKey(5, 2)}


def test_frames_stored_as_z_positions_are_matched_by_order(tmp_path: Path):
    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, labels(3), photometric="minisblack", metadata={"axes": "ZYX"})
    assert {k for _, k, _ in import_labels(path, (3, 1, 20, 30))} == {PlaneKey(t) for t in range(3)}


@pytest.mark.parametrize(
    ("values", "sizes", "words"),
    [
        (labels(3), (3, 1, 30, 20), "30 x 20 pixels"),
        (labels(3), (4, 1, 20, 30), "4 frames"),
        (labels(1)[0].astype(np.float32) + 0.5, (1, 1, 20, 30), "no cell ids"),
        (-labels(1)[0].astype(np.int16), (1, 1, 20, 30), "no cell ids"),
        (np.zeros((20, 30, 3), np.uint8), (1, 1, 20, 30), "colour"),
    ],
)
def test_what_does_not_match_gets_one_sentence(tmp_path: Path, values, sizes, words):
    path = tmp_path / "labels.tif"
    photometric = "rgb" if values.shape[-1] == 3 else "minisblack"
    tifffile.imwrite(path, values, photometric=photometric)
    with pytest.raises(ExchangeError, match=words) as caught:
        list(import_labels(path, sizes))
    assert "labels.tif" in str(caught.value)


def test_a_broken_file_gets_one_sentence(tmp_path: Path):
    path = tmp_path / "labels.tif"
    path.write_bytes(b"not a tiff")
    with pytest.raises(ExchangeError, match=r"labels\.tif"):
        list(import_labels(path, (1, 1, 20, 30)))


def test_real_tracks(bacteria_movie):
    values = tifffile.imread(bacteria_movie.labels, key=10)
    masks = dict(masks_of(values, bacteria_movie.labels))
    assert sorted(masks) == [i for i in np.unique(values).tolist() if i]
    assert all(np.array_equal(m.to_plane(*values.shape), values == i) for i, m in masks.items())
