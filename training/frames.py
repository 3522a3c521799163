"""What is learned from: planes with the cells that a person stands behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Prompts
from training.images import Image, TrainingMovie


class DataError(CellSamError):
    """There is nothing to learn from, or it is not as it should be."""


@dataclass(frozen=True, eq=False)
class CellTruth:
    """A cell of a frame: its id in the data, its true mask, and the prompts a person really placed for it."""

    cell_id: int
    mask: Mask
    prompts: tuple[Prompts, ...] = ()


@dataclass(frozen=True, eq=False)
class Frame:
    """One plane and its true cells, at least one, each within the plane.

    ``data_set`` is the name of the argument that the frame came with, ``movie`` that of the movie within it:
    frames of one movie may be neighbours, at ``t`` and ``z``. ``name`` is what the frame is called in
    reports. ``shape`` is the plane's (height, width). In a ``complete`` frame every cell has its mask;
    otherwise there may be cells that nobody has drawn. ``unsure`` are the pixels under masks that nobody has
    drawn, accepted or seen, those of true cells left out: no loss is to look at them.
    """

    data_set: str
    movie: str
    name: str
    t: int
    z: int
    shape: tuple[int, int]
    cells: tuple[CellTruth, ...] = field(repr=False)
    complete: bool
    unsure: Mask | None
    source: TrainingMovie = field(repr=False)
    source_t: int
    """The frame in ``source``, which is not ``t`` where every frame is a file of its own."""

    def image(self) -> Image:
        """What the encoder sees of the plane: RGB (height, width, 3), read-only, read when asked for.

        Raises:
            ImageError: it cannot be read any more.
        """
        return self.source.image(self.source_t, self.z)


def single_planes(frames: Iterable[Frame]) -> dict[Path, tuple[int, int]]:
    """The files of which there is one frame only, and its shape: each may be a part of a series."""
    frames = list(frames)
    planes = Counter(frame.source.path for frame in frames)
    return {frame.source.path: frame.shape for frame in frames if planes[frame.source.path] == 1}


def union_of(masks: Iterable[Mask]) -> Mask | None:
    """Pixels of any of the masks; None without a mask."""
    masks = list(masks)
    if not masks:
        return None
    region = masks[0].region
    for mask in masks[1:]:
        region = region.union(mask.region)
    bits = np.zeros((region.height, region.width), np.bool_)
    for mask in masks:
        own = Region(mask.y0 - region.y0, mask.x0 - region.x0, mask.height, mask.width)
        bits[own.slices] |= mask.bits
    return Mask.from_array(bits, region.y0, region.x0)
