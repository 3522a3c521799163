"""The Cell Tracking Challenge: a label image per frame and a table of tracks (Ulman et al. 2017)."""

from __future__ import annotations

import re
from pathlib import Path

from cellsam_desktop.core.errors import ExchangeError, ImageError
from cellsam_desktop.core.geometry import MovieSizes, PlaneIndex, PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.progress import Report
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.images.source import ImageSource
from cellsam_desktop.project.ctc_table import TABLE_NAMES, TrackRow, read_table
from cellsam_desktop.project.importers.labels import masks_of
from cellsam_desktop.project.importers.tracks import Tracks, settle

_FRAME = re.compile(r"(?:mask|man_track|man_seg)_?(\d+)\.tiff?", re.IGNORECASE)


def import_ctc(path: Path, sizes: MovieSizes, progress: Report | None = None) -> Tracks:
    """The tracks of a folder with ``maskTTT.tif`` and ``res_track.txt`` (or ``man_track...`` of both).

    ``path`` is that folder, one above its ``TRA``, or the table in it. ``sizes`` are the movie's T, Z, Y, X.
    A track without gap whose only parent is another one joins it, see ``tracks.settle``. Without a table
    each label is a cell.

    Raises:
        ExchangeError: there are no such files, one cannot be read, or they do not match the movie.
    """
    folder = find_folder(path)
    files = frame_files(folder)
    late = max(files)
    if late >= sizes[0]:
        raise ExchangeError(
            f"{files[late].name} in {folder} is frame {late + 1}, and the movie has {sizes[0]}: "
            "choose the tracks of this movie."
        )
    masks: dict[int, dict[PlaneKey, Mask]] = {}
    for number, (t, file) in enumerate(sorted(files.items())):
        if progress is not None:
            progress(number / len(files))
        for label, key, mask in _read_frame(file, t, sizes):
            masks.setdefault(label, {})[key] = mask
    table = find_table(folder)
    rows = [] if table is None else read_table(table)
    notes = (
        _differences(rows, masks) if table is not None else ["There is no table of tracks beside the masks."]
    )
    return settle(masks, ((row.label, row.parent) for row in rows if row.parent), notes=notes)


def find_folder(path: Path) -> Path:
    """The folder that directly holds the masks.

    Raises:
        ExchangeError: there is none.
    """
    folder = path if path.is_dir() else path.parent
    for candidate in (folder, folder / "TRA"):
        if candidate.is_dir() and any(_FRAME.fullmatch(file.name) for file in candidate.iterdir()):
            return candidate
    raise ExchangeError(
        f"{path} holds no masks of the Cell Tracking Challenge: choose a folder with mask000.tif and "
        "res_track.txt, or with man_track000.tif and man_track.txt."
    )


def frame_files(folder: Path) -> dict[int, Path]:
    """The mask files of a folder by frame, from 0."""
    found = ((_FRAME.fullmatch(file.name), file) for file in sorted(folder.iterdir()))
    return {int(match[1]): file for match, file in found if match is not None}


def find_table(folder: Path) -> Path | None:
    """The table of tracks of a folder, if there is one."""
    return next((folder / name for name in TABLE_NAMES if (folder / name).is_file()), None)


def _read_frame(file: Path, t: int, sizes: MovieSizes) -> list[tuple[int, PlaneKey, Mask]]:
    _, depth, height, width = sizes
    try:
        with open_source(file) as source:
            planes = _planes(source)
            found = source.info.sizes
            if (len(planes), found.y, found.x) != (depth, height, width):
                raise ExchangeError(
                    f"{file.name} has {len(planes)} planes of {found.x} x {found.y} pixels, a frame of the "
                    f"movie {depth} of {width} x {height}: choose the tracks of this movie."
                )
            return [
                (label, PlaneKey(t, z), mask)
                for z, index in enumerate(planes)
                for label, mask in masks_of(source.read_plane(index), file)
            ]
    except ImageError as error:
        raise ExchangeError(f"The tracks cannot be read: {error}") from error


def _planes(source: ImageSource) -> list[PlaneIndex]:
    """The planes of a file that is one frame, whatever its axes were taken for."""
    sizes = source.info.sizes
    return [PlaneIndex(t, c, z) for t in range(sizes.t) for c in range(sizes.c) for z in range(sizes.z)]


def _differences(rows: list[TrackRow], masks: dict[int, dict[PlaneKey, Mask]]) -> list[str]:
    """What the table says and the masks do not show; the masks are believed."""
    named = {row.label for row in rows}
    notes = []
    if absent := sorted(named - masks.keys()):
        notes.append(f"The table names {_tracks(absent)} of which there is no mask.")
    if unnamed := sorted(masks.keys() - named):
        notes.append(f"The masks hold {_tracks(unnamed)} that the table does not name.")
    return notes


def _tracks(labels: list[int]) -> str:
    shown = ", ".join(map(str, labels[:5])) + (", ..." if len(labels) > 5 else "")
    return f"{'track' if len(labels) == 1 else 'tracks'} {shown}"
