"""Open a single file; its first bytes decide what it is."""

from __future__ import annotations

from pathlib import Path

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.images import bitmap, nd2_movie, tiff
from cellsam_desktop.images.bitmap import BitmapSource
from cellsam_desktop.images.errors import damaged, unreadable
from cellsam_desktop.images.source import ImageSource
from cellsam_desktop.images.tiff import TiffSource

EXPORT_FIRST = {
    b"ZISRAWFILE": ("a Zeiss CZI file", "export it from ZEN, or from Fiji, as OME-TIFF"),
    b"\x70\x00\x00\x00\x2a": ("a Leica LIF file", "export it from LAS X, or from Fiji, as OME-TIFF"),
    b"\xd0\xcf\x11\xe0": ("an Olympus or Zeiss container", "export it from Fiji as OME-TIFF"),
    b"\x89HDF": ("an HDF5 file (Imaris or BigDataViewer)", "export it from Fiji as TIFF"),
    b"RIFF": ("an AVI video or WebP image", "export its frames from Fiji as a TIFF stack"),
    b"\x1aE\xdf\xa3": ("a Matroska video", "export its frames from Fiji as a TIFF stack"),
    b"GIF8": ("a GIF image", "export its frames from Fiji as a TIFF stack"),
    b"\x00\x00\x00\x0cjP": ("a JPEG 2000 image or an old ND2 file", "export it from Fiji as OME-TIFF"),
    b"%PDF": ("a PDF document", "open the original image instead"),
    b"PK\x03\x04": ("a ZIP archive", "unpack it and open the images inside"),
    b"SQLite format 3": ("a database or project", "open it as a project instead of as a movie"),
}
"""First bytes of files that cannot be opened: what they are and what to do."""


def open_file(path: Path, axes: str | None = None) -> ImageSource:
    """Open one file by its content; only headers of large files are read. Raises ImageError."""
    head = _head(path)
    if not head:
        raise ImageError(f"{path.name} is empty (0 bytes); copy it again from its source.")
    if head.startswith(tiff.MAGIC):
        return TiffSource(path, axes)
    if bitmap.kind_of(head):
        return BitmapSource(path, axes)
    if head.startswith(nd2_movie.MAGIC):
        return nd2_movie.Nd2Source(path, axes)
    for magic, (kind, remedy) in EXPORT_FIRST.items():
        if head.startswith(magic):
            raise ImageError(f"{path.name} is {kind}, which cannot be opened directly; {remedy}.")
    if head[4:8] == b"ftyp":
        raise ImageError(
            f"{path.name} is a video, which cannot be opened directly; export its frames as a TIFF stack."
        )
    if not any(head):
        raise damaged(path, "it holds nothing but zeros")
    raise ImageError(
        f"{path.name} is not an image, whatever its name says; "
        "open a TIFF, PNG, JPEG, BMP, ND2 or OME-Zarr movie instead."
    )


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except OSError as cause:
        raise unreadable(path, cause) from cause
