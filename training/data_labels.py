"""From images with label images to frames: folders of pairs, and a movie with its labels in one folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cellsam_desktop.core.errors import ExchangeError, ImageError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.images.listing import SUFFIXES, natural_key
from cellsam_desktop.project.importers.labels import import_labels
from training.frames import CellTruth, DataError, Frame, single_planes
from training.images import LastImage, TrainingMovie
from training.selection import Candidate, Selection
from training.series import places_of

Notice = Callable[[str], None]
Size = tuple[int, int, int, int]
Labels = dict[PlaneKey, list[tuple[int, Mask]]]

IMAGES, LABELS = "images", "labels"
_LABEL_NAME = re.compile("label|track|mask|seg", re.IGNORECASE)
_CONNECTED = np.ones((3, 3), np.bool_)


@dataclass(frozen=True)
class Pair:
    """An image or movie, and the file with the labels of its cells."""

    image: Path
    labels: Path


def find_pairs(folder: Path, notice: Notice) -> list[Pair]:
    """The pairs in ``images/`` and ``labels/``, or the movie beside its labels; none if it is neither.

    Raises:
        DataError: there are such folders, but their files do not match.
    """
    images, labels = folder / IMAGES, folder / LABELS
    if images.is_dir() and labels.is_dir():
        return _same_names(images, labels, notice)
    files = _entries(folder)
    named = [file for file in files if _LABEL_NAME.search(file.stem)]
    others = [file for file in files if file not in named]
    return [Pair(others[0], named[0])] if len(named) == len(others) == 1 else []


def load_pairs(
    pairs: Sequence[Pair], selection: Selection, data_set: str, last: LastImage, notice: Notice
) -> list[Frame]:
    """The frames of the pairs that hold cells. Files of one size with consecutive numbers are one movie.

    Raises:
        DataError: a file cannot be read, labels do not fit their image, or there is no cell at all.
    """
    if len(pairs) == 1:  # a movie: what is selected are its frames
        every = _read_pair(pairs[0], data_set, last)
        names = (pairs[0].image.name, pairs[0].image.stem)
        chosen = selection.choose([Candidate(frame.t, names) for frame in every])
        frames = [every[place] for place in chosen]
    else:
        files = [Candidate(n, (pair.image.name, pair.image.stem)) for n, pair in enumerate(pairs)]
        chosen = selection.choose(files)
        found = [_read_pair(pairs[place], data_set, last) for place in chosen]
        empty = [pairs[place].labels for place, some in zip(chosen, found, strict=True) if not some]
        say_left_out(empty, "without a cell", notice)
        frames = _in_series([frame for some in found for frame in some])
    if not frames:
        raise DataError(f"The labels in {selection.path} hold no cell: draw some, or choose other labels.")
    return _separate(frames, selection.path, notice)


def frames_of(
    labels: Labels, movie: TrainingMovie, size: Size, data_set: str, name: str, complete: bool = True
) -> list[Frame]:
    """A frame for each plane with labels, in order; masks are kept packed."""
    frames = []
    for key, cells in sorted(labels.items()):
        assert all(mask.packed for _, mask in cells)
        frame = f"{name}, frame {key.t}" if size[0] > 1 else name
        frames.append(
            Frame(
                data_set=data_set,
                movie=name,
                name=frame if size[1] == 1 else f"{frame}, z {key.z}",
                t=key.t,
                z=key.z,
                shape=size[2:],
                cells=tuple(CellTruth(cell_id, mask) for cell_id, mask in cells),
                complete=complete,
                unsure=None,
                source=movie,
                source_t=key.t,
            )
        )
    return frames


def say_left_out(files: Sequence[Path], why: str, notice: Notice) -> None:
    """One sentence about files that are of no use."""
    if files:
        shown = ", ".join(file.name for file in files[:3]) + (", ..." if len(files) > 3 else "")
        notice(f"Left out, being {why}: {len(files)} of the files in {files[0].parent} ({shown}).")


def _same_names(images: Path, labels: Path, notice: Notice) -> list[Pair]:
    found, wanted = _by_stem(images), _by_stem(labels)
    for stem, file in wanted.items():
        if stem not in found:
            raise DataError(
                f"{file} belongs to no image: give it the name of its image in {images}, or take it away."
            )
    if not wanted:
        raise DataError(f"{labels} holds no label images: put one there for each image, with the same name.")
    say_left_out([file for stem, file in found.items() if stem not in wanted], "without labels", notice)
    return [Pair(file, wanted[stem]) for stem, file in found.items() if stem in wanted]


def _by_stem(folder: Path) -> dict[str, Path]:
    stems: dict[str, Path] = {}
    for file in _entries(folder):
        stem = file.stem.removesuffix(".ome")
        if stem in stems:
            raise DataError(
                f"{stems[stem].name} and {file.name} in {folder} have the same name: take one of them away."
            )
        stems[stem] = file
    return stems


def _entries(folder: Path) -> list[Path]:
    """Everything in a folder that the images layer reads by its name, in natural order."""
    suffixes = {*SUFFIXES, ".nd2", ".zarr", ".btf", ".tf8", ".lsm", ".stk"}
    try:
        files = [file for file in folder.iterdir() if file.suffix.lower() in suffixes]
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror or error}.") from error
    return sorted((file for file in files if not file.name.startswith(".")), key=natural_key)


def _read_pair(pair: Pair, data_set: str, last: LastImage) -> list[Frame]:
    movie = TrainingMovie(pair.image, last=last)
    labels: Labels = {}
    try:
        size = movie.size()
        for cell_id, key, mask in import_labels(pair.labels, size):
            labels.setdefault(key, []).append((cell_id, mask))
    except (ImageError, ExchangeError) as error:
        raise DataError(f"{pair.image.name} cannot be learned from: {error}") from error
    return frames_of(labels, movie, size, data_set, pair.image.name)


def _in_series(frames: list[Frame]) -> list[Frame]:
    """Images with consecutive numbers are frames of one movie: neighbours must stay together."""
    places = places_of(single_planes(frames))
    found = ((frame, places.get(frame.source.path)) for frame in frames)
    return [frame if at is None else replace(frame, movie=at.series, t=at.number) for frame, at in found]


def _separate(frames: list[Frame], path: Path, notice: Notice) -> list[Frame]:
    """Black and white masks have one value for all cells: there every connected region is one."""
    values = {cell.cell_id for frame in frames for cell in frame.cells}
    if values not in ({1}, {255}, {65535}):
        return frames
    parts = [replace(frame, cells=tuple(_regions(frame.cells[0].mask))) for frame in frames]
    if all(len(frame.cells) == 1 for frame in parts):
        return frames
    notice(f"The labels in {path.name} are black and white: every connected region counts as one cell.")
    return parts


def _regions(mask: Mask) -> Iterable[CellTruth]:
    from scipy import ndimage

    labels, _ = ndimage.label(mask.bits, _CONNECTED)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        part = Mask.from_array(labels[box] == number, mask.y0 + box[0].start, mask.x0 + box[1].start)
        assert part is not None
        assert part.packed
        yield CellTruth(number, part)
