"""A project from the real lineage of a *C. elegans* embryo: centroids as small discs on a made-up movie."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source
from cellsam_desktop.images.fingerprint import fingerprint
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.store import ProjectStore, everything

HEIGHT, WIDTH = 512, 712
_RADII = (26.0, 7.0)
"""Of the first and of the last nuclei, in pixels: they shrink with every division."""
_SCALE = Calibration(0.09, 1.0, 60.0)
"""Of the movie Fluo-N3DH-CE from which the lineage comes."""


def make_project(source: Path, folder: Path) -> Path:
    """Write movie and project into ``folder`` from ``centroids.csv`` and ``lineage_man_track.txt``.

    All z positions lie on one plane. Returns the project.
    """
    places, lines = _places(source / "centroids.csv"), _lines(source / "lineage_man_track.txt")
    movie = folder / "embryo.tif"
    tifffile.imwrite(
        movie, _planes(places), shape=(len(places), HEIGHT, WIDTH), dtype=np.uint8, compression="zlib",
        metadata={"axes": "TYX"},
    )  # fmt: skip
    document = Document(_SCALE)
    for cell_id in lines:
        document.put_cell(Cell(cell_id))
    for t, here in enumerate(places):
        for cell_id, (y, x) in here.items():
            mask = _disc(y, x, _radius(len(here)))
            document.put_record(cell_id, PlaneKey(t), MaskRecord(mask, Source.IMPORTED))
    daughters: dict[int, list[int]] = {}
    for cell_id, mother in lines.items():
        daughters.setdefault(mother, []).append(cell_id)
    for mother, pair in daughters.items():
        if mother:
            document.lineage.add(mother, (pair[0], pair[1]))
    with open_source(movie) as opened:
        link = MovieLink(movie, fingerprint(opened), None, (len(places), 1, 1, HEIGHT, WIDTH))
    path = movie.with_name(f"{movie.name}.cellsam")
    with ProjectStore.create(path, link, _SCALE) as store:
        store.save(document, everything(document))
    return path


def _lines(path: Path) -> dict[int, int]:
    """Mother (0 for none) by cell."""
    rows = (tuple(map(int, line.split())) for line in path.read_text(encoding="ascii").splitlines())
    return {cell_id: mother for cell_id, _, _, mother in rows}


def _places(path: Path) -> list[dict[int, tuple[float, float]]]:
    """Centroids (y, x) by cell, frame by frame."""
    with path.open(newline="", encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    places: list[dict[int, tuple[float, float]]] = [{} for _ in range(max(int(r["frame"]) for r in rows) + 1)]
    for row in rows:
        places[int(row["frame"])][int(row["id"])] = (float(row["y"]), float(row["x"]))
    return places


def _radius(cells: int) -> float:
    """Nuclei shrink as they become more."""
    return float(max(_RADII[0] * (4 / cells) ** (1 / 3), _RADII[1]))


def _disc(y: float, x: float, radius: float) -> Mask:
    reach = int(radius) + 1
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    top, left = round(y) - reach, round(x) - reach
    mask = Mask.from_array(np.hypot(rows, columns) <= radius, top, left)
    assert mask is not None, "a disc of this radius has pixels"
    inside = mask.clip(HEIGHT, WIDTH)
    assert inside is not None, "every centroid lies within the movie"
    return inside


def _planes(places: list[dict[int, tuple[float, float]]]) -> Iterator[NDArray[np.uint8]]:
    """Soft spots on a dim ground."""
    noise = np.random.default_rng(0).integers(12, 24, (HEIGHT, WIDTH), dtype=np.uint8)
    for here in places:
        plane = noise.copy()
        radius = _radius(len(here))
        for y, x in here.values():
            mask = _disc(y, x, radius)
            part = plane[mask.region.slices]
            rows, columns = np.mgrid[: mask.height, : mask.width]
            away = np.hypot(rows + mask.y0 - y, columns + mask.x0 - x) / radius
            glow = (190 * np.clip(1.1 - away**2, 0, 1)).astype(np.uint8)
            part[mask.bits] = np.maximum(part, glow)[mask.bits]
        yield plane
