"""A folder of numbered images as a movie, one file per frame."""

from __future__ import annotations

from pathlib import Path

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images import bitmap, tiff
from cellsam_desktop.images.axes import Layout, interpret
from cellsam_desktop.images.files import open_file
from cellsam_desktop.images.listing import find_frames
from cellsam_desktop.images.source import ImageSource, MovieInfo, Plane, PlaneReader


class FolderSource(PlaneReader):
    """Files in natural order; one file at a time is open.

    Opening reads the header of every file, so that an image of another size is named at once
    instead of in the middle of a movie.
    """

    def __init__(self, folder: Path, axes: str | None = None) -> None:
        frames = find_frames(folder)
        self._files = frames.files
        with open_file(self._files[0]) as source:
            first = source.info
        _check_sizes(self._files, first)
        layout = _interpret(folder, len(self._files), first, axes)
        self._stacked = layout.letters[0].lower() if len(self._files) > 1 else ""
        self._file_axes = layout.letters[1:] if self._stacked else layout.letters
        self._current: tuple[int, ImageSource] | None = None
        super().__init__(
            MovieInfo(
                path=folder,
                format=frames.words,
                sizes=layout.sizes,
                dtype=first.dtype,
                rgb=layout.rgb or (first.rgb and "S" not in first.stored_axes),
                stored_axes=layout.letters,
                axes_guessed=layout.guessed,
                channel_names=first.channel_names if len(first.channel_names) == layout.sizes.c else (),
                pixel_size_um=first.pixel_size_um,
                z_step_um=first.z_step_um,
                frame_interval_s=first.frame_interval_s,
            )
        )

    def _read(self, index: PlaneIndex) -> Plane:
        number = getattr(index, self._stacked) if self._stacked else 0
        within = index._replace(**{self._stacked: 0}) if self._stacked else index
        plane = self._source(number).read_plane(within)
        wanted = (self.info.sizes.y, self.info.sizes.x, 3)[: 3 if self.info.rgb else 2]
        if plane.shape != wanted or plane.dtype != self.info.dtype:
            raise ImageError(
                f"{self._files[number].name} holds {_times(plane.shape)} pixels of {plane.dtype}, but the "
                f"movie {_times(wanted)} of {self.info.dtype}; take it out of the folder or convert it."
            )
        return plane

    def _source(self, number: int) -> ImageSource:
        """The file of a frame, kept open because its other planes are likely to follow."""
        if self._current is not None and self._current[0] == number:
            return self._current[1]
        self._release()
        source = open_file(self._files[number], self._file_axes)
        self._current = (number, source)
        return source

    def _release(self) -> None:
        if self._current is not None:
            self._current[1].close()
            self._current = None


def _interpret(folder: Path, count: int, first: MovieInfo, chosen: str | None) -> Layout:
    """The axes of one file, with an axis for the files in front: time unless the curator says otherwise."""
    own = first.stored_axes
    lengths = [3 if letter == "S" else getattr(first.sizes, letter.lower()) for letter in own]
    if count > 1 and "T" in own and chosen is None:
        if not first.axes_guessed:
            raise ImageError(
                f"The images in {folder} are movies of {first.sizes.t} frames themselves; "
                "open one of them instead of the folder."
            )
        own = own.replace("T", "?")
    return interpret("T" + own, (count, *lengths), chosen, folder.name)


def _check_sizes(files: list[Path], first: MovieInfo) -> None:
    expected = (first.sizes.y, first.sizes.x)
    for file in files[1:]:
        found = _header_size(file)
        if found != expected:
            raise ImageError(
                f"{file.name} has {_times(found)} pixels but {files[0].name} has {_times(expected)}, and the "
                f"frames of a movie must be of one size; take {file.name} out of the folder or crop it."
            )


def _header_size(file: Path) -> tuple[int, int]:
    if file.suffix.lower() in (".tif", ".tiff"):
        return tiff.header_size(file)
    return bitmap.header_size(file)


def _times(lengths: tuple[int, ...]) -> str:
    return " x ".join(map(str, lengths))
