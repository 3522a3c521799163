"""Two small frames of bright discs and what stands in for their embeddings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Point, Prompts
from training.frames import CellTruth, Frame
from training.images import TrainingMovie
from training.views import View, views_of

SHAPE = (120, 160)
DISCS = ((30, 40, 12), (100, 30, 8), (70, 90, 15), (135, 95, 10))


def disc(x: float, y: float, radius: float) -> Mask:
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    mask = Mask.from_array((rows - y) ** 2 + (columns - x) ** 2 <= radius**2)
    assert mask is not None
    return mask


def frames(folder: Path, count: int = 2) -> list[Frame]:
    found = []
    for number in range(count):
        masks = [disc(x + 3 * number, y - 2 * number, radius) for x, y, radius in DISCS]
        image = np.random.default_rng(number).integers(0, 1000, SHAPE, dtype=np.uint16)
        for mask in masks:
            image[mask.region.slices][mask.bits] += 3000
        file = folder / f"{number}.tif"
        tifffile.imwrite(file, image)
        prompts = (Prompts((Point(DISCS[0][0], DISCS[0][1]), Point(1, 1, positive=False))),)
        cells = [CellTruth(n, mask, prompts if n == 1 else ()) for n, mask in enumerate(masks, 1)]
        movie = TrainingMovie(file)
        found.append(Frame("set", f"m{number}", file.name, 0, 0, SHAPE, tuple(cells), True, None, movie, 0))
    return found


class MadeEmbeddings:
    """The image itself, shrunk, in some channels: enough to find bright discs."""

    def get(self, view: View) -> np.ndarray:
        scale = view.geometry.scale
        places = ((np.arange(64) + 0.5) * 16 / scale).astype(int)
        height, width = view.shape
        image = view.image()[..., 0].astype(np.float32) / 255
        grid = image[np.ix_(places.clip(0, height - 1), places.clip(0, width - 1))]
        grid *= (places < height)[:, None] & (places < width)
        signs = np.random.default_rng(0).normal(size=(256, 1, 1))
        return (0.3 * signs * (grid - 0.5)).astype(np.float16)


def views(folder: Path, turns: int = 1) -> list[View]:
    return views_of(frames(folder), "whole", turns=turns)
