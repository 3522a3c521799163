"""The real images with ground truth, found in a folder beside the project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.curation.headless_segment import read_model_image
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.project.importers.labels import masks_of

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

IMAGE_SETS = ("nuclei_bbbc039", "nuclei_dsb2018", "cells_cellpose", "mito_em_vnc")
MOVIES = {
    "movie_bacteria": "tracks.tif",
    "movie_bacteria_trpl": "labels_per_frame.tif",
    "movie_nuclei_sim": "tracks.tif",
}
LINKED = ("movie_bacteria", "movie_nuclei_sim")
NAMES = (*IMAGE_SETS, *MOVIES)


@dataclass(frozen=True)
class Sample:
    """One image as the encoder sees it, (height, width, 3) uint8, and the true masks of its cells.

    ``ids`` are those of the label image; in ``LINKED`` movies a cell keeps its id.
    """

    name: str
    image: NDArray[np.uint8]
    truth: list[Mask]
    ids: list[int]


def samples(data: Path, name: str, images: int | None = None, cells: int | None = None) -> Iterator[Sample]:
    """The images of a data set, or the frames of a movie.

    ``images`` and ``cells`` limit how many are taken per set and per image, evenly spread.
    """
    folder = data / name
    if name in MOVIES:
        labels = folder / MOVIES[name]
        with open_source(folder / "movie.tif") as source:
            for t in spread(source.info.sizes.t, images):
                image = read_model_image(source, PlaneIndex(t))
                yield Sample(f"frame {t}", image, *_truth(labels, t, cells))
        return
    files = sorted((folder / "images").iterdir())
    for number in spread(len(files), images):
        file = files[number]
        with open_source(file) as source:
            image = read_model_image(source, PlaneIndex())
        yield Sample(file.name, image, *_truth(folder / "labels" / file.name, 0, cells))


def _truth(labels: Path, page: int, cells: int | None) -> tuple[list[Mask], list[int]]:
    found = list(masks_of(tifffile.imread(labels, key=page), labels))
    chosen = [found[number] for number in spread(len(found), cells)]
    return [mask for _, mask in chosen], [cell_id for cell_id, _ in chosen]


def spread(count: int, limit: int | None) -> list[int]:
    """At most ``limit`` of the numbers from 0 to ``count`` - 1, evenly spread."""
    if limit is None or limit >= count:
        return list(range(count))
    return sorted({round(i * (count - 1) / max(1, limit - 1)) for i in range(limit)})
