from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.images.source import Sizes


def noise(shape: tuple[int, ...], dtype: str = "uint8") -> np.ndarray:
    random = np.random.default_rng(3)
    if np.dtype(dtype).kind == "f":
        return random.normal(0, 50, shape).astype(dtype)
    if dtype == "bool":
        return random.random(shape) > 0.5
    limits = np.iinfo(dtype)
    return random.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


def write(path: Path, data: np.ndarray, **options: object) -> Path:
    tifffile.imwrite(path, data, **({"photometric": "minisblack"} | options))
    return path


@pytest.mark.parametrize(
    "dtype",
    ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "float32", "float64", "float16"],
)
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_pixel_types(tmp_path: Path, dtype: str, byteorder: str) -> None:
    data = noise((3, 17, 23), dtype)
    path = write(tmp_path / "movie.tif", data, byteorder=byteorder, metadata={"axes": "TYX"})
    with open_source(path) as source:
        plane = source.read_plane(PlaneIndex(t=2))
        assert source.info.sizes == Sizes(t=3, y=17, x=23)
        assert plane.dtype == source.info.dtype
        assert plane.dtype.isnative
        np.testing.assert_array_equal(plane, data[2])


def test_one_bit_pixels_are_zero_and_one(tmp_path: Path) -> None:
    data = noise((16, 20), "bool")
    with open_source(write(tmp_path / "mask.tif", data)) as source:
        assert source.info.dtype == np.uint8
        np.testing.assert_array_equal(source.read_plane(PlaneIndex()), data.astype(np.uint8))


@pytest.mark.parametrize(
    "compression", ["lzw", "zlib", "zstd", "lzma", "packbits", "png", "jpeg2000", "lerc", "jpegxl"]
)
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_compressions(tmp_path: Path, compression: str, tile: tuple[int, int] | None) -> None:
    data = noise((2, 40, 50))
    path = write(tmp_path / "movie.tif", data, compression=compression, tile=tile, metadata={"axes": "TYX"})
    with open_source(path) as source:
        np.testing.assert_array_equal(source.read_plane(PlaneIndex(t=1)), data[1])


def test_predictor(tmp_path: Path) -> None:
    data = noise((40, 50), "uint16")
    with open_source(write(tmp_path / "a.tif", data, compression="zlib", predictor=True)) as source:
        np.testing.assert_array_equal(source.read_plane(PlaneIndex()), data)


@pytest.mark.parametrize("axes", ["TZCYX", "TYX", "ZYX", "CYX", "TCYX"])
def test_imagej_hyperstacks(tmp_path: Path, axes: str) -> None:
    lengths = {"T": 4, "Z": 3, "C": 2, "Y": 11, "X": 13}
    data = noise(tuple(lengths[a] for a in axes), "uint16")
    path = tmp_path / "ij.tif"
    tifffile.imwrite(path, data, imagej=True, metadata={"axes": axes})
    with open_source(path) as source:
        info = source.info
        assert info.format == "ImageJ TIFF"
        assert info.stored_axes == axes
        assert not info.axes_guessed
        index = PlaneIndex(info.sizes.t - 1, info.sizes.c - 1, info.sizes.z - 1)
        np.testing.assert_array_equal(source.read_plane(index), data.reshape(-1, 11, 13)[-1])
        np.testing.assert_array_equal(source.read_plane(PlaneIndex()), data.reshape(-1, 11, 13)[0])


def test_imagej_stack_whose_only_page_describes_all(tmp_path: Path) -> None:
    """Beyond 4 GB ImageJ writes one page and the other planes behind it."""
    path = tmp_path / "big.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pixels = tifffile.memmap(
            path, shape=(2100, 1024, 1024), dtype="uint16", imagej=True, metadata={"axes": "TYX"}
        )
    pixels[2099, 5, 7] = 4711
    pixels.flush()
    del pixels
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == 1
    with open_source(path) as source:
        assert source.info.sizes == Sizes(t=2100, y=1024, x=1024)
        assert source.read_plane(PlaneIndex(t=2099))[5, 7] == 4711


def test_ome_axes_scale_and_channel_names(tmp_path: Path) -> None:
    data = noise((3, 2, 4, 10, 12), "uint16")
    path = tmp_path / "movie.ome.tif"
    metadata = {
        "axes": "TCZYX",
        "Channel": {"Name": ["histone", "membrane"]},
        "PhysicalSizeX": 250.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeZ": 1.5,
        "PhysicalSizeZUnit": "µm",
        "TimeIncrement": 2.0,
        "TimeIncrementUnit": "min",
    }
    tifffile.imwrite(path, data, ome=True, photometric="minisblack", metadata=metadata)
    with open_source(path) as source:
        info = source.info
        assert (info.format, info.stored_axes, info.axes_guessed) == ("OME-TIFF", "TCZYX", False)
        assert info.channel_names == ("histone", "membrane")
        assert info.pixel_size_um == pytest.approx(0.25)
        assert info.z_step_um == pytest.approx(1.5)
        assert info.frame_interval_s == pytest.approx(120)
        np.testing.assert_array_equal(source.read_plane(PlaneIndex(2, 1, 3)), data[2, 1, 3])


def test_imagej_scale(tmp_path: Path) -> None:
    path = tmp_path / "ij.tif"
    tifffile.imwrite(
        path,
        noise((2, 3, 8, 8)),
        imagej=True,
        resolution=(4.0, 4.0),
        metadata={"axes": "TZYX", "unit": "um", "spacing": 2.0, "finterval": 30.0},
    )
    with open_source(path) as source:
        info = source.info
    assert info.pixel_size_um == pytest.approx(0.25)
    assert (info.z_step_um, info.frame_interval_s) == (2.0, 30.0)


def test_printing_resolution_is_no_pixel_size(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", noise((8, 8)), resolution=(300, 300), resolutionunit="inch")
    with open_source(path) as source:
        assert source.info.pixel_size_um is None


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("samples", [3, 4])
def test_colour(tmp_path: Path, planar: str, samples: int) -> None:
    data = noise((2, 20, 30, samples))
    stored = data if planar == "contig" else np.moveaxis(data, -1, 1)
    path = write(tmp_path / "rgb.tif", stored, photometric="rgb", planarconfig=planar, metadata=None)
    with open_source(path) as source:
        assert source.info.rgb
        assert source.info.sizes == Sizes(t=2, y=20, x=30)
        np.testing.assert_array_equal(source.read_plane(PlaneIndex(t=1)), data[1, ..., :3])


def test_samples_that_are_no_colours_are_channels(tmp_path: Path) -> None:
    data = noise((20, 30, 5), "uint16")
    path = write(tmp_path / "spectral.tif", data, planarconfig="contig", metadata=None)
    with open_source(path) as source:
        assert not source.info.rgb
        assert source.info.sizes == Sizes(c=5, y=20, x=30)
        np.testing.assert_array_equal(source.read_plane(PlaneIndex(c=3)), data[..., 3])


def test_palette(tmp_path: Path) -> None:
    indices, colours = noise((12, 14)), noise((3, 256), "uint16")
    path = write(tmp_path / "palette.tif", indices, photometric="palette", colormap=colours)
    with open_source(path) as source:
        assert source.info.rgb
        np.testing.assert_array_equal(
            source.read_plane(PlaneIndex()), (colours >> 8).astype(np.uint8).T[indices]
        )


def test_imagej_colour_table_leaves_intensities_alone(tmp_path: Path) -> None:
    data = noise((12, 14))
    path = tmp_path / "lut.tif"
    tifffile.imwrite(path, data, imagej=True, photometric="palette", colormap=noise((3, 256), "uint16"))
    with open_source(path) as source:
        assert not source.info.rgb
        np.testing.assert_array_equal(source.read_plane(PlaneIndex()), data)


def test_white_zero_is_inverted(tmp_path: Path) -> None:
    data = noise((12, 14), "uint16")
    with open_source(write(tmp_path / "w.tif", data, photometric="miniswhite")) as source:
        np.testing.assert_array_equal(source.read_plane(PlaneIndex()), 65535 - data)


def test_unnamed_axes_are_guessed_and_can_be_chosen(tmp_path: Path) -> None:
    data = noise((6, 9, 10))
    path = write(tmp_path / "pages.tif", data, metadata=None)
    with open_source(path) as source:
        assert source.info.axes_guessed
        assert source.info.sizes == Sizes(t=6, y=9, x=10)
    with open_source(path, axes="ZYX") as source:
        assert not source.info.axes_guessed
        assert source.info.sizes == Sizes(z=6, y=9, x=10)
        np.testing.assert_array_equal(source.read_plane(PlaneIndex(z=4)), data[4])


def test_volume_in_one_page(tmp_path: Path) -> None:
    data = noise((5, 32, 48), "uint16")
    path = write(tmp_path / "volume.tif", data, volumetric=True, tile=(16, 16, 16), metadata={"axes": "ZYX"})
    with open_source(path) as source:
        assert source.info.sizes == Sizes(z=5, y=32, x=48)
        np.testing.assert_array_equal(source.read_plane(PlaneIndex(z=3)), data[3])


def test_pyramid_opens_at_full_resolution(tmp_path: Path) -> None:
    data = noise((64, 64))
    path = tmp_path / "pyramid.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(data, subifds=1, tile=(16, 16), photometric="minisblack")
        writer.write(data[::2, ::2], subfiletype=1, tile=(16, 16), photometric="minisblack")
    with open_source(path) as source:
        np.testing.assert_array_equal(source.read_plane(PlaneIndex()), data)


def test_reading_outside_and_after_closing(tmp_path: Path) -> None:
    source = open_source(write(tmp_path / "a.tif", noise((2, 5, 5)), metadata={"axes": "TYX"}))
    with pytest.raises(ImageError, match="has 2 frames"):
        source.read_plane(PlaneIndex(t=2))
    source.close()
    source.close()
    with pytest.raises(ImageError, match="closed"):
        source.read_plane(PlaneIndex())


def test_many_threads_read_what_one_reads(tmp_path: Path) -> None:
    data = noise((40, 64, 64), "uint16")
    path = write(tmp_path / "movie.tif", data, compression="zlib", metadata={"axes": "TYX"})
    order = np.random.default_rng(0).integers(0, 40, 200)
    with open_source(path) as source, ThreadPoolExecutor(8) as threads:
        planes = list(threads.map(lambda t: source.read_plane(PlaneIndex(t=int(t))), order))
    np.testing.assert_array_equal(np.stack(planes), data[order])


def test_interrupted_multi_file_movie_names_the_missing_part(tmp_path: Path) -> None:
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:a">'
        '<Image ID="Image:0" Name="m"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="8"'
        ' SizeY="8" SizeZ="1" SizeC="1" SizeT="2"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
        '<TiffData FirstT="0" IFD="0" PlaneCount="1"><UUID FileName="a.ome.tif">urn:uuid:a</UUID></TiffData>'
        '<TiffData FirstT="1" IFD="0" PlaneCount="1"><UUID FileName="b.ome.tif">urn:uuid:b</UUID></TiffData>'
        "</Pixels></Image></OME>"
    )
    data = noise((2, 8, 8))
    for name, plane, uuid in (("a", data[0], "a"), ("b", data[1], "b")):
        description = xml.replace('UUID="urn:uuid:a">', f'UUID="urn:uuid:{uuid}">', 1)
        write(tmp_path / f"{name}.ome.tif", plane, description=description, metadata=None)
    with open_source(tmp_path / "a.ome.tif") as source:
        assert source.info.sizes.t == 2
        np.testing.assert_array_equal(source.read_plane(PlaneIndex(t=1)), data[1])
    (tmp_path / "b.ome.tif").unlink()
    with open_source(tmp_path / "a.ome.tif") as source, pytest.raises(ImageError, match="missing"):
        source.read_plane(PlaneIndex(t=1))
