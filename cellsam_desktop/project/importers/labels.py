"""Label images as masks of cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cellsam_desktop.core.errors import ExchangeError, ImageError
from cellsam_desktop.core.geometry import MovieSizes, PlaneIndex, PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.images.source import ImageSource, Plane, Sizes
from cellsam_desktop.project.importers.tracks import LARGEST_ID

_FIRST = PlaneKey()
_FEW = 1_000_000


def import_labels(
    path: Path, sizes: MovieSizes, onto: PlaneKey = _FIRST
) -> Iterator[tuple[int, PlaneKey, Mask]]:
    """Every mask of a label image or movie, plane by plane; ids are kept, 0 is background.

    ``sizes`` are the movie's T, Z, Y, X. The labels hold either one plane, which goes ``onto`` a plane of the
    movie, or as many as the movie; when these are frames in one and z positions in the other, order decides.

    Raises:
        ExchangeError: the file is no label image, or its shape does not match the movie.
    """
    try:
        with open_source(path) as source:
            for index, key in _places(source, path, sizes, onto):
                for cell_id, mask in masks_of(source.read_plane(index), path):
                    yield cell_id, key, mask
    except ImageError as error:
        raise ExchangeError(f"The labels cannot be read: {error}") from error


def masks_of(plane: Plane, path: Path) -> Iterator[tuple[int, Mask]]:
    """The masks of one label plane (Y, X), by id.

    Raises:
        ExchangeError: it holds something other than whole numbers from 0 up.
    """
    labels = _whole_numbers(plane, path)
    largest = int(labels.max(initial=0))
    yield from _masks_of_few(labels, largest) if largest <= _FEW else _masks_of_any(labels)


def _masks_of_few(labels: Plane, largest: int) -> Iterator[tuple[int, Mask]]:
    """A list of all ids up to the largest: many times faster than sorting the pixels."""
    from scipy import ndimage

    boxes = ndimage.find_objects(labels.astype(np.int32, copy=False), max_label=largest)
    for cell_id, box in enumerate(boxes, start=1):
        if box is not None:
            yield cell_id, Mask(box[0].start, box[1].start, labels[box] == cell_id)


def _masks_of_any(labels: Plane) -> Iterator[tuple[int, Mask]]:
    ids, compact = np.unique(labels, return_inverse=True)
    compact = compact.reshape(labels.shape)
    order = np.argsort(compact, axis=None, kind="stable")
    ends = np.cumsum(np.bincount(compact.ravel(), minlength=ids.size))
    for cell_id, pixels in zip(ids.tolist(), np.split(order, ends[:-1]), strict=True):
        if cell_id:
            rows, columns = np.divmod(pixels, labels.shape[1])
            yield int(cell_id), _mask(rows, columns)


def _mask(rows: np.ndarray, columns: np.ndarray) -> Mask:
    y0, x0 = int(rows.min()), int(columns.min())
    bits = np.zeros((int(rows.max()) - y0 + 1, int(columns.max()) - x0 + 1), np.bool_)
    bits[rows - y0, columns - x0] = True
    return Mask(y0, x0, bits)


def _places(
    source: ImageSource, path: Path, sizes: MovieSizes, onto: PlaneKey
) -> list[tuple[PlaneIndex, PlaneKey]]:
    """Which plane of the labels goes where."""
    frames, depth, height, width = sizes
    found = source.info.sizes
    if source.info.rgb:
        raise ExchangeError(f"{path.name} is a colour image: choose an image with one number per cell.")
    if (found.y, found.x) != (height, width):
        raise ExchangeError(
            f"The labels in {path.name} are {found.x} x {found.y} pixels, the movie is {width} x {height}: "
            "choose labels of this movie."
        )
    planes = _in_order(found)
    if (found.t, found.c, found.z) == (1, 1, 1):
        return [(planes[0], onto)]
    if len(planes) != frames * depth or (min(frames, depth) > 1 and (found.t, found.z) != (frames, depth)):
        raise ExchangeError(
            f"{path.name} has {_count(found)} and the movie has {frames} frames and {depth} z positions: "
            "choose labels with as many, or a single plane."
        )
    return [(index, PlaneKey(*divmod(number, depth))) for number, index in enumerate(planes)]


def _in_order(found: Sizes) -> list[PlaneIndex]:
    return [PlaneIndex(t, c, z) for t in range(found.t) for c in range(found.c) for z in range(found.z)]


def _count(found: Sizes) -> str:
    names = ((found.t, "frames"), (found.c, "channels"), (found.z, "z positions"))
    return ", ".join(f"{count} {name}" for count, name in names if count > 1)


def _whole_numbers(plane: Plane, path: Path) -> Plane:
    if plane.dtype.kind in "bu":
        return plane
    with np.errstate(invalid="ignore"):
        good = bool(np.all((plane >= 0) & (plane <= LARGEST_ID) & (plane == np.rint(plane))))
    if not good:
        raise ExchangeError(
            f"{path.name} holds values that are no cell ids: "
            "choose an image of whole numbers, 0 for background."
        )
    return plane.astype(np.int64)
