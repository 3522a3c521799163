"""Open whatever the curator points at; the content decides, not the suffix."""

from __future__ import annotations

from pathlib import Path

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.images import tiff
from cellsam_desktop.images.axes import possible_axes
from cellsam_desktop.images.errors import unreadable
from cellsam_desktop.images.source import ImageSource

__all__ = ["FILE_FILTER", "open_source", "possible_axes"]

FILE_FILTER = "Movies and images (*.tif *.tiff *.btf *.tf8 *.lsm *.stk *.png *.jpg *.jpeg *.bmp *.nd2)"


def open_source(path: Path, axes: str | None = None) -> ImageSource:
    """Open a movie; headers and its first plane are read.

    ``axes`` replaces the interpretation of the stored axes, such as "TZYX" for four axes. Raises
    ImageError with one sentence, and leaves nothing open, if the movie cannot be opened.
    """
    path = Path(path)
    head = _head(path)
    if head.startswith(tiff.MAGIC):
        return tiff.TiffSource(path, axes)
    raise ImageError(f"{path.name} is no image this program knows; open a TIFF instead.")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(512)
    except OSError as cause:
        raise unreadable(path, cause) from cause
