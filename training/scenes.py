"""Made-up images of blobs of all sizes and looks, on which a decoder rehearses what it could do before.

They resemble no microscope in particular: bright or dark, filled, hollow or with a halo, crowded or sparse.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from training.amounts import amount
from training.frames import CellTruth, Frame
from training.images import Image, TrainingMovie

SIDE = 512
SCENES = 32
_PER_MINUTE = 8
"""So many are encoded in a run of few minutes, to leave time for learning."""

_RADII = (2.0, 110.0)  # pixels; of the blobs of the first and of the last scene, even steps of the logarithm
_FILLED = 0.3  # of a scene, at most, by so many blobs:
_MOST = 100
_LONGEST = 4.0  # times as long as wide
_HALO = 20  # pixels around a blob that may be brighter or darker because of it
_OVERLAP = 0.1  # share of a blob that may lie under others

Plane = NDArray[np.float32]


@dataclass(frozen=True, eq=False, kw_only=True)
class _Painted(TrainingMovie):
    """A picture that was never on disk."""

    pixels: Image

    def image(self, t: int, z: int) -> Image:
        """The picture, whatever is asked for."""
        return self.pixels


class _Style(NamedTuple):
    """How the blobs of a scene look: weights of body, rim and halo, and the width of the latter two."""

    body: float
    rim: float
    halo: float
    width: float


def scenes(count: int = SCENES, seed: int = 0) -> list[Frame]:
    """``count`` frames of ``SIDE`` x ``SIDE`` pixels, the same for the same seed."""
    return _numbered(range(count), count, seed)


def scenes_for(minutes: float | None) -> list[Frame]:
    """Those of ``scenes`` that a run of so many minutes rehearses, of all sizes of blobs."""
    wanted = amount(_PER_MINUTE, _PER_MINUTE, SCENES, minutes)
    return _numbered(np.linspace(0, SCENES - 1, wanted).round().astype(int).tolist())


def _numbered(numbers: Iterable[int], count: int = SCENES, seed: int = 0) -> list[Frame]:
    """The scenes with these numbers, of ``count``."""
    radii = np.geomspace(*_RADII, count)
    return [_scene(number, radii[number], np.random.default_rng([seed, number])) for number in numbers]


def _scene(number: int, radius: float, random: np.random.Generator) -> Frame:
    """Of two scenes one has blobs, the other is packed with them."""
    width = min(5.0, radius * random.uniform(0.1, 0.4))
    style = _Style(random.uniform(0, 1), random.uniform(-1, 1), random.uniform(-1, 0.5), width)
    masks, picture = (_packed if number % 2 else _scattered)(radius, style, random)
    cells = tuple(CellTruth(n, mask) for n, mask in enumerate(masks, start=1))
    source = _Painted(Path(f"scene {number}"), pixels=_developed(picture, radius, random))
    return Frame("rehearsal", "", str(number), number, 0, (SIDE, SIDE), cells, True, None, source, number)


def _scattered(radius: float, style: _Style, random: np.random.Generator) -> tuple[list[Mask], Plane]:
    """Blobs here and there, some of them crowded."""
    taken = np.zeros((SIDE, SIDE), np.bool_)
    picture = np.zeros((SIDE, SIDE), np.float32)
    masks: list[Mask] = []
    most = int(min(_MOST, _FILLED * SIDE**2 / (np.pi * radius**2)) + 1)
    for x, y in _places(2 * most, radius, random):
        region, depth = _blob(x, y, radius, random)
        bits, under = depth > 0, taken[region.slices]
        mask = Mask.from_array(bits & ~under, region.y0, region.x0)
        if mask is not None and mask.area >= (1 - _OVERLAP) * np.count_nonzero(bits):
            under |= bits
            picture[region.slices] += _look(depth, style, random)
            masks.append(mask)
        if len(masks) == most:
            break
    return masks, picture


def _packed(radius: float, style: _Style, random: np.random.Generator) -> tuple[list[Mask], Plane]:
    """A colony or tissue without gaps: what is nearest to each of many places, all stretched one way."""
    turn, stretch = random.uniform(0, np.pi), _stretch(random)
    rows, columns = np.mgrid[:SIDE, :SIDE] + _bend(radius, random)
    pixels = np.stack(_stretched(columns, rows, turn, stretch), axis=-1).reshape(-1, 2)
    count = max(4, int(SIDE**2 / (np.pi * radius**2)))
    seeds = pixels[random.choice(len(pixels), count, replace=False)]
    distances, nearest = cKDTree(seeds).query(pixels, k=2)
    between = (distances[:, 1] - distances[:, 0]).reshape(SIDE, SIDE) / 2
    colony = np.full((SIDE, SIDE), -np.inf, np.float32)
    x, y, size = random.uniform((0.3, 0.3, 0.3), (0.7, 0.7, 1.0)) * SIDE
    region, inside = _blob(x, y, size, random)
    colony[region.slices] = inside
    depth = np.minimum(between - style.width / 2, colony).astype(np.float32)
    labels = np.where(depth > 0, nearest[:, 0].reshape(SIDE, SIDE) + 1, 0)
    return _some(labels, random), _look(depth, style, random)


def _some(labels: NDArray[np.int64], random: np.random.Generator) -> list[Mask]:
    """Some of the labels, as masks."""
    boxes = [(n, box) for n, box in enumerate(ndimage.find_objects(labels), start=1) if box is not None]
    chosen = [boxes[place] for place in random.permutation(len(boxes))[:_MOST]]
    masks = (Mask.from_array(labels[box] == n, box[0].start, box[1].start) for n, box in chosen)
    return [mask for mask in masks if mask is not None]


def _bend(radius: float, random: np.random.Generator) -> NDArray[np.float64]:
    """How far each pixel (2, SIDE, SIDE) is moved, so that packed shapes are not all straight."""
    return np.stack([_waves(min(radius, 15), 5, random) for _ in range(2)])


def _waves(height: float, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """A smooth field (SIDE, SIDE) through ``count`` random values along each side."""
    return np.asarray(ndimage.zoom(random.normal(0, height, (count, count)), SIDE / count, order=3))


def _places(count: int, radius: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Where blobs may lie (count, 2), (x, y): one half anywhere, the other half crowded around a place."""
    crowd = random.normal(random.uniform(0, SIDE, 2), 1.5 * radius * np.sqrt(count), (count, 2))
    anywhere = random.uniform(0, SIDE, (count, 2))
    return np.where(random.random((count, 1)) < 0.5, anywhere, crowd).clip(0, SIDE - 1)


def _blob(x: float, y: float, radius: float, random: np.random.Generator) -> tuple[Region, Plane]:
    """A smooth shape: where it lies, and how many pixels inside it each pixel there is, below 0 outside."""
    size, turn = radius * random.uniform(0.7, 1.3), random.uniform(0, np.pi)
    stretch = _stretch(random)
    reach = int(1.4 * size * stretch) + _HALO
    y0, x0 = max(0, int(y) - reach), max(0, int(x) - reach)
    region = Region(y0, x0, min(SIDE, int(y) + reach) - y0, min(SIDE, int(x) + reach) - x0)
    rows, columns = np.mgrid[region.slices].astype(np.float32)
    along, across = _stretched(columns - x, rows - y, turn, stretch)
    angle = np.arctan2(across, along)
    waves = [(k, random.uniform(0, 0.25 / k), random.uniform(0, 2 * np.pi)) for k in (2, 3, 5)]
    border = 1 + sum(height * np.cos(k * angle + phase) for k, height, phase in waves)
    return region, np.asarray(border * size - np.hypot(along, across), np.float32)


def _stretch(random: np.random.Generator) -> float:
    """The root of how many times as long as wide something is."""
    return float(np.sqrt(np.exp(random.uniform(0, np.log(_LONGEST)))))


def _stretched(
    x: NDArray[Any], y: NDArray[Any], turn: float, stretch: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Positions along and across a direction, so that what is round in them is long in that direction."""
    along = (x * np.cos(turn) + y * np.sin(turn)) / stretch
    return along, (y * np.cos(turn) - x * np.sin(turn)) * stretch


def _look(depth: Plane, style: _Style, random: np.random.Generator) -> Plane:
    body = style.body * random.uniform(0.6, 1.2) * (depth > 0) * (0.7 + 0.3 * np.tanh(depth / 20))
    rim = style.rim * np.exp(-((depth / style.width) ** 2))
    halo = style.halo * np.exp(-(((depth + 2 * style.width) / style.width) ** 2))
    return np.asarray(body + rim + halo, np.float32)


def _developed(picture: Plane, radius: float, random: np.random.Generator) -> Image:
    """The picture, blurred, unevenly lit, grainy, bright or dark, in 8 bits of each colour."""
    blurred = ndimage.gaussian_filter(picture, random.uniform(0.5, min(2.5, 0.5 + radius / 10)))
    light = _waves(0.15, 4, random)
    texture = ndimage.gaussian_filter(random.normal(0, 1, picture.shape), 2.0)
    grain = random.uniform(0.01, 0.1) * random.normal(0, 1, picture.shape)
    developed = blurred + light + random.uniform(0, 0.5) * texture + grain
    low, high = np.percentile(developed, (0.5, 99.5))
    shown = np.clip((developed - low) / max(1e-6, high - low), 0, 1)
    if random.random() < 0.5:
        shown = 1 - shown
    pixels = np.repeat(np.rint(255 * shown).astype(np.uint8)[..., None], 3, axis=2)
    pixels.setflags(write=False)
    return pixels
