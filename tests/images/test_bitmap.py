from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.opening import open_source, possible_axes
from cellsam_desktop.images.source import Plane


def read(path: Path) -> Plane:
    with open_source(path) as source:
        plane = source.read_plane(PlaneIndex())
        assert plane.dtype == source.info.dtype
        assert source.info.rgb == (plane.ndim == 3)
        return plane


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_png(tmp_path: Path, samples: int, dtype: str) -> None:
    data = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, (9, 11, samples)).astype(dtype)
    path = tmp_path / "image.png"
    path.write_bytes(imagecodecs.png_encode(data[..., 0] if samples == 1 else data))
    expected = data[..., :3] if samples >= 3 else data[..., 0]
    np.testing.assert_array_equal(read(path), expected)


def test_png_of_one_bit(tmp_path: Path) -> None:
    data = np.random.default_rng(1).random((9, 11)) > 0.5
    path = tmp_path / "mask.png"
    Image.fromarray(data).save(path)
    np.testing.assert_array_equal(read(path) > 0, data)


@pytest.mark.parametrize("grey", [True, False])
def test_png_with_palette(tmp_path: Path, grey: bool) -> None:
    indices = np.random.default_rng(1).integers(0, 256, (9, 11), dtype=np.uint8)
    colours = np.random.default_rng(2).integers(0, 256, (256, 1 if grey else 3), dtype=np.uint8)
    colours = np.broadcast_to(colours, (256, 3))
    image = Image.fromarray(indices)
    image.putpalette(colours.tobytes())
    path = tmp_path / "palette.png"
    image.save(path)
    expected = colours[indices]
    np.testing.assert_array_equal(read(path), expected[..., 0] if grey else expected)


@pytest.mark.parametrize("suffix", ["jpg", "bmp"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg_and_bmp(tmp_path: Path, suffix: str, mode: str) -> None:
    ramp = np.add.outer(np.arange(40), np.arange(60)).astype(np.uint8)
    path = tmp_path / f"image.{suffix}"
    Image.fromarray(ramp).convert(mode).save(path, quality=98)
    plane = read(path)
    assert plane.shape == ((40, 60) if mode == "L" else (40, 60, 3))
    grey = plane if mode == "L" else plane[..., 1]
    assert np.abs(grey.astype(int) - ramp).max() <= 3


def test_colours_can_be_read_as_channels(tmp_path: Path) -> None:
    data = np.random.default_rng(1).integers(0, 255, (9, 11, 3), dtype=np.uint8)
    path = tmp_path / "image.png"
    Image.fromarray(data).save(path)
    with open_source(path) as source:
        assert possible_axes(source.info) == ["YXS", "YXC"]
    with open_source(path, axes="YXC") as source:
        assert source.info.channel_names == ("red", "green", "blue")
        np.testing.assert_array_equal(source.read_plane(PlaneIndex(c=1)), data[..., 1])
