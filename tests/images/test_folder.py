from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.listing import natural_key
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.images.source import Sizes


def fill(folder: Path, names: list[str], shape: tuple[int, ...] = (6, 8)) -> Path:
    """Images whose pixels all have the number of their place in ``names``."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        plane = np.full(shape, number, np.uint8)
        if name.endswith(".tif"):
            tifffile.imwrite(folder / name, plane, photometric="minisblack", metadata=None)
        else:
            Image.fromarray(plane).save(folder / name)
    return folder


def first_pixels(folder: Path) -> list[int]:
    with open_source(folder) as source:
        return [int(source.read_plane(PlaneIndex(t=t)).flat[0]) for t in range(source.info.sizes.t)]


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_numbered_images_play_in_natural_order(tmp_path: Path, suffix: str) -> None:
    fill(tmp_path, [f"frame{n}.{suffix}" for n in range(12)])
    with open_source(tmp_path) as source:
        assert source.info.sizes == Sizes(t=12, y=6, x=8)
        assert source.info.stored_axes == "TYX"
        assert source.info.format.startswith("folder of 12 ")
    assert first_pixels(tmp_path) == list(range(12))


def test_natural_order() -> None:
    names = ["t10.tif", "t2.tif", "T1.tif", "t02b.tif"]
    ordered = sorted(map(Path, names), key=natural_key)
    assert [path.name for path in ordered] == ["T1.tif", "t2.tif", "t02b.tif", "t10.tif"]


def test_an_overview_is_left_out(tmp_path: Path) -> None:
    fill(tmp_path, ["t0.png", "t1.png", "t2.png"])
    fill(tmp_path, ["overview.png"], shape=(90, 90))
    (tmp_path / ".hidden7.png").write_bytes(b"")
    assert first_pixels(tmp_path) == [0, 1, 2]


def test_files_may_be_z_stacks(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 65535, (3, 4, 6, 8), dtype=np.uint16)
    for t, stack in enumerate(data):
        tifffile.imwrite(tmp_path / f"t{t:03}.tif", stack, photometric="minisblack", metadata=None)
    with open_source(tmp_path) as source:
        assert source.info.sizes == Sizes(t=3, z=4, y=6, x=8)
        assert source.info.axes_guessed
        np.testing.assert_array_equal(source.read_plane(PlaneIndex(t=2, z=3)), data[2, 3])
        np.testing.assert_array_equal(source.read_plane(PlaneIndex(t=0, z=1)), data[0, 1])
    with open_source(tmp_path, axes="ZTYX") as source:
        assert source.info.sizes == Sizes(t=4, z=3, y=6, x=8)
        np.testing.assert_array_equal(source.read_plane(PlaneIndex(t=1, z=2)), data[2, 1])


def test_a_folder_may_be_a_z_stack(tmp_path: Path) -> None:
    fill(tmp_path, [f"z{n}.png" for n in range(4)])
    with open_source(tmp_path, axes="ZYX") as source:
        assert source.info.sizes == Sizes(z=4, y=6, x=8)
        assert source.read_plane(PlaneIndex(z=3)).flat[0] == 3


def test_colour_images(tmp_path: Path) -> None:
    fill(tmp_path, ["a1.png", "a2.png"], shape=(6, 8, 3))
    with open_source(tmp_path) as source:
        assert source.info.rgb
        assert source.read_plane(PlaneIndex(t=1)).shape == (6, 8, 3)
    with open_source(tmp_path, axes="TYXC") as source:
        assert source.info.sizes == Sizes(t=2, c=3, y=6, x=8)
        assert source.read_plane(PlaneIndex(t=1, c=2)).shape == (6, 8)


@pytest.mark.parametrize("given", ["data", "data/01"])
def test_cell_tracking_challenge(tmp_path: Path, given: str) -> None:
    names = [f"t{n:03}.tif" for n in range(5)]
    fill(tmp_path / "data" / "01", names)
    fill(tmp_path / "data" / "02", names)
    fill(tmp_path / "data" / "01_GT" / "TRA", [f"man_track{n:03}.tif" for n in range(5)])
    assert first_pixels(tmp_path / given) == [0, 1, 2, 3, 4]
    for labels in ("01_GT/TRA", "01_GT"):
        with pytest.raises(ImageError, match=r"label|holds no"):
            open_source(tmp_path / "data" / labels)


def test_folder_of_movies_is_refused(tmp_path: Path) -> None:
    for name in ("a1.tif", "a2.tif"):
        stack = np.zeros((3, 6, 8), np.uint8)
        tifffile.imwrite(tmp_path / name, stack, photometric="minisblack", metadata={"axes": "TYX"})
    with pytest.raises(ImageError, match="movies of 3 frames themselves"):
        open_source(tmp_path)


def test_another_pixel_type_is_named_when_reached(tmp_path: Path) -> None:
    fill(tmp_path, ["t0.png", "t1.png"])
    Image.fromarray(np.zeros((6, 8), np.uint16)).save(tmp_path / "t1.png")
    with open_source(tmp_path) as source, pytest.raises(ImageError, match=r"t1\.png holds 6 x 8 .* uint16"):
        source.read_plane(PlaneIndex(t=1))


def test_a_frame_that_vanishes_is_named(tmp_path: Path) -> None:
    fill(tmp_path, ["t0.png", "t1.png"])
    with open_source(tmp_path) as source:
        (tmp_path / "t1.png").unlink()
        with pytest.raises(ImageError, match=r"t1\.png does not exist"):
            source.read_plane(PlaneIndex(t=1))
