"""Movies with made-up cells, and projects that hold them, as large as wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask

SIDE = 1024
"""Width and height of every frame, in pixels."""
_LARGEST_RADIUS = 15.0
_SHAPES = 16


@dataclass(frozen=True)
class Crowd:
    """So many cells that each live ``life`` frames in a row; every frame shows ``visible`` of them."""

    name: str
    cells: int
    frames: int
    life: int

    @property
    def visible(self) -> int:
        """Cells on each frame."""
        return self.cells * self.life // self.frames

    @property
    def masks(self) -> int:
        """Masks on all frames."""
        return self.cells * self.life

    def on(self, t: int) -> range:
        """Ids of the cells on a frame: of ``frames / life`` generations one after the other, one is alive."""
        generation = t // self.life
        return range(generation * self.visible + 1, (generation + 1) * self.visible + 1)

    def keys(self, cell_id: int) -> list[PlaneKey]:
        """The planes on which a cell has masks."""
        first = (cell_id - 1) // self.visible * self.life
        return [PlaneKey(t) for t in range(first, first + self.life)]


class Shapes:
    """Cells on a grid, each a disc with a rough edge that moves to and fro a little."""

    def __init__(self, crowd: Crowd) -> None:
        self._columns = int(np.ceil(np.sqrt(crowd.visible)))
        self._visible = crowd.visible
        self._pitch = SIDE / self._columns
        radius = min(_LARGEST_RADIUS, 0.4 * self._pitch)
        random = np.random.default_rng(0)
        self._discs = [_disc(radius * random.uniform(0.85, 1.0), random) for _ in range(_SHAPES)]

    def mask(self, cell_id: int, t: int) -> Mask:
        """The mask of a cell on a frame."""
        row, column = divmod((cell_id - 1) % self._visible, self._columns)
        disc = self._discs[(cell_id + t) % _SHAPES]
        height, width = disc.shape
        y = round((row + 0.5) * self._pitch - height / 2 + np.sin(cell_id + t / 3))
        x = round((column + 0.5) * self._pitch - width / 2 + np.cos(cell_id + t / 5))
        return Mask(max(y, 0), max(x, 0), disc)

    def place(self, cell_id: int) -> tuple[float, float]:
        """About the middle (x, y) of a cell."""
        row, column = divmod((cell_id - 1) % self._visible, self._columns)
        return (column + 0.5) * self._pitch, (row + 0.5) * self._pitch


def write_movie(path: Path, frames: int) -> None:
    """A movie (T, Y, X) of soft waves, uint8."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / 64.0
    waves = (90 + 40 * np.sin(rows) * np.cos(columns)).astype(np.uint8)
    planes = (np.roll(waves, 2 * t, axis=1) for t in range(frames))
    _write(path, planes, frames, np.dtype(np.uint8))


def write_labels(path: Path, crowd: Crowd) -> None:
    """The masks of a crowd as a label movie (T, Y, X) of uint16."""
    shapes = Shapes(crowd)
    _write(path, (_labels(crowd, shapes, t) for t in range(crowd.frames)), crowd.frames, np.dtype(np.uint16))


def _labels(crowd: Crowd, shapes: Shapes, t: int) -> NDArray[np.uint16]:
    plane = np.zeros((SIDE, SIDE), np.uint16)
    for cell_id in crowd.on(t):
        mask = shapes.mask(cell_id, t)
        plane[mask.region.slices][mask.bits] = cell_id
    return plane


def _write(
    path: Path, planes: Iterator[NDArray[np.generic]], frames: int, dtype: np.dtype[np.generic]
) -> None:
    tifffile.imwrite(
        path, planes, shape=(frames, SIDE, SIDE), dtype=dtype, compression="zlib", metadata={"axes": "TYX"}
    )


def _disc(radius: float, random: np.random.Generator) -> NDArray[np.bool_]:
    size = int(radius) + 2
    rows, columns = np.mgrid[-size : size + 1, -size : size + 1]
    angle = np.arctan2(rows, columns)
    edge = radius * (1 + 0.12 * np.sin(3 * angle + random.uniform(0, 6)) * random.uniform(0.3, 1))
    mask = Mask.from_array(np.hypot(rows, columns) <= edge)
    assert mask is not None
    return mask.bits
