"""Every file of the collection of awkward real files: it opens right, or says in one sentence why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.opening import open_source, possible_axes
from cellsam_desktop.images.source import ImageSource, MovieInfo

# file: (T, C, Z, Y, X), stored axes, pixel type; planes of axes with S, or with "rgb" behind, are RGB
MOVIES = {
    "imagej_embryothorax/sample_EmbryoTorax.tif": ((1, 2, 1, 512, 512), "CYX", "uint8"),
    "imagej_embryothorax/sample_EmbryoTorax_cells.tif": ((1, 1, 1, 512, 512), "YX", "uint8"),
    "imagej_embryothorax/tile_0_0.tif": ((1, 2, 1, 256, 256), "CYX", "uint8"),
    "imagej_embryothorax/tile_0_1.tif": ((1, 2, 1, 256, 256), "CYX", "uint8"),
    "imagej_embryothorax/tile_1_0.tif": ((1, 2, 1, 256, 256), "CYX", "uint8"),
    "imagej_embryothorax/tile_1_1.tif": ((1, 2, 1, 256, 256), "CYX", "uint8"),
    "nd2_arcadia/example-cerevisiae.nd2": ((1, 2, 1, 256, 256), "CYX", "uint16"),
    "nd2_arcadia/example-multichannel.nd2": ((1, 4, 1, 256, 256), "CYX", "uint16"),
    "nd2_arcadia/example-pbmc.nd2": ((1, 4, 1, 256, 256), "CYX", "uint16"),
    "nd2_arcadia/example-timelapse.nd2": ((53, 1, 1, 64, 64), "TYX", "uint16"),
    "nd2_arcadia/example-zstack.nd2": ((1, 1, 11, 128, 128), "ZYX", "uint16"),
    "ome_tiff/AS_09125_050116030001_D03f00d0.tif": ((1, 1, 1, 512, 512), "YX", "uint8"),
    "ome_tiff/AS_09125_050116030001_D03f00d2.tif": ((1, 1, 1, 512, 512), "YX", "uint8"),
    **{
        f"ome_tiff/E99_C{channel}_ZS{z:03}.tif": ((1, 1, 1, 128, 128), "YX", "uint16")
        for channel in (111, 222)
        for z in range(1, 22, 2)
    },
    "ome_tiff/multi-channel-time-series.ome.tiff": ((7, 3, 1, 167, 439), "TCYX", "int8"),
    "ome_tiff/multi-channel.ome.tiff": ((1, 3, 1, 167, 439), "CYX", "int8"),
    "ome_tiff/time-series.ome.tif": ((7, 1, 1, 167, 439), "TYX", "int8"),
    "ome_tiff": ((22, 1, 1, 128, 128), "TYX", "uint16"),
    "omezarr_ez_zarr/example_data/plate_ones.zarr/B/03/0": ((1, 2, 3, 1080, 1280), "CZYX", "uint16"),
    "omezarr_ez_zarr/example_data/plate_ones_mip.zarr/B/03/0": ((1, 2, 1, 1080, 1280), "CYX", "uint16"),
    "omezarr_ez_zarr/example_data_5d/tubhiswt4D_sub.zarr": ((3, 1, 2, 512, 512), "TZYX", "uint8"),
    "omezarr_ez_zarr/example_data_5d/tubhiswt4D_sub.zarr/1": ((3, 2, 1, 256, 256), "TCYX", "uint8"),
    "omezarr_ez_zarr/example_data_5d/tubhiswt4D_sub.zarr/labels/embryo": (
        (3, 1, 2, 512, 512), "TZYX", "uint8",
    ),
    "omezarr_ez_zarr/example_data_zarr3/6001240_labels_v0.5.zarr": ((1, 2, 236, 68, 67), "CZYX", "uint16"),
    "omezarr_ez_zarr/example_data_zarr3/6001240_labels_v0.5.zarr/labels/0": (
        (1, 1, 236, 275, 271), "ZYX", "int8",
    ),
    "tiff_ilastik_resolution/2d.tif": ((1, 1, 1, 16, 16), "YX", "uint8"),
    "tiff_ilastik_resolution/2d_stringified_tuple.tif": ((1, 1, 1, 16, 16), "YX", "uint8"),
    "tiff_ilastik_resolution/2d_t.tif": ((5, 1, 1, 16, 16), "TYX", "uint8"),
    "tiff_ilastik_resolution/2d_zero_division.tif": ((1, 1, 1, 16, 16), "YX", "uint8"),
    "tiff_ilastik_resolution/3d.tif": ((1, 1, 5, 16, 16), "ZYX", "uint8"),
    "tiff_ilastik_resolution/3d_c.tif": ((1, 3, 5, 16, 16), "ZCYX", "uint8"),
    "tiff_ilastik_resolution/3d_t.tif": ((5, 1, 5, 16, 16), "TZYX", "uint8"),
    "tiff_ilastik_resolution/3d_t_no_meta.tif": ((5, 1, 5, 16, 16), "TZYX", "uint8"),
    "tiff_ilastik_resolution/3d_t_other_meta.tif": ((5, 1, 5, 16, 16), "TZYX", "uint8"),
    "tiff_ilastik_resolution/5d.tif": ((5, 3, 5, 16, 16), "TZCYX", "uint8"),
    "tiff_variants/10ct_32bit_128.tiff": ((1, 1, 1, 128, 128), "YX", "float32"),
    "tiff_variants/12in16bit.tif": ((1, 1, 1, 100, 100), "YX", "uint16"),
    "tiff_variants/16_bit_noise.tif": ((1, 1, 1, 32, 32), "YX", "uint16"),
    "tiff_variants/16bit.MM.deflate.tif": ((1, 1, 1, 64, 64), "YX", "uint16"),
    "tiff_variants/16bit.deflate.tif": ((1, 1, 1, 64, 64), "YX", "uint16"),
    "tiff_variants/16bit.s.tif": ((1, 1, 1, 10, 10), "YX", "int16"),
    "tiff_variants/child_ifd.tiff": ((1, 1, 1, 32, 32), "YXS", "uint8"),
    "tiff_variants/cmx3g8_wv_1998.260_0745_mcidas.tiff": ((1, 1, 1, 400, 1800), "YX", "uint16"),
    "tiff_variants/copyleft.tiff": ((1, 1, 1, 220, 220), "YXS", "uint8"),
    "tiff_variants/g4-multi.tiff": ((3, 1, 1, 4677, 3307), "TYX", "uint8"),
    "tiff_variants/g4_orientation_2.tif": ((1, 1, 1, 88, 590), "YX", "uint8"),
    "tiff_variants/g4_orientation_4.tif": ((1, 1, 1, 88, 590), "YX", "uint8"),
    "tiff_variants/g4_orientation_6.tif": ((1, 1, 1, 590, 88), "YX", "uint8"),
    "tiff_variants/g4_orientation_8.tif": ((1, 1, 1, 590, 88), "YX", "uint8"),
    "tiff_variants/hopper.iccprofile.tif": ((1, 1, 1, 128, 128), "YXS", "uint8"),
    "tiff_variants/hopper.tif": ((1, 1, 1, 128, 128), "YXS", "uint8"),
    "tiff_variants/hopper2I.tif": ((1, 1, 1, 128, 128), "YX", "uint8"),
    "tiff_variants/hopper2R.tif": ((1, 1, 1, 128, 128), "YX", "uint8"),
    "tiff_variants/hopper4I.tif": ((1, 1, 1, 128, 128), "YX", "uint8"),
    "tiff_variants/hopper4R.tif": ((1, 1, 1, 128, 128), "YX", "uint8"),
    "tiff_variants/hopper_float_dpi_2.tif": ((1, 1, 1, 128, 128), "YXS", "uint8"),
    "tiff_variants/hopper_float_dpi_None.tif": ((1, 1, 1, 128, 128), "YXS", "uint8"),
    "tiff_variants/hopper_g4_500.tif": ((1, 1, 1, 500, 500), "YX", "uint8"),
    "tiff_variants/hopper_jpg.tif": ((1, 1, 1, 128, 128), "YXS", "uint8"),
    "tiff_variants/hopper_lzw.tif": ((1, 1, 1, 128, 128), "YXS", "uint8"),
    "tiff_variants/hopper_webp.tif": ((1, 1, 1, 128, 128), "YXS", "uint8"),
    "tiff_variants/imagedraw_polygon_width_I.tiff": ((1, 1, 1, 100, 100), "YX", "uint16"),
    "tiff_variants/issue_2278.tif": ((1, 1, 1, 480, 640), "YX", "uint8"),
    "tiff_variants/multipage-mmap.tiff": ((2, 1, 1, 10, 10), "TYX rgb", "uint8"),
    "tiff_variants/multipage_multiple_frame_loop.tiff": ((2, 1, 1, 10, 10), "TYX rgb", "uint8"),
    "tiff_variants/multipage_single_frame_loop.tiff": ((1, 1, 1, 10, 10), "YX rgb", "uint8"),
    "tiff_variants/old-style-jpeg-compression.tif": ((1, 1, 1, 870, 4160), "YXS", "uint8"),
    "tiff_variants/pil136.tiff": ((1, 1, 1, 43, 55), "YXS", "uint8"),
    "tiff_variants/pport_g4.tif": ((1, 1, 1, 3296, 2548), "YX", "uint8"),
    "tiff_variants/tiff_16bit_RGB.tiff": ((1, 1, 1, 40, 100), "YXS", "uint16"),
    "tiff_variants/tiff_adobe_deflate.tif": ((1, 1, 1, 374, 278), "YXS", "uint8"),
    "tiff_variants/tiff_strip_cmyk_16l_jpeg.tif": ((1, 1, 1, 100, 100), "YXS", "uint16"),
    "tiff_variants/tiff_strip_planar_16bit_RGB.tiff": ((1, 1, 1, 40, 100), "SYX", "uint16"),
    "tiff_variants/tiff_strip_planar_lzw.tiff": ((1, 1, 1, 374, 278), "SYX", "uint8"),
    "tiff_variants/tiff_strip_planar_raw_with_overviews.tif": ((1, 1, 1, 374, 278), "SYX", "uint8"),
    "tiff_variants/tiff_strip_ycbcr_jpeg_1x1_sampling.tif": ((1, 1, 1, 225, 300), "YXS", "uint8"),
    "tiff_variants/tiff_tiled_cmyk_jpeg.tif": ((1, 1, 1, 100, 100), "YXS", "uint8"),
    "tiff_variants/tiff_tiled_planar_16bit_RGB.tiff": ((1, 1, 1, 40, 100), "SYX", "uint16"),
    "tiff_variants/tiff_tiled_planar_lzw.tiff": ((1, 1, 1, 374, 278), "SYX", "uint8"),
    "tiff_variants/tiff_tiled_raw.tif": ((1, 1, 1, 374, 278), "YXS", "uint8"),
    "tiff_variants/tiff_tiled_ycbcr_jpeg_2x2_sampling.tif": ((1, 1, 1, 360, 480), "YXS", "uint8"),
    "tiff_variants/tiff_wrong_bits_per_sample_2.tiff": ((1, 1, 1, 16, 16), "YXS", "uint8"),
    "tiff_variants/total-pages-zero.tif": ((3, 1, 1, 2156, 1728), "TYX", "uint8"),
    "trackmate_faketracks/FakeTracks.tif": ((50, 1, 1, 128, 128), "TYX", "uint8"),
    "../movie_bacteria/movie.tif": ((26, 1, 1, 1305, 1009), "TYX", "uint8"),
    "../movie_bacteria/tracks.tif": ((26, 1, 1, 1305, 1009), "TYX", "uint16"),
    "../movie_bacteria_trpl/movie.tif": ((10, 1, 1, 727, 1026), "TYX", "uint16"),
    "../movie_nuclei_sim/movie.tif": ((10, 1, 1, 495, 534), "TYX", "uint16"),
    "../celegans/embryo_folder_movie": ((24, 1, 1, 512, 752), "TYXS", "uint8"),
    "../celegans/embryo_sample.png": ((1, 1, 1, 315, 585), "YXS", "uint8"),
    "../celegans/nucleus_seg_sample.png": ((1, 1, 1, 512, 708), "YX", "uint8"),
    "../celegans/seg_sample.jpg": ((1, 1, 1, 256, 356), "YX", "uint8"),
}  # fmt: skip

REFUSED = {
    "corrupt_made_here/empty.tif": "is empty (0 bytes)",
    "corrupt_made_here/header_only.tif": "it holds no image",
    "corrupt_made_here/text_named.tif": "is not an image",
    "corrupt_made_here/truncated_half.tif": "the file ends too early",
    "corrupt_made_here": "is empty (0 bytes)",
    "czi_ndev/0T-4C-5Z.czi": "is a Zeiss CZI file",
    "czi_ndev/10T-4C-0Z.czi": "is a Zeiss CZI file",
    "czi_ndev/3T-4C-3Z.czi": "is a Zeiss CZI file",
    "czi_ndev": "holds no TIFF",
    "omezarr_ez_zarr/example_data/plate_ones.zarr": "open one field inside it, such as plate_ones",
    "omezarr_ez_zarr/example_data/plate_ones_mip.zarr": "is a plate of many fields",
    "omezarr_ez_zarr/example_data_5d/tubhiswt4D_sub.zarr/labels": "without an image",
    "tiff_variants/lab-red.tif": "CIELAB",
    "tiff_variants/libtiff_segfault.tif": "more than memory can hold",
    "tiff_variants/seek_too_large.tif": "it holds no image",
    "trackmate_faketracks/FakeTracks.xml": "is not an image",
    "../celegans": "must be of one size",
    "../movie_bacteria": "movies of 26 frames themselves",
    "../nuclei_dsb2018/images": "must be of one size",
}

SCALES = {  # um per pixel, um per z step, seconds per frame
    "imagej_embryothorax/sample_EmbryoTorax.tif": (0.10378, None, None),
    "nd2_arcadia/example-timelapse.nd2": (0.325, None, 0.50016),
    "nd2_arcadia/example-zstack.nd2": (0.32339, 6.0, None),
    "omezarr_ez_zarr/example_data/plate_ones.zarr/B/03/0": (0.1625, 1.0, None),
    "omezarr_ez_zarr/example_data_5d/tubhiswt4D_sub.zarr": (1.0, 1.0, 1.0),
    "omezarr_ez_zarr/example_data_zarr3/6001240_labels_v0.5.zarr": (1.44159, 0.50020, None),
    "trackmate_faketracks/FakeTracks.tif": (None, None, 1.0),
    "tiff_ilastik_resolution/2d_t.tif": (None, None, 180.0),
    "tiff_ilastik_resolution/2d_zero_division.tif": (None, None, None),
}

OPTIONAL = {".nd2": "nd2", ".zarr": "zarr"}


def need_package(name: str) -> None:
    for suffix, package in OPTIONAL.items():
        if suffix in name:
            pytest.importorskip(package)


def last(info: MovieInfo) -> PlaneIndex:
    return PlaneIndex(info.sizes.t - 1, info.sizes.c - 1, info.sizes.z - 1)


@pytest.mark.parametrize("name", MOVIES)
def test_opens_right(shared_data: Path, name: str) -> None:
    need_package(name)
    sizes, axes, dtype = MOVIES[name]
    with open_source(shared_data / "formats" / name) as source:
        info = source.info
        found = info.sizes
        assert (found.t, found.c, found.z, found.y, found.x) == sizes
        assert info.stored_axes == axes.split()[0]
        assert info.dtype == dtype
        assert info.rgb == ("S" in axes or axes.endswith("rgb"))
        assert len(info.channel_names) in (0, found.c)
        assert possible_axes(info)[0] == info.stored_axes
        plane = source.read_plane(last(info))
        assert plane.dtype == info.dtype
        assert plane.shape == ((found.y, found.x, 3) if info.rgb else (found.y, found.x))
        if name.endswith((".tif", ".tiff")):
            assert_pixels_of_tifffile(source)


def assert_pixels_of_tifffile(source: ImageSource) -> None:
    """First and last plane against tifffile reading the whole series."""
    with tifffile.TiffFile(source.info.path) as file:
        page = file.series[0].keyframe
        whole = file.series[0].asarray()
    if source.info.rgb or page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        return  # stored values are not those shown
    planes = whole.reshape(-1, source.info.sizes.y, source.info.sizes.x)
    np.testing.assert_array_equal(source.read_plane(PlaneIndex()), planes[0])
    np.testing.assert_array_equal(source.read_plane(last(source.info)), planes[-1])


@pytest.mark.parametrize("name", REFUSED)
def test_says_why_not(shared_data: Path, name: str) -> None:
    need_package(name)
    assert REFUSED[name] in refusal((shared_data / "formats" / name).resolve())


def refusal(path: Path) -> str:
    with pytest.raises(ImageError) as caught:
        open_source(path).close()
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("name", SCALES)
def test_scale(shared_data: Path, name: str) -> None:
    need_package(name)
    with open_source(shared_data / "formats" / name) as source:
        info = source.info
    found = (info.pixel_size_um, info.z_step_um, info.frame_interval_s)
    for value, expected in zip(found, SCALES[name], strict=True):
        assert value == (None if expected is None else pytest.approx(expected, rel=1e-4))


def test_every_other_file_is_refused_by_name(shared_data: Path) -> None:
    """Metadata, chunks and notes lie among the images; opened by mistake, each names itself."""
    formats = shared_data / "formats"
    named = {formats / name for name in (*MOVIES, *REFUSED)}
    others = [path for path in formats.rglob("*") if path.is_file() and path not in named]
    assert len(others) > 300
    for path in others:
        assert path.name in refusal(path)


@pytest.mark.parametrize("pair", [("hopper2I", "hopper2R"), ("hopper4I", "hopper4R")])
def test_white_zero_and_black_zero_agree(shared_data: Path, pair: tuple[str, str]) -> None:
    planes = []
    for name in pair:
        with open_source(shared_data / "formats" / "tiff_variants" / f"{name}.tif") as source:
            planes.append(source.read_plane(PlaneIndex()))
    np.testing.assert_array_equal(*planes)


@pytest.mark.parametrize("samples", ["contig", "planar", "tiled"])
def test_colour_layouts_agree(shared_data: Path, samples: str) -> None:
    files = {
        "contig": ("tiff_adobe_deflate.tif", "tiff_tiled_raw.tif"),
        "planar": ("tiff_strip_planar_lzw.tiff", "tiff_tiled_planar_lzw.tiff"),
        "tiled": ("tiff_tiled_planar_16bit_RGB.tiff", "tiff_16bit_RGB.tiff"),
    }
    planes = []
    for name in files[samples]:
        with open_source(shared_data / "formats" / "tiff_variants" / name) as source:
            planes.append(source.read_plane(PlaneIndex()))
    np.testing.assert_array_equal(*planes)
