"""From folders of the Cell Tracking Challenge to frames: a sequence and its masks (Ulman et al. 2017)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cellsam_desktop.core.errors import ExchangeError, ImageError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.images.listing import LABEL_FOLDER, SEQUENCE
from cellsam_desktop.project.importers.ctc import frame_files, import_ctc
from cellsam_desktop.project.importers.labels import import_labels
from training.data_labels import Labels, Size, frames_of
from training.frames import DataError, Frame
from training.images import LastImage, TrainingMovie
from training.selection import Candidate, Selection

_SLICE = re.compile(r"man_seg_?(\d+)_(\d+)\.tiff?", re.IGNORECASE)
"""A single plane of a three-dimensional sequence that was segmented by hand: time and depth."""

_MASKS = ("GT/SEG", "ST/SEG", "GT/TRA", "RES")
"""Where the masks of a sequence may lie, the best first: gold and silver truth, markers, results."""


@dataclass(frozen=True)
class Sequence:
    """The images of a sequence, and the folder that holds its masks."""

    images: Path
    masks: Path


def find_sequences(path: Path) -> list[Sequence]:
    """The sequences in a data set, in a sequence, or for a folder of masks; none if ``path`` is no such."""
    if not path.is_dir():
        return []
    above = next((part for part in (path, path.parent) if LABEL_FOLDER.fullmatch(part.name)), None)
    if above is not None:
        images = above.with_name(above.name[:2])
        folders = [path] if above != path else [path / "SEG", path / "TRA", path]
        masks = next((folder for folder in folders if _has_masks(folder)), None)
        return [Sequence(images, masks)] if masks is not None and images.is_dir() else []
    folders = [path] if SEQUENCE.fullmatch(path.name) else sorted(path.iterdir())
    found = ((folder, _masks_of(folder)) for folder in folders if SEQUENCE.fullmatch(folder.name))
    return [Sequence(folder, masks) for folder, masks in found if masks is not None]


def load_sequences(
    sequences: list[Sequence],
    selection: Selection,
    data_set: str,
    last: LastImage,
    notice: Callable[[str], None],
) -> list[Frame]:
    """The frames that have masks. Gold truth may leave cells out, so its frames are not complete.

    Raises:
        DataError: images or masks cannot be read, or do not match.
    """
    frames: list[Frame] = []
    for sequence in sequences:
        if sequence.masks.name == "TRA":
            notice(f"The markers in {sequence.masks} are taken for the cells' masks: there are no others.")
        movie = TrainingMovie(sequence.images, last=last)
        try:
            size = movie.size()
            labels = _read(sequence.masks, size)
        except (ImageError, ExchangeError) as error:
            raise DataError(f"The sequence {sequence.images} cannot be learned from: {error}") from error
        complete = sequence.masks.parts[-2:] != (f"{sequence.images.name}_GT", "SEG")
        frames += frames_of(labels, movie, size, data_set, sequence.images.name, complete)
    if not frames:
        raise DataError(f"The masks in {selection.path} hold no cell: choose another sequence.")
    places = selection.choose([Candidate(frame.t, (f"{frame.movie}/{frame.t}",)) for frame in frames])
    return [frames[place] for place in places]


def _masks_of(images: Path) -> Path | None:
    folders = (images.parent / f"{images.name}_{name}" for name in _MASKS)
    return next((folder for folder in folders if _has_masks(folder)), None)


def _has_masks(folder: Path) -> bool:
    return folder.is_dir() and bool(frame_files(folder) or _slices(folder))


def _slices(folder: Path) -> dict[PlaneKey, Path]:
    found = ((_SLICE.fullmatch(file.name), file) for file in sorted(folder.iterdir()))
    return {PlaneKey(int(match[1]), int(match[2])): file for match, file in found if match is not None}


def _read(folder: Path, size: Size) -> Labels:
    labels: Labels = {}
    if frame_files(folder):
        for cell_id, track in import_ctc(folder, size).masks.items():
            for key, mask in track.items():
                labels.setdefault(key, []).append((cell_id, mask))
    for key, file in _slices(folder).items():
        if key.t >= size[0] or key.z >= size[1]:
            raise ExchangeError(f"{file.name} lies outside the movie: choose the masks of this movie.")
        for cell_id, _, mask in import_labels(file, (1, 1, *size[2:]), key):
            labels.setdefault(key, []).append((cell_id, mask))
    return labels
