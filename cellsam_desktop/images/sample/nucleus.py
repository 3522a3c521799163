"""What one nucleus looks like: its outline and its chromatin."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellsam_desktop.images.sample.lineage import SampleCell
from cellsam_desktop.images.sample.motion import HEIGHT, WIDTH, Pose
from cellsam_desktop.images.sample.phases import Phase, phase_of

Array = npt.NDArray[np.float64]


WAVES = 8
"""Plane waves that make the chromatin texture."""


class Nucleus:
    """The individual traits of a nucleus, fixed at birth: its wobble, chromatin and nucleolus."""

    def __init__(self, cell: SampleCell, random: np.random.Generator) -> None:
        self.cell = cell
        self._wobble = random.uniform(0.008, 0.028, 3)
        self._wobble_phase = random.uniform(0, 2 * np.pi, 3)
        wavelength = random.uniform(0.35, 0.9, WAVES)
        direction = random.uniform(0, 2 * np.pi, WAVES)
        self._waves = 2 * np.pi / wavelength * np.array([np.cos(direction), np.sin(direction)])
        self._wave_phase = random.uniform(0, 2 * np.pi, WAVES)
        place, distance = random.uniform(0, 2 * np.pi), random.uniform(0.15, 0.4)
        self._nucleolus = distance * np.array([np.cos(place), np.sin(place)])
        self._nucleolus_size = random.uniform(0.24, 0.33)
        self.expression = random.uniform(0.88, 1.12)

    def draw(self, pose: Pose, frame: int, margin: int) -> tuple[tuple[slice, slice], Array, Array]:
        """Window of the plane with ``margin`` around, brightness (h, w) and elliptic radius (h, w).

        The radius is 1 on the outline: the truth mask is where it is below 1.
        """
        phase, radius = phase_of(self.cell, frame), self.cell.radius
        half = int(np.ceil(1.2 * radius * max(phase.along, phase.across))) + margin
        x, y = (round(float(v)) for v in pose.centre)
        rows = slice(max(0, y - half), min(HEIGHT, y + half + 1))
        columns = slice(max(0, x - half), min(WIDTH, x + half + 1))
        down, right = np.mgrid[rows, columns].astype(np.float64)
        right, down = right - pose.centre[0], down - pose.centre[1]
        cos, sin = np.cos(pose.angle), np.sin(pose.angle)
        along = (cos * right + sin * down) / (radius * phase.along)
        across = (-sin * right + cos * down) / (radius * phase.across)
        rho = np.hypot(along, across) / self._outline(np.arctan2(across, along), frame)
        return (rows, columns), self._chromatin(along, across, rho, phase), rho

    def _outline(self, theta: Array, frame: int) -> Array:
        outline = np.ones_like(theta)
        for order, (size, start) in enumerate(zip(self._wobble, self._wobble_phase, strict=True), start=2):
            outline += size * np.cos(order * theta + start + 0.12 * frame)
        return outline

    def _chromatin(self, along: Array, across: Array, rho: Array, phase: Phase) -> Array:
        soft_edge = 1.0 / (1.0 + np.exp((rho - 0.97) * 0.55 * self.cell.radius))
        dome = 0.78 + 0.22 * np.sqrt(np.clip(1.0 - rho**2, 0.0, 1.0))
        waves = self._waves[0][:, None, None] * along + self._waves[1][:, None, None] * across
        texture = np.cos(waves + self._wave_phase[:, None, None]).sum(axis=0) / np.sqrt(WAVES / 2)
        fine = 1.0 + 0.10 * (1.0 - 0.6 * phase.condensed) * texture
        from_nucleolus = np.hypot(along - self._nucleolus[0], across - self._nucleolus[1])
        nucleolus = np.exp(-((from_nucleolus / self._nucleolus_size) ** 4))
        hole = 1.0 - 0.5 * (1.0 - phase.condensed) * nucleolus
        parted = 1.0 - phase.lobes * np.exp(-((along / 0.42) ** 2))
        return np.asarray(soft_edge * dome * np.maximum(fine, 0.2) * hole * parted)
