"""How bright the pixels under each mask are, per channel."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import Place, PlaneIndex, PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.progress import Report

Pixels = np.ndarray[Any, np.dtype[Any]]
ReadPlane = Callable[[PlaneIndex], Pixels]


@dataclass(frozen=True, slots=True)
class Intensity:
    """Grey values of one channel under one mask, as stored in the movie."""

    mean: float
    total: float


@dataclass(frozen=True)
class Intensities:
    """What was measured: ``channels`` are names for columns, ``of`` has one value per channel and mask."""

    channels: tuple[str, ...] = ()
    of: dict[Place, tuple[Intensity, ...]] = field(default_factory=dict)


def measure_intensities(
    document: Document,
    read_plane: ReadPlane,
    channels: int,
    names: tuple[str, ...] = (),
    *,
    cells: Collection[int] | None = None,
    rgb: bool = False,
    progress: Report = lambda _: None,
) -> Intensities:
    """Read each plane on which these ``cells`` (None: all) have masks once per channel, and measure these.

    ``names`` are the movie's names of its ``channels``, if it has any; the three colours of an ``rgb`` plane
    (Y, X, 3) count as channels. ``progress`` gets the fraction done, and may raise to cancel.

    Raises:
        ImageError: a plane cannot be read.
    """
    measured: dict[Place, tuple[Intensity, ...]] = {}
    planes = _planes(document, cells)
    for number, key in enumerate(planes):
        progress(number / len(planes))
        stack = [read_plane(PlaneIndex(key.t, c, key.z)) for c in range(channels)]
        layers = [plane[..., band] for plane in stack for band in range(3)] if rgb else stack
        for cell_id in document.cells_on(key):
            record = document.record(cell_id, key)
            if record is not None and (cells is None or cell_id in cells):
                measured[cell_id, key] = tuple(_under(record.mask, layer) for layer in layers)
    return Intensities(_labels(channels, names, rgb=rgb), measured)


def _planes(document: Document, cells: Collection[int] | None) -> list[PlaneKey]:
    if cells is None:
        return document.planes()
    return sorted({key for cell_id in cells for key in document.track(cell_id)})


def _under(mask: Mask, plane: Pixels) -> Intensity:
    """Pixels beyond the plane's edge do not count; a mask that lies all beyond it has neither."""
    inside = mask.clip(*plane.shape)
    if inside is None:
        return Intensity(float("nan"), float("nan"))
    values = plane[inside.region.slices][inside.bits]
    total = float(values.sum(dtype=np.float64))
    return Intensity(total / values.size, total)


def _labels(channels: int, names: tuple[str, ...], *, rgb: bool) -> tuple[str, ...]:
    """``c0_GFP`` for a channel with a name, else ``c0``; the three colours follow as ``c0_red`` and so on."""
    plain = [f"c{c}_{_word(names[c])}" if c < len(names) and names[c] else f"c{c}" for c in range(channels)]
    return (
        tuple(f"{label}_{band}" for label in plain for band in ("red", "green", "blue"))
        if rgb
        else tuple(plain)
    )


def _word(name: str) -> str:
    """A name without what separates columns or words."""
    return "".join(letter if letter.isalnum() else "_" for letter in name.strip())
