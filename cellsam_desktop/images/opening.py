"""Open whatever the curator points at; the content decides, not the suffix."""

from __future__ import annotations

from pathlib import Path

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images import zarr_movie
from cellsam_desktop.images.axes import possible_axes
from cellsam_desktop.images.source import ImageSource

__all__ = ["FILE_FILTER", "open_source", "possible_axes"]

FILE_FILTER = "Movies and images (*.tif *.tiff *.btf *.tf8 *.lsm *.stk *.png *.jpg *.jpeg *.bmp *.nd2)"
"""For a file dialog. Folders and OME-Zarr are opened through a folder dialog."""


def open_source(path: Path, axes: str | None = None) -> ImageSource:
    """Open a file, a folder of numbered images or an OME-Zarr; headers and one plane are read.

    ``axes`` replaces the interpretation of the stored axes, such as "TZYX" for four axes. Raises
    ImageError with one sentence, and leaves nothing open, if the movie cannot be opened.
    """
    path = Path(path)
    source = _source(path, axes)
    try:
        source.read_plane(PlaneIndex())
    except ImageError:
        source.close()
        raise
    return source


def _source(path: Path, axes: str | None) -> ImageSource:
    # The libraries of the formats are loaded by the first movie, not by the start of the window.
    from cellsam_desktop.images.files import open_file
    from cellsam_desktop.images.folder import FolderSource

    if not path.is_dir():
        return open_file(path, axes)
    if zarr_movie.is_zarr(path):
        return zarr_movie.ZarrSource(path, axes)
    return FolderSource(path, axes)
