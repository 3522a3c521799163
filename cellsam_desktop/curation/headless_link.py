"""The verb ``link``: masks that know nothing of time become cells with tracks and divisions."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from cellsam_desktop.analysis.linking import Frames, Links, Options, ReadPlane, link
from cellsam_desktop.core.errors import ExchangeError, ImageError
from cellsam_desktop.core.geometry import MovieSizes, PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.wording import counted
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.images.source import ImageSource, MovieInfo, grey_planes
from cellsam_desktop.project.exporters.ctc import check_folder, export_ctc
from cellsam_desktop.project.importers.labels import import_labels
from cellsam_desktop.project.importers.tracks import Tracks, document_of


@dataclass(frozen=True)
class LinkTask:
    """``labels``: a label movie; ``movie``: its images, whose brightness helps; ``out``: a folder."""

    labels: Path
    out: Path
    movie: Path | None = None
    max_gap: int = Options.max_gap
    divisions: bool = True


def link_labels(task: LinkTask) -> None:
    """Carry out the task: write the Cell Tracking Challenge's layout and say what was found.

    Raises:
        ExchangeError: the labels cannot be read, the movie does not match, or ``out`` cannot be written.
        ImageError: the movie cannot be opened.
    """
    info = _describe(task.labels)
    sizes = info.sizes.tzyx
    frames = frames_of(task.labels, sizes)
    options = Options(task.max_gap, task.divisions, info.calibration.z_step_px)
    with ExitStack() as stack:
        read = None
        if task.movie is not None:
            source = stack.enter_context(open_source(task.movie))
            read = reader(source, sizes, task.labels)
        check_folder(task.out)
        links = link(frames, read, options)
    tracks = tracks_of(frames, links)
    export_ctc(task.out, document_of(tracks, info.calibration), sizes)
    masks = sum(map(len, frames.values()))
    print(
        f"{counted(masks, 'mask')} on {counted(sizes[0], 'frame')} are {counted(len(tracks.masks), 'cell')} "
        f"with {counted(len(tracks.divisions), 'division')}, written to {task.out}."
    )


def frames_of(path: Path, sizes: MovieSizes) -> Frames:
    """The masks of a label movie by frame, label and z.

    Raises:
        ExchangeError: it is no label movie.
    """
    frames: dict[int, dict[int, dict[int, Mask]]] = {}
    for label, key, mask in import_labels(path, sizes):
        frames.setdefault(key.t, {}).setdefault(label, {})[key.z] = mask
    return frames


def tracks_of(frames: Frames, links: Links) -> Tracks:
    """The cells that linking found."""
    masks: dict[int, dict[PlaneKey, Mask]] = {}
    for (t, label), track in sorted(links.track_of.items()):
        cell = masks.setdefault(track, {})
        cell |= {PlaneKey(t, z): mask for z, mask in frames[t][label].items()}
    return Tracks(masks, divisions=dict(links.divisions))


def reader(source: ImageSource, sizes: MovieSizes, labels: Path) -> ReadPlane:
    """The first channel of a movie, colours as their mean.

    Raises:
        ExchangeError: the movie has another shape than the labels.
    """
    found = source.info.sizes
    if found.tzyx != sizes:
        raise ExchangeError(
            f"{source.info.path.name} has {found.t} frames, {found.z} z positions and {found.x} x {found.y} "
            f"pixels, {labels.name} {sizes[0]}, {sizes[1]} and {sizes[3]} x {sizes[2]}: "
            "choose the movie of these labels."
        )
    return grey_planes(source)


def _describe(labels: Path) -> MovieInfo:
    try:
        with open_source(labels) as source:
            return source.info
    except ImageError as error:
        raise ExchangeError(f"The labels cannot be read: {error}") from error
