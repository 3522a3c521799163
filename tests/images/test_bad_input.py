"""Every bad file gives one clear sentence that names it, and leaves nothing open (see tests/conftest.py)."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.contrast import histogram, measure_contrast, to_uint8
from cellsam_desktop.images.opening import open_source


def refusal(path: Path, axes: str | None = None) -> str:
    """The sentence with which a movie is refused; one sentence, naming the file and a remedy."""
    with pytest.raises(ImageError) as caught:
        open_source(path, axes).close()
    sentence = str(caught.value)
    assert path.name in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert ";" in sentence, "a remedy follows the finding"
    return sentence


def ramp(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


def test_missing(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "nowhere.tif")


def test_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.tif"
    path.touch()
    assert "empty" in refusal(path)


def test_zeros(tmp_path: Path) -> None:
    path = tmp_path / "zeros.tif"
    path.write_bytes(bytes(5000))
    assert "zeros" in refusal(path)


def test_text_named_tif(tmp_path: Path) -> None:
    path = tmp_path / "notes.tif"
    path.write_text("cell 1 divides in frame 12\n")
    assert "not an image" in refusal(path)


def test_png_named_tif_opens(tmp_path: Path) -> None:
    path = tmp_path / "really_png.tif"
    Image.fromarray(ramp(9, 9).astype(np.uint8)).save(path, format="PNG")
    with open_source(path) as source:
        assert source.info.format == "PNG"


def test_tiff_named_png_opens(tmp_path: Path) -> None:
    path = tmp_path / "really_tiff.png"
    tifffile.imwrite(path, ramp(9, 9))
    with open_source(path) as source:
        np.testing.assert_array_equal(source.read_plane(PlaneIndex()), ramp(9, 9))


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"ZISRAWFILE", "CZI"),
        (b"\x70\x00\x00\x00\x2a", "LIF"),
        (b"\xd0\xcf\x11\xe0", "Olympus"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"GIF89a", "GIF"),
        (b"RIFF\x00\x00\x00\x00AVI ", "AVI"),
        (b"\x00\x00\x00\x18ftypmp42", "video"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_other_formats_are_named(tmp_path: Path, head: bytes, kind: str) -> None:
    path = tmp_path / "file.dat"
    path.write_bytes(head + bytes(range(1, 200)))
    assert kind in refusal(path)


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "jpeg2000"])
@pytest.mark.parametrize("imagej", [True, False])
def test_truncated_tiff(tmp_path: Path, compression: str | None, imagej: bool) -> None:
    """Cut anywhere, a movie is refused, or opens and refuses the planes that are gone; it never crashes."""
    whole = tmp_path / "whole.tif"
    data = np.random.default_rng(0).integers(0, 65535, (6, 40, 40), dtype=np.uint16)
    tifffile.imwrite(
        whole,
        data,
        imagej=imagej,
        photometric="minisblack",
        compression=compression,
        metadata={"axes": "TYX"},
    )
    content = whole.read_bytes()
    for share in np.linspace(0.001, 0.999, 30):
        assert_refused_or_right(tmp_path / "cut.tif", content[: int(share * len(content))], data)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp"])
def test_truncated_bitmap(tmp_path: Path, suffix: str) -> None:
    whole = tmp_path / f"whole.{suffix}"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60), dtype=np.uint8)).save(whole)
    content = whole.read_bytes()
    for share in (0.01, 0.05, 0.2, 0.5, 0.9):
        path = tmp_path / f"cut.{suffix}"
        path.write_bytes(content[: int(share * len(content))])
        refusal(path)


def test_damaged_tiff_never_crashes(tmp_path: Path) -> None:
    """Random bytes overwritten: right planes, or one sentence, or (in raw pixels) other values."""
    whole = tmp_path / "whole.tif"
    tifffile.imwrite(
        whole, ramp(3, 20, 20), photometric="minisblack", compression="zlib", metadata={"axes": "TYX"}
    )
    content = whole.read_bytes()
    dice = random.Random(5)
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(dice.randint(1, 6)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        path = tmp_path / "damaged.tif"
        path.write_bytes(damaged)
        read_all(path)


def read_all(path: Path) -> list[np.ndarray | None]:
    """Planes along time and z, None where a plane is refused; empty if the movie is."""
    planes: list[np.ndarray | None] = []
    try:
        source = open_source(path)
    except ImageError:
        return planes
    with source:
        sizes = source.info.sizes
        for t in range(min(sizes.t, 50)):
            try:
                planes.append(source.read_plane(PlaneIndex(t=t)))
            except ImageError:
                planes.append(None)
    return planes


def assert_refused_or_right(path: Path, content: bytes, expected: np.ndarray) -> None:
    path.write_bytes(content)
    for plane, true in zip(read_all(path), expected, strict=False):
        if plane is not None:
            np.testing.assert_array_equal(plane, true)


def patched_tag(path: Path, code: int, value: int) -> Path:
    """Overwrite the inline value of a tag of the first page of a little-endian classic TIFF."""
    content = bytearray(path.read_bytes())
    (start,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from("<H", content, entry)[0] == code:
            struct.pack_into("<I", content, entry + 8, value)
    path.write_bytes(content)
    return path


def test_unsupported_compression(tmp_path: Path) -> None:
    path = tmp_path / "odd.tif"
    tifffile.imwrite(path, ramp(20, 20), compression="zlib", metadata=None)
    assert "not supported" in refusal(patched_tag(path, 259, 34665))


@pytest.mark.parametrize("code", [256, 257])
def test_no_pixels(tmp_path: Path, code: int) -> None:
    path = tmp_path / "flat.tif"
    tifffile.imwrite(path, ramp(20, 20), metadata=None)
    refusal(patched_tag(path, code, 0))


def test_absurd_size(tmp_path: Path) -> None:
    path = tmp_path / "huge.tif"
    tifffile.imwrite(path, ramp(20, 20), compression="zlib", metadata=None, rowsperstrip=20)
    assert "memory" in refusal(patched_tag(patched_tag(path, 256, 2**31), 257, 2**20))


@pytest.mark.timeout(5)
def test_missing_parts_are_noticed_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "tall.tif"
    tifffile.imwrite(path, ramp(16, 16), compression="zlib", metadata=None, rowsperstrip=12)
    assert "missing" in refusal(patched_tag(path, 257, 2**25))


def test_complex_pixels(tmp_path: Path) -> None:
    path = tmp_path / "complex.tif"
    tifffile.imwrite(path, np.ones((5, 5), np.complex64))
    assert "complex64" in refusal(path)


def test_too_many_axes(tmp_path: Path) -> None:
    path = tmp_path / "six.tif"
    tifffile.imwrite(path, np.zeros((2, 2, 2, 2, 5, 5), np.uint8), photometric="minisblack")
    assert "axes" in refusal(path)


@pytest.mark.parametrize("axes", ["YX", "TZYX", "TXY", "QYX", "TTYX", "SYX"])
def test_axes_that_do_not_fit(tmp_path: Path, axes: str) -> None:
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, np.zeros((7, 5, 6), np.uint8), photometric="minisblack")
    assert axes in refusal(path, axes)


def test_folder_without_images(tmp_path: Path) -> None:
    folder = tmp_path / "empty folder"
    folder.mkdir()
    (folder / "notes.txt").write_text("nothing to see")
    assert "holds no" in refusal(folder)


def test_unreadable_for_this_user(tmp_path: Path) -> None:
    path = tmp_path / "secret.tif"
    tifffile.imwrite(path, ramp(5, 5))
    path.chmod(0)
    try:
        readable = bool(path.open("rb").close() or True)
    except PermissionError:
        readable = False
    if readable:
        pytest.skip("this user may read every file (root)")
    assert "may not be read" in refusal(path)


def test_nothing_can_be_read_through_a_file(tmp_path: Path) -> None:
    """An operating system error that root meets too: a path that goes through a file."""
    file = tmp_path / "file.tif"
    tifffile.imwrite(file, ramp(5, 5))
    refusal(file / "frame.tif")


def save_plane(path: Path, plane: np.ndarray) -> Path:
    tifffile.imwrite(path, plane, photometric="minisblack")
    return path


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_open_and_are_shown_black(tmp_path: Path, bad: float) -> None:
    plane = np.linspace(10, 20, 400, dtype=np.float32).reshape(20, 20)
    plane[3, 4] = bad
    with open_source(save_plane(tmp_path / "float.tif", plane)) as source:
        contrast = measure_contrast(source, 0)
        shown = to_uint8(source.read_plane(PlaneIndex()), contrast)
    assert 10 <= contrast.low < contrast.high <= 20
    assert shown[3, 4] == 0
    assert shown[19, 19] == 255
    assert histogram(plane)[0].sum() == 399


def test_nothing_but_nan(tmp_path: Path) -> None:
    with open_source(save_plane(tmp_path / "nan.tif", np.full((4, 4), np.nan, np.float32))) as source:
        shown = to_uint8(source.read_plane(PlaneIndex()), measure_contrast(source, 0))
    assert not shown.any()


@pytest.mark.parametrize("shape", [(6, 6), (1, 1), (1, 9), (9, 1)])
def test_constant_and_tiny_images(tmp_path: Path, shape: tuple[int, int]) -> None:
    with open_source(save_plane(tmp_path / "flat.tif", np.full(shape, 700, np.uint16))) as source:
        assert (source.info.sizes.y, source.info.sizes.x) == shape
        contrast = measure_contrast(source, 0)
        shown = to_uint8(source.read_plane(PlaneIndex()), contrast)
    assert contrast.high > contrast.low
    assert shown.shape == shape
    assert not shown.any()


def test_folder_of_unequal_images_names_the_odd_one(tmp_path: Path) -> None:
    for number, shape in enumerate([(8, 9), (8, 9), (7, 9), (8, 9)]):
        Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / f"t{number}.png")
    with pytest.raises(ImageError, match=r"t2\.png has 7 x 9 pixels but t0\.png has 8 x 9"):
        open_source(tmp_path)
