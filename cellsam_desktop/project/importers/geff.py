"""GEFF, the Graph Exchange File Format: nodes and edges of tracks in a Zarr group."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellsam_desktop.core.errors import ExchangeError
from cellsam_desktop.core.geometry import MovieSizes, PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import disc
from cellsam_desktop.core.progress import Report
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.images.zarr_movie import MICROMETRES, SECONDS
from cellsam_desktop.project.graph import Spot, tracks_of
from cellsam_desktop.project.importers.tracks import Tracks
from cellsam_desktop.project.polygons import mask_of

Array = npt.NDArray[Any]

# What stores, codecs and attributes of the wrong kind raise.
_DAMAGE = (LookupError, ValueError, TypeError, AttributeError, OSError, RuntimeError, zlib.error)

USUAL_RADIUS = 5.0
"""Pixels of the disc that stands for a point without a size."""


def is_geff(path: Path) -> bool:
    """Whether a folder is a GEFF group."""
    for marker in (".zattrs", "zarr.json"):
        try:
            attributes = json.loads((path / marker).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        return "geff" in attributes or "geff" in attributes.get("attributes", {})
    return False


def import_geff(
    path: Path, sizes: MovieSizes, progress: Report | None = None, scale: Calibration | None = None
) -> Tracks:
    """The cells of a GEFF; ``sizes`` are the movie's T, Z, Y, X.

    Masks are the nodes' polygons; a node without one gets a disc of its sphere's radius, or of 5 pixels.
    Positions count as pixels and frames, except on axes with a physical unit, where ``scale`` of the movie
    is known.

    Raises:
        ExchangeError: it is no GEFF, is damaged, or does not fit the movie.
    """
    if not is_geff(path):
        raise ExchangeError(f'{path} is no GEFF: choose the folder whose attributes begin with "geff".')
    try:
        return _read(path, sizes, scale or Calibration(), progress or (lambda fraction: None))
    except _DAMAGE as error:
        raise ExchangeError(f"{path.name} is damaged or incomplete: export it again.") from error


def _read(path: Path, sizes: MovieSizes, scale: Calibration, progress: Report) -> Tracks:
    import zarr

    root: Any = zarr.open_group(path, mode="r")
    about: Mapping[str, Any] = dict(root.attrs)["geff"]
    nodes = root["nodes"]
    ids = np.asarray(nodes["ids"][:])
    units = _units(about, scale, path)
    places = _places(nodes, about, len(ids)) / units
    shape = _shapes(nodes, about, units)
    own = about.get("extra", {}).get("cellsam_desktop", {})
    cell_name = own.get("id") or (about.get("track_node_props") or {}).get("tracklet")
    cells = _property(nodes, cell_name)
    names = _property(nodes, own.get("name"))
    spots: list[Spot] = []
    number: dict[int, int] = {}
    for n, node in enumerate(ids.tolist()):
        progress(n / len(ids))
        t, z, y, x = (float(value) for value in places[n])
        key = _checked(PlaneKey(round(t), round(z)), sizes, path)
        mask = shape(n, x, y).clip(*sizes[2:])
        if mask is None:
            continue
        number[node] = len(spots)
        cell = None if cells is None else int(cells[n])
        spots.append(Spot(key, mask, cell, "" if names is None else str(names[n])))
    edges = np.asarray(root["edges"]["ids"][:]).tolist()
    outside = len(ids) - len(spots)
    notes = [f"{outside} nodes lie outside the image."] if outside else []
    linked = [(number[i], number[j]) for i, j in edges if i in number and j in number]
    return tracks_of(spots, linked, notes)


def _axes(about: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    """The axes by their place among t, z, y, x; none unless one is time and two or three are space."""
    axes: list[dict[str, Any]] = about.get("axes") or []
    space = [axis for axis in axes if axis.get("type") == "space"]
    time = [axis for axis in axes if axis.get("type") == "time"]
    if len(time) != 1 or len(space) not in (2, 3):
        return {}
    return dict(zip((0, *range(4 - len(space), 4)), (*time, *space), strict=True))


def _units(about: Mapping[str, Any], scale: Calibration, path: Path) -> Array:
    """What one frame, z position and pixel is in the units of the axes t, z, y, x."""
    axes = _axes(about)
    if not axes:
        raise ExchangeError(
            f"{path.name} does not name its axes: export it with one axis of time and two or three of space."
        )
    own = (scale.frame_interval_s, scale.z_step_um, scale.pixel_size_um, scale.pixel_size_um)
    units = np.ones(4)
    for column, axis in axes.items():
        known = (MICROMETRES if column else SECONDS).get(axis.get("unit") or "")
        size = own[column]
        if known and size:
            units[column] = size / known
    return units


def _places(nodes: Any, about: Mapping[str, Any], count: int) -> Array:
    """The positions of every node on the axes t, z, y, x: (n, 4)."""
    places = np.zeros((count, 4))
    for column, axis in _axes(about).items():
        places[:, column] = np.asarray(_property(nodes, axis["name"]), np.float64)
    return places


def _shapes(nodes: Any, about: Mapping[str, Any], units: Array) -> Callable[[int, float, float], Mask]:
    """What gives the mask of node ``n`` at x, y, in pixels."""
    radii = _property(nodes, about.get("sphere"))
    radii = None if radii is None else radii / units[3]
    name = about.get("polygon")
    if not name:
        return lambda n, x, y: disc(x, y, USUAL_RADIUS if radii is None else float(radii[n]))
    group = nodes["props"][name]
    rows, data = np.asarray(group["values"][:]), np.asarray(group["data"][:])
    missing = np.asarray(group["missing"][:]) if "missing" in group else np.zeros(len(rows), np.bool_)

    def polygon(n: int, x: float, y: float) -> Mask:
        offset, corners, dimensions = (int(value) for value in rows[n])
        mask = None
        if not missing[n]:
            found = data[offset : offset + corners * dimensions].reshape(corners, dimensions)
            mask = mask_of(found[:, :-3:-1] / units[:1:-1] + np.array([x, y]))
        return mask or disc(x, y, USUAL_RADIUS if radii is None else float(radii[n]))

    return polygon


def _property(nodes: Any, name: str | None) -> Array | None:
    return None if not name else np.asarray(nodes["props"][name]["values"][:])


def _checked(key: PlaneKey, sizes: MovieSizes, path: Path) -> PlaneKey:
    if not (0 <= key.t < sizes[0] and 0 <= key.z < sizes[1]):
        raise ExchangeError(
            f"{path.name} has a cell on frame {key.t + 1} at z {key.z + 1}, and the movie has {sizes[0]} "
            f"frames and {sizes[1]} z positions: choose the tracks of this movie."
        )
    return key
