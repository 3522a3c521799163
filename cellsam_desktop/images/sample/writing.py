"""Make the sample movie and write it with its truth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import tifffile
from scipy.ndimage import distance_transform_edt

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.progress import Report
from cellsam_desktop.images.sample.lineage import FRAMES, MINUTES_PER_FRAME, SampleCell, grow_lineage
from cellsam_desktop.images.sample.motion import HEIGHT, WIDTH, Motion
from cellsam_desktop.images.sample.scene import Labels, Scene

PIXEL_UM = 0.1


@dataclass(frozen=True)
class SampleMovie:
    """Files of the sample. ``lineage`` has lines "L B E P" (label, first and last frame, parent or 0)."""

    movie: Path
    tracks: Path
    lineage: Path
    prompts: Path

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """Where ``write_sample`` puts them; the prompts are written last."""
        names = ("embryo.tif", "embryo_tracks.tif", "man_track.txt", "PROMPTS.json")
        return cls(*(folder / name for name in names))


def write_sample(folder: Path, *, seed: int = 7, progress: Report | None = None) -> SampleMovie:
    """Simulate the movie and write it into ``folder``; the same seed gives the same files.

    ``progress`` hears the share done, 0..1. Raises ImageError if the folder cannot be written.
    """
    sample = SampleMovie.in_folder(folder)
    cells, movie, tracks = simulate(seed, progress)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_tiff(sample.movie, movie)
        _write_tiff(sample.tracks, tracks, compression="zlib")
        sample.lineage.write_text("".join(_lineage_line(cell) for cell in cells), encoding="utf-8")
        sample.prompts.write_text(json.dumps(interior_prompts(tracks[0]), indent=1) + "\n", encoding="utf-8")
    except OSError as cause:
        raise ImageError(
            f"The sample movie cannot be written to {folder} ({cause.strerror}); choose another folder."
        ) from cause
    return sample


def simulate(
    seed: int, progress: Report | None = None
) -> tuple[list[SampleCell], np.ndarray[Any, np.dtype[np.uint16]], Labels]:
    """Cells, movie (T, Y, X) uint16 and labels (T, Y, X) uint16."""
    random = np.random.default_rng(seed)
    cells = grow_lineage(random)
    poses = Motion(cells, random).run()
    scene = Scene(cells, random)
    movie = np.empty((FRAMES, HEIGHT, WIDTH), np.uint16)
    tracks = np.empty_like(movie)
    for frame in range(FRAMES):
        movie[frame], tracks[frame] = scene.draw(frame, poses[frame])
        if progress is not None:
            progress((frame + 1) / FRAMES)
    return cells, movie, tracks


def interior_prompts(labels: Labels) -> list[dict[str, Any]]:
    """One positive point per cell of frame 0, as far inside as possible."""
    prompts = []
    for number in np.unique(labels[labels > 0]):
        depth = np.asarray(distance_transform_edt(labels == number))
        y, x = np.unravel_index(int(depth.argmax()), depth.shape)
        point = {"x": int(x), "y": int(y), "label": 1}
        prompts.append({"id": int(number), "frame": 0, "points": [point]})
    return prompts


def _lineage_line(cell: SampleCell) -> str:
    return f"{cell.id} {cell.first} {cell.last} {cell.parent.id if cell.parent else 0}\n"


def _write_tiff(path: Path, frames: Labels, compression: str | None = None) -> None:
    """ImageJ hyperstack with pixel size and frame interval."""
    seconds = 60.0 * MINUTES_PER_FRAME
    tifffile.imwrite(
        path,
        frames,
        imagej=True,
        resolution=(1 / PIXEL_UM, 1 / PIXEL_UM),
        metadata={"axes": "TYX", "unit": "um", "finterval": seconds, "fps": 1 / seconds},
        compression=compression,
    )
