"""From nuclei to camera frames: focus, haze, yolk, egg shell, bleaching and noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, zoom

from cellsam_desktop.images.sample.lineage import FRAMES, SampleCell
from cellsam_desktop.images.sample.motion import CENTRE, HEIGHT, SEMI_AXES, WIDTH, Pose
from cellsam_desktop.images.sample.nucleus import Nucleus
from cellsam_desktop.images.sample.phases import phase_of

PHOTONS = 78.0
"""Expected photons per pixel in an interphase nucleus of 30 px radius in focus."""

CYTOPLASM, MEDIUM, SHELL = 15.0, 3.5, 5.0
HAZE = 0.16
BLEACHING = 0.15
"""Share of the signal lost by the last frame."""

OFFSET, GAIN, READ_NOISE = 100.0, 9.0, 14.0
"""Camera: grey value without light, grey values per photon, standard deviation in grey values."""

FOCUS_BLUR, DEFOCUS_BLUR = 1.5, 1.9
"""Gaussian sigma in pixels in focus (a 63x/1.2 lens at 0.1 um per pixel) and added at depth 1."""

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.uint16]


class Scene:
    """Draws frames in order; the yolk granules drift from one frame to the next."""

    def __init__(self, cells: list[SampleCell], random: np.random.Generator) -> None:
        self._random = random
        self._nuclei = {cell.id: Nucleus(cell, random) for cell in cells}
        self._y, self._x = np.arange(HEIGHT, dtype=np.float64)[:, None], np.arange(WIDTH, dtype=np.float64)
        scaled_x, scaled_y = (self._x - CENTRE[0]) / SEMI_AXES[0], (self._y - CENTRE[1]) / SEMI_AXES[1]
        self._from_centre = np.sqrt(scaled_x**2 + scaled_y**2)
        self._yolk = self._granules()

    def draw(self, frame: int, poses: dict[int, Pose]) -> tuple[npt.NDArray[np.uint16], Labels]:
        """Camera frame (Y, X) and truth labels (Y, X); labels are 0 outside the nuclei."""
        signal, labels = self._signal(frame, poses)
        # Light from other depths is so smooth that a quarter of the resolution is enough.
        haze = zoom(gaussian_filter(signal[::4, ::4], 5.5, mode="constant", truncate=3.0), 4, order=1)
        light = signal + HAZE * haze + self._surroundings(poses)
        light *= 1.0 - BLEACHING * frame / (FRAMES - 1)
        # Rounding makes the random numbers independent of the last bits, which differ between CPUs.
        photons = self._random.poisson(np.round(light, 3))
        grey = OFFSET + GAIN * photons + self._random.normal(0.0, READ_NOISE, light.shape)
        return np.clip(np.rint(grey), 0, 65535).astype(np.uint16), labels

    def _signal(self, frame: int, poses: dict[int, Pose]) -> tuple[Array, Labels]:
        signal, labels = np.zeros((HEIGHT, WIDTH)), np.zeros((HEIGHT, WIDTH), np.uint16)
        for number, pose in poses.items():
            nucleus = self._nuclei[number]
            blur = FOCUS_BLUR + DEFOCUS_BLUR * pose.depth**2
            window, chromatin, rho = nucleus.draw(pose, frame, margin=int(np.ceil(4 * blur)))
            cell = nucleus.cell
            # The same DNA in a smaller nucleus is brighter.
            level = PHOTONS * (30.0 / cell.radius) ** 0.8 * nucleus.expression / (1 + 0.7 * pose.depth**2)
            signal[window] += gaussian_filter(
                level * phase_of(cell, frame).brightness * chromatin, blur, mode="constant", truncate=4.0
            )
            labels[window][rho < 1.0] = number
        return signal, labels

    def _surroundings(self, poses: dict[int, Pose]) -> Array:
        """Light of medium, egg shell and cytoplasm, darker where two cells meet."""
        self._yolk = 0.93 * self._yolk + np.sqrt(1 - 0.93**2) * self._granules()
        inside = 1.0 / (1.0 + np.exp((self._from_centre - 1.0) * 60.0))
        shell = np.exp(-(((self._from_centre - 1.055) / 0.013) ** 2))
        cytoplasm = CYTOPLASM * (1.0 + 0.2 * self._yolk) * (1.0 - 0.38 * self._borders(poses))
        return np.asarray(MEDIUM + SHELL * shell + inside * np.maximum(cytoplasm, 0.0))

    def _borders(self, poses: dict[int, Pose]) -> Array:
        """1 on the line between a cell and its nearest neighbour, falling to 0 within a few pixels."""
        y, x = self._y[::2], self._x[::2]
        nearest = np.full((HEIGHT // 2, WIDTH // 2), np.inf)
        second = nearest.copy()
        for number, pose in poses.items():
            squared = (x - pose.centre[0]) ** 2 + (y - pose.centre[1]) ** 2
            distance = np.sqrt(squared) - self._nuclei[number].cell.radius
            np.minimum(second, np.maximum(nearest, distance), out=second)
            np.minimum(nearest, distance, out=nearest)
        return np.asarray(zoom(np.exp(-(((second - nearest) / 7.0) ** 2)), 2, order=1))

    def _granules(self) -> Array:
        """Smooth noise of unit variance: grains of half a micrometre and clouds of two."""
        white = self._random.standard_normal((HEIGHT, WIDTH))
        grains, clouds = (gaussian_filter(white, sigma, mode="wrap", truncate=3.0) for sigma in (2.2, 9.0))
        return np.asarray(0.75 * grains / grains.std() + 0.65 * clouds / clouds.std())
