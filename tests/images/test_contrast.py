from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.contrast import (
    Contrast,
    histogram,
    measure_contrast,
    model_image,
    model_view,
    to_uint8,
)
from cellsam_desktop.images.fingerprint import fingerprint
from cellsam_desktop.images.opening import open_source


def save(path: Path, data: np.ndarray, **options: object) -> Path:
    tifffile.imwrite(path, data, **({"photometric": "minisblack", "metadata": {"axes": "TYX"}} | options))
    return path


def test_percentiles_over_the_movie(tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(1000, 100, (4, 200, 200)).astype(np.float32)
    with open_source(save(tmp_path / "m.tif", data)) as source:
        contrast = measure_contrast(source, 0)
    assert contrast.low == pytest.approx(np.percentile(data, 0.35), rel=1e-6)
    assert contrast.high == pytest.approx(np.percentile(data, 99.65), rel=1e-6)


def test_first_and_last_frame_count(tmp_path: Path) -> None:
    data = np.zeros((30, 10, 10), np.uint16)
    data[0], data[-1] = 100, 900
    with open_source(save(tmp_path / "m.tif", data)) as source:
        contrast = measure_contrast(source, 0)
    assert (contrast.low, contrast.high) == (0, 900)


def test_large_planes_are_subsampled_evenly(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.arange(3000, dtype=np.uint16), (2000, 3000))
    with open_source(save(tmp_path / "m.tif", ramp, metadata={"axes": "YX"})) as source:
        contrast = measure_contrast(source, 0)
    assert contrast.low == pytest.approx(10.5, abs=4)
    assert contrast.high == pytest.approx(2988.5, abs=4)


def test_a_few_bright_pixels_still_give_a_range(tmp_path: Path) -> None:
    data = np.zeros((1, 100, 100), np.uint8)
    data[0, 4, 4] = 200
    with open_source(save(tmp_path / "m.tif", data)) as source:
        assert measure_contrast(source, 0) == Contrast(0, 200)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32", "float64"])
def test_scaling_is_the_same_for_every_type(dtype: str) -> None:
    values = np.array([[0, 10, 35, 60], [85, 110, 120, 127]], dtype)
    shown = to_uint8(values, Contrast(10, 110))
    assert shown.dtype == np.uint8
    np.testing.assert_array_equal(shown, [[0, 0, 64, 128], [191, 255, 255, 255]])


def test_gamma() -> None:
    values = np.array([[0.0, 0.25, 1.0]])
    np.testing.assert_array_equal(to_uint8(values, Contrast(0, 1, 0.5)), [[0, 128, 255]])
    assert to_uint8(np.array([[64]], np.uint8), Contrast(0, 255, 0.5))[0, 0] == 128


def test_contrast_without_width_is_a_threshold() -> None:
    np.testing.assert_array_equal(to_uint8(np.array([[4, 5, 6]], np.uint8), Contrast(5, 5)), [[0, 0, 255]])


def test_model_image() -> None:
    grey = np.arange(12, dtype=np.uint16).reshape(3, 4)
    seen = model_image(grey, Contrast(0, 11))
    assert seen.shape == (3, 4, 3)
    assert seen.flags.c_contiguous
    for sample in range(3):
        np.testing.assert_array_equal(seen[..., sample], to_uint8(grey, Contrast(0, 11)))
    colour = np.random.default_rng(0).integers(0, 255, (3, 4, 3), dtype=np.uint8)
    np.testing.assert_array_equal(model_image(colour, Contrast(0, 255)), colour)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_a_large_plane_takes_little_more_than_what_is_shown(dtype: str) -> None:
    plane = np.linspace(0, 1000, 36_000_000, dtype=np.float32).reshape(6000, 6000).astype(dtype)
    tracemalloc.start()
    try:
        shown = model_view(plane, Contrast(0.0, 1000.0))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (shown.shape, int(shown[-1, -1, 2])) == ((6000, 6000, 3), 255)
    assert most < plane.size + 80_000_000
    assert np.array_equal(shown[1234:1300], model_image(plane[1234:1300], Contrast(0.0, 1000.0)))


def test_json() -> None:
    contrast = Contrast(3.5, 900.25, 0.8)
    assert Contrast.from_json(contrast.to_json()) == contrast
    for broken in ({}, {"low": 1}, {"low": "x", "high": 2}, {"low": 0, "high": 1, "gamma": 0}):
        with pytest.raises(ImageError, match="set the contrast again"):
            Contrast.from_json(broken)


def test_histogram() -> None:
    plane = np.array([[0, 1, 2, 3], [3, 3, 3, 3]], np.uint16)
    counts, edges = histogram(plane, bins=4)
    assert counts.tolist() == [1, 1, 1, 5]
    assert len(edges) == 5


def test_fingerprint_follows_the_pixels(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 65535, (9, 20, 30), dtype=np.uint16)

    def of(path: Path, axes: str | None = None) -> str:
        with open_source(path, axes) as source:
            return fingerprint(source)

    original = of(save(tmp_path / "a.tif", data))
    renamed = save(tmp_path / "b.tif", data, compression="zlib", byteorder=">")
    assert of(renamed) == original
    assert of(renamed, "ZYX") != original
    changed = data.copy()
    changed[-1, 3, 3] ^= 1
    assert of(save(tmp_path / "c.tif", changed)) != original
    assert of(save(tmp_path / "d.tif", data[:8])) != original


def test_fingerprint_reads_three_planes_at_most(tmp_path: Path) -> None:
    data = np.zeros((50, 5, 5), np.uint8)
    with open_source(save(tmp_path / "a.tif", data)) as source:
        asked: list[PlaneIndex] = []
        read = source.read_plane
        source.read_plane = lambda index: asked.append(index) or read(index)  # type: ignore[method-assign]
        fingerprint(source)
    assert asked == [PlaneIndex(0), PlaneIndex(24), PlaneIndex(49)]
