"""What linking knows of one mask: where it is, how large, how bright."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cellsam_desktop.core.mask import Mask

Placed = Mapping[int, Mask]
"""The masks of one cell on one frame, by z."""
Frames = Mapping[int, Mapping[int, Placed]]
"""Masks by frame, then by label."""
Plane = npt.NDArray[Any]
ReadPlane = Callable[[int, int], Plane]
"""Pixels (Y, X) of frame t and position z."""
Point = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Detection:
    """One label on one frame. ``place`` is (z, y, x) in pixels of the plane; ``brightness`` is the mean in
    units of the frame's spread of pixel values, None without images.
    """

    t: int
    label: int
    masks: Placed
    area: int
    place: Point
    brightness: float | None = None

    def overlap(self, other: Detection, shift: Point) -> int:
        """Common pixels when this one is moved by ``shift`` (z, y, x), rounded; z stays."""
        dy, dx = round(float(shift[1])), round(float(shift[2]))
        return sum(
            mask.moved(dy, dx).overlap(other.masks[z]) for z, mask in self.masks.items() if z in other.masks
        )


def detections(frames: Frames, t: int, read: ReadPlane | None, z_step: float) -> list[Detection]:
    """The detections of a frame, by label; ``z_step`` is the distance of z positions in pixels."""
    found = frames.get(t, {})
    bright = {} if read is None else _brightness(found, t, read)
    return [_detection(t, label, found[label], bright.get(label), z_step) for label in sorted(found)]


def cell_size(frames: Frames) -> float:
    """The usual diameter of a cell in pixels: the side of a square of the median area."""
    areas = [max(mask.area for mask in placed.values()) for placed in _all(frames)]
    return float(np.sqrt(np.median(areas))) if areas else 1.0


def _all(frames: Frames) -> Iterator[Placed]:
    for labels in frames.values():
        yield from (placed for placed in labels.values() if placed)


def _detection(t: int, label: int, masks: Placed, brightness: float | None, z_step: float) -> Detection:
    areas = np.array([mask.area for mask in masks.values()], float)
    places = np.array([(z * z_step, *reversed(mask.centroid)) for z, mask in masks.items()], float)
    place = areas @ places / areas.sum()
    return Detection(t, label, masks, int(areas.sum()), place, brightness)


def _brightness(found: Mapping[int, Placed], t: int, read: ReadPlane) -> dict[int, float]:
    """Means over all positions, divided by the standard deviation of the frame's pixels; none for a cell that
    lies outside.
    """
    sums: defaultdict[int, float] = defaultdict(float)
    areas: Counter[int] = Counter()
    spread = 0.0
    for z in sorted({z for placed in found.values() for z in placed}):
        plane = np.asarray(read(t, z), np.float64)
        spread = max(spread, float(np.nanstd(plane[::4, ::4])))
        for label, placed in found.items():
            mask = placed[z].clip(*plane.shape) if z in placed else None
            if mask is not None:
                sums[label] += float(np.nansum(plane[mask.region.slices][mask.bits]))
                areas[label] += mask.area
    return {label: sums[label] / area / (spread or 1.0) for label, area in areas.items()}
