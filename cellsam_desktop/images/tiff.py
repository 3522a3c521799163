"""TIFF movies through tifffile: headers when opening, the pages of one plane when reading."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tifffile

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images import tiff_metadata
from cellsam_desktop.images.axes import Layout, interpret
from cellsam_desktop.images.colours import (
    grey_palette,
    inverted,
    native,
    native_dtype,
    rgb_of_cmyk,
    rgb_of_palette,
)
from cellsam_desktop.images.complaints import complaints
from cellsam_desktop.images.errors import check_plane_size, damaged, unreadable, unsupported
from cellsam_desktop.images.source import MovieInfo, Plane, PlaneReader

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of classic and Big TIFF in both byte orders."""

SIGNS_OF_TRUNCATION = ("invalid page offset", "invalid offset to page", "corrupted tag list")
"""What tifffile logs, and only logs, when the chain of pages breaks off."""

PHOTOMETRIC = tifffile.PHOTOMETRIC
COLOURS = (PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR, PHOTOMETRIC.SEPARATED)


class TiffSource(PlaneReader):
    """The first image series of a TIFF file.

    A series is what tifffile makes of ImageJ, OME, "shaped" and vendor metadata, or of equal pages.
    Orientation tags are ignored, as in ImageJ, so that labels line up in every program.
    """

    def __init__(self, path: Path, axes: str | None = None) -> None:
        with complaints() as heard:
            self._file = _open_file(path)
            try:
                info = self._read_headers(path, axes, heard)
            except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as cause:
                # Numbers of a damaged header come as anything: text, tuples, None.
                self._file.close()
                raise damaged(path, "its TIFF header is damaged") from cause
            except BaseException:
                self._file.close()
                raise
        super().__init__(info)

    def _read_headers(self, path: Path, axes: str | None, heard: list[str]) -> MovieInfo:
        self._series = _first_series(path, self._file)
        self._layout = self._interpret(path, axes)
        self._outer = _axes_of_pages(path, self._layout, self._series.keyframe)
        self._contiguous_at = _contiguous_at(self._series)
        self._palette = _palette(self._file, self._series.keyframe)
        info = self._describe(path)
        self._check_length(path, heard)
        return info

    def _interpret(self, path: Path, chosen: str | None) -> Layout:
        page, series = self._series.keyframe, self._series
        axes, shape = series.get_axes(squeeze=False), series.get_shape(squeeze=False)
        if "S" in axes and page.photometric not in COLOURS and "C" not in axes:
            axes = axes.replace("S", "C")
        return interpret(axes, shape, chosen, path.name)

    def _describe(self, path: Path) -> MovieInfo:
        page, sizes = self._series.keyframe, self._layout.sizes
        if page.dtype is None or page.dtype.kind not in "buif":
            raise unsupported(path, f"holds pixels of type {page.dtype or page.bitspersample}")
        check_plane_size(path, sizes.y, sizes.x, page.dtype.itemsize * page.samplesperpixel)
        jpeg = "JPEG" in getattr(page.compression, "name", "")
        if page.photometric == PHOTOMETRIC.CIELAB or (page.photometric == PHOTOMETRIC.YCBCR and not jpeg):
            raise unsupported(path, f"stores {PHOTOMETRIC(page.photometric).name} colours")
        coloured = self._palette is not None and not grey_palette(self._palette)
        scale = tiff_metadata.read_scale(self._file, self._series)
        return MovieInfo(
            path=path,
            format=tiff_metadata.format_name(self._file, self._series),
            sizes=sizes,
            dtype=np.dtype(np.uint8) if self._palette is not None else native_dtype(page.dtype),
            rgb=self._layout.rgb or coloured,
            stored_axes=self._layout.letters,
            axes_guessed=self._layout.guessed,
            channel_names=tiff_metadata.channel_names(self._file, self._series, sizes.c),
            pixel_size_um=scale.pixel_um,
            z_step_um=scale.z_um,
            frame_interval_s=scale.interval_s,
        )

    def _check_length(self, path: Path, heard: list[str]) -> None:
        """Whether the file is long enough for its last page; raises ImageError otherwise."""
        if any(sign in message for message in heard for sign in SIGNS_OF_TRUNCATION):
            raise damaged(path, "the file ends too early")
        if self._series.is_multifile:
            return
        try:
            last = self._series[len(self._series) - 1]
        except Exception as cause:
            raise damaged(path, "the header of its last page is damaged") from cause
        if last is None:
            return
        ends = [start + count for start, count in zip(last.dataoffsets, last.databytecounts, strict=False)]
        if self._contiguous_at is not None:
            ends = [self._contiguous_at + math.prod(self._layout.shape) * self._series.dtype.itemsize]
        if max(ends, default=0) > self._file.filehandle.size:
            raise damaged(path, "the file ends too early")

    def _read(self, index: PlaneIndex) -> Plane:
        page = self._decode(self._layout.number(index, self._outer))
        plane = self._layout.cut(page, index, self._outer)
        return native(self._colour(plane))

    def _decode(self, number: int) -> Plane:
        """Decode page ``number`` of the series and nothing else."""
        path, page = self.info.path, self._series.keyframe
        # tifffile and the codecs raise almost any type on damaged data; all of it becomes one sentence.
        try:
            with complaints():
                data = self._decode_page(number)
        except ImageError:
            raise
        except Exception as cause:
            raise _decoding_error(path, page, number, cause) from cause
        if data.size != math.prod(page.shape):
            raise damaged(path, f"parts of page {number + 1} are missing")
        return data

    def _decode_page(self, number: int) -> Plane:
        page = self._series.keyframe
        if self._contiguous_at is not None:
            stored = self._series.dtype.newbyteorder(self._file.byteorder)
            self._file.filehandle.seek(self._contiguous_at + number * page.nbytes)
            return np.asarray(self._file.filehandle.read_array(stored, math.prod(page.shape)))
        found = self._series[number]
        if found is None:
            raise ImageError(
                f"Page {number + 1} of {self.info.path.name} lies in another file that is missing; "
                "put all files of the movie into one folder."
            )
        if not page.is_contiguous and len(found.dataoffsets) < math.prod(page.chunked):
            # Checked here because decoding would work through millions of missing parts first.
            raise damaged(self.info.path, f"parts of page {number + 1} are missing")
        with _opened(found.parent.filehandle):
            return np.asarray(found.asarray())

    def _colour(self, plane: Plane) -> Plane:
        page = self._series.keyframe
        if self._palette is not None:
            colours = rgb_of_palette(plane, self._palette)
            return colours if self.info.rgb else colours[..., 0]
        if page.photometric == PHOTOMETRIC.MINISWHITE:
            return inverted(native(plane), page.bitspersample)
        if not self._layout.rgb:
            return plane
        if page.photometric == PHOTOMETRIC.SEPARATED and plane.shape[-1] == 4:
            return rgb_of_cmyk(native(plane))
        return plane[..., :3]

    def _release(self) -> None:
        self._file.close()


def header_size(path: Path) -> tuple[int, int]:
    """Height and width by the first page's header; raises ImageError."""
    with complaints(), _open_file(path) as file:
        if not file.pages:
            raise damaged(path, "it holds no image")
        return file.pages.first.imagelength, file.pages.first.imagewidth


@contextmanager
def _opened(handle: tifffile.FileHandle) -> Iterator[None]:
    """Open a companion file of a multi-file OME-TIFF for the time of a read."""
    was_closed = handle.closed
    if was_closed:
        handle.open()
    try:
        yield
    finally:
        if was_closed:
            handle.close()


def _open_file(path: Path) -> tifffile.TiffFile:
    try:
        return tifffile.TiffFile(path)
    except OSError as cause:
        raise unreadable(path, cause) from cause
    except Exception as cause:
        raise damaged(path, "its TIFF header is damaged") from cause


def _first_series(path: Path, file: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    try:
        series = file.series
    except Exception as cause:
        raise damaged(path, "its TIFF directory is damaged") from cause
    if not series:
        raise damaged(path, "it holds no image")
    return series[0]


def _contiguous_at(series: tifffile.TiffPageSeries) -> int | None:
    """Where the pixels begin if one page describes a whole uncompressed hyperstack, otherwise None.

    ImageJ stores movies beyond 4 GB so, tifffile stacks written as "truncated".
    """
    return series.dataoffset if len(series) == 1 and series.is_truncated else None


def _axes_of_pages(path: Path, layout: Layout, page: tifffile.TiffPage) -> int:
    """How many of the first axes count pages; the others lie within one page."""
    size, outer = 1, len(layout.shape)
    wanted = math.prod(page.shape)
    while outer > 0 and not (size == wanted and {"Y", "X"} <= set(layout.letters[outer:])):
        outer -= 1
        size *= layout.shape[outer]
    if size != wanted:
        raise damaged(path, "its metadata contradict its pages")
    return outer


def _palette(file: tifffile.TiffFile, page: tifffile.TiffPage) -> Plane | None:
    """The (3, colours) palette if pixels are numbers of colours.

    In ImageJ and OME files the palette only says how intensities are displayed.
    """
    if page.photometric != PHOTOMETRIC.PALETTE or page.colormap is None or file.is_imagej or file.is_ome:
        return None
    return np.asarray(page.colormap)


def _decoding_error(path: Path, page: tifffile.TiffPage, number: int, cause: Exception) -> ImageError:
    if isinstance(cause, MemoryError):
        return unreadable(path, cause)
    text = str(cause).lower()
    unknown = any(word in text for word in ("not supported", "unsupported", "not a known", "requires"))
    if unknown or isinstance(cause, NotImplementedError):
        compression = getattr(page.compression, "name", page.compression)
        return unsupported(path, f"uses the compression or pixel layout {compression}")
    return damaged(path, f"page {number + 1} is damaged or incomplete")
