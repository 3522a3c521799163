"""Where the nuclei are: soft repulsion inside an ellipse, overdamped, with slow random drift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellsam_desktop.images.sample.lineage import FRAMES, SampleCell
from cellsam_desktop.images.sample.phases import phase_of

HEIGHT, WIDTH = 400, 560
CENTRE = np.array([WIDTH / 2, HEIGHT / 2])
SEMI_AXES = np.array([246.0, 156.0])
"""Half length and half width of the embryo in pixels: 49 x 31 um."""

STEPS_PER_FRAME = 24
STIFFNESS = 2.6
FASTEST = 1.0
"""Pixels per step; 24 px per frame is 1.2 um per minute."""

GAP = 3.0
"""Least distance between the outlines of two nuclei, in pixels."""

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """A nucleus in one frame: centre (x, y), angle of its division axis, distance from the focal plane."""

    centre: Vector
    angle: float
    depth: float


class Motion:
    """Moves the living cells from frame to frame. The state is rounded so that every CPU agrees."""

    def __init__(self, cells: list[SampleCell], random: np.random.Generator) -> None:
        self._cells, self._random = cells, random
        self._at: dict[int, Vector] = {}
        self._drift: dict[int, Vector] = {}
        self._angle: dict[int, float] = {}
        self._depth: dict[int, float] = {}

    def run(self) -> list[dict[int, Pose]]:
        """Poses by cell id for every frame."""
        poses = []
        for frame in range(FRAMES):
            alive = [cell for cell in self._cells if cell.first <= frame <= cell.last]
            for cell in alive:
                if cell.first == frame:
                    self._enter(cell)
            if frame == 0:
                for _ in range(8):
                    self._advance(alive, frame)
            poses.append({cell.id: self._pose(cell) for cell in alive})
            self._advance(alive, frame)
        return poses

    def _pose(self, cell: SampleCell) -> Pose:
        return Pose(self._at[cell.id].copy(), self._angle[cell.id], self._depth[cell.id])

    def _enter(self, cell: SampleCell) -> None:
        mother = cell.parent
        if mother is None:
            side = -1.0 if cell.name == "AB" else 1.0
            self._at[cell.id] = CENTRE + np.array([side * 0.42 * SEMI_AXES[0], 6.0 * side])
            self._depth[cell.id] = 0.0
        else:
            side = -1.0 if mother.daughters[0] is cell else 1.0
            angle = self._angle[mother.id]
            along = np.array([np.cos(angle), np.sin(angle)])
            self._at[cell.id] = self._at[mother.id] + side * 0.78 * mother.radius * along
            self._depth[cell.id] = 0.6 * self._depth[mother.id] + side * self._random.uniform(0.0, 0.45)
        self._drift[cell.id] = np.zeros(2)
        self._angle[cell.id] = self._division_angle(cell)

    def _division_angle(self, cell: SampleCell) -> float:
        """Axis of the coming division: along the embryo for P1 and its line, else across the last one."""
        jitter = self._random.normal(0.0, 0.3)
        if cell.name in ("P1", "EMS", "P3"):
            return jitter
        if cell.parent is None or cell.name == "P2":
            return np.pi / 2 + jitter
        return self._angle[cell.parent.id] + np.pi / 2 + jitter

    def _advance(self, alive: list[SampleCell], frame: int) -> None:
        ids = [cell.id for cell in alive]
        at = np.array([self._at[i] for i in ids])
        nuclei = np.array([reach(cell, frame + 1) for cell in alive])
        territory = _territories(alive)
        for i in ids:
            self._drift[i] = 0.8 * self._drift[i] + self._random.normal(0.0, 0.028, 2)
        drift = np.array([self._drift[i] for i in ids])
        for _ in range(STEPS_PER_FRAME):
            step = STIFFNESS * (_repulsion(at, territory) + _wall(at, territory)) + drift
            speed = np.linalg.norm(step, axis=1, keepdims=True)
            at = at + step * np.minimum(1.0, FASTEST / np.maximum(speed, 1e-9))
            at = _separated(at, nuclei)
        for place, cell in enumerate(alive):
            self._at[cell.id] = np.round(at[place], 4)
            self._angle[cell.id] = round(self._angle[cell.id] + self._random.normal(0.0, 0.03), 6)
            depth = 0.97 * self._depth[cell.id] + self._random.normal(0.0, 0.09)
            self._depth[cell.id] = round(float(np.clip(depth, -1.0, 1.0)), 6)


def reach(cell: SampleCell, frame: int) -> float:
    """Radius of a circle that holds the nucleus as it looks in a frame, wobble included."""
    phase = phase_of(cell, frame)
    return 1.06 * cell.radius * max(phase.along, phase.across)


def _territories(alive: list[SampleCell]) -> Vector:
    """Radius of the area each cell claims; together they fill the embryo."""
    area = np.array([cell.radius**2 for cell in alive])
    share = area / area.sum() * SEMI_AXES.prod()
    return np.asarray(np.sqrt(share))


def _repulsion(at: Vector, territory: Vector) -> Vector:
    apart = at[:, None] - at[None]
    distance = np.linalg.norm(apart, axis=2)
    np.fill_diagonal(distance, np.inf)
    overlap = np.maximum(0.0, 1.0 - distance / (territory[:, None] + territory[None]))
    return np.asarray((apart / distance[..., None] * overlap[..., None]).sum(axis=1))


def _wall(at: Vector, territory: Vector) -> Vector:
    """Push back what comes closer to the egg shell than most of its territory allows."""
    inner = SEMI_AXES - 0.78 * territory[:, None]
    scaled = (at - CENTRE) / inner
    beyond = np.maximum(0.0, (scaled**2).sum(axis=1, keepdims=True) - 1.0)
    outward = scaled / inner
    return np.asarray(
        -1.5 * beyond * outward / np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
    )


def _separated(at: Vector, nuclei: Vector) -> Vector:
    """Nuclei are solid: move overlapping ones apart by half the overlap each, and keep all inside."""
    apart = at[:, None] - at[None]
    distance = np.linalg.norm(apart, axis=2)
    np.fill_diagonal(distance, np.inf)
    overlap = np.maximum(0.0, nuclei[:, None] + nuclei[None] + GAP - distance)
    moved = at + (apart / distance[..., None] * (0.5 * overlap)[..., None]).sum(axis=1)
    inner = SEMI_AXES - nuclei[:, None] - GAP
    scaled = (moved - CENTRE) / inner
    excess = np.maximum(1.0, np.linalg.norm(scaled, axis=1, keepdims=True))
    return np.asarray(CENTRE + scaled / excess * inner)
