"""GEFF, the Graph Exchange File Format (version 1.3 of its specification): a Zarr group of nodes and edges.

Every mask is a node with its place in pixels, its cell and name, and its outline as polygon.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import ExchangeError
from cellsam_desktop.core.geometry import MovieSizes
from cellsam_desktop.core.progress import Report
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.project.exporters.writing import writing
from cellsam_desktop.project.graph import Edge, Spot, spots_of
from cellsam_desktop.project.polygons import outline_of

VERSION = "1.3"
_CHUNK = 2**18
Array = npt.NDArray[Any]


def export_geff(
    path: Path,
    document: Document,
    sizes: MovieSizes,
    progress: Report | None = None,
) -> None:
    """Write all cells; ``sizes`` are the movie's T, Z, Y, X. A GEFF at ``path`` is replaced, nothing else is.

    Raises:
        ExchangeError: it cannot be written; ``path`` is as it was.
        Cancelled: ``progress`` raised it; ``path`` is as it was.
    """
    spots, edges = spots_of(document)
    deep = sizes[1] > 1
    temporary = path.with_name(f".{uuid.uuid4().hex[:12]}-{path.name}")
    try:
        with writing(path):
            if path.exists():
                _refuse_other(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(temporary, spots, edges, deep, document.calibration, progress)
            if path.exists():
                shutil.rmtree(path)
            temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _refuse_other(path: Path) -> None:
    from cellsam_desktop.project.importers.geff import is_geff

    if not is_geff(path):
        raise ExchangeError(f"{path} exists and is no GEFF: choose another name, so that nothing is lost.")


def _write(
    path: Path,
    spots: Sequence[Spot],
    edges: Sequence[Edge],
    deep: bool,
    scale: Calibration,
    progress: Report | None,
) -> None:
    import zarr

    root = zarr.open_group(path, mode="w", zarr_format=2)
    _put(root, "nodes/ids", np.arange(len(spots), dtype=np.uint64))
    _put(root, "edges/ids", np.array(edges, np.uint64).reshape(-1, 2))
    properties = _properties(spots, deep)
    for name, values in properties.items():
        _put(root, f"nodes/props/{name}/values", values)
    shapes, corners = _polygons(spots, deep, progress)
    _put(root, "nodes/props/polygon/values", shapes)
    _put(root, "nodes/props/polygon/data", corners)
    root.require_group("edges/props")
    described = {name: _described(name, values.dtype) for name, values in properties.items()}
    described["polygon"] = {**_described("polygon", corners.dtype), "varlength": True}
    root.attrs["geff"] = {
        "geff_version": VERSION,
        "directed": True,
        "axes": _axes(properties, scale, deep),
        "node_props_metadata": described,
        "edge_props_metadata": {},
        "polygon": "polygon",
        # A cell that has masks on several z positions is more than a path of nodes.
        **({} if deep else {"track_node_props": {"tracklet": "cell"}}),
        "extra": {"cellsam_desktop": {"id": "cell", "name": "name"}},
    }


def _properties(spots: Sequence[Spot], deep: bool) -> dict[str, Array]:
    centres = np.array([spot.mask.centroid for spot in spots], np.float64).reshape(-1, 2)
    found: dict[str, Array] = {"t": np.array([spot.key.t for spot in spots], np.int64)}
    if deep:
        found["z"] = np.array([spot.key.z for spot in spots], np.float64)
    found["y"], found["x"] = centres[:, 1], centres[:, 0]
    found["cell"] = np.array([spot.cell for spot in spots], np.int64)
    found["name"] = np.array([spot.name for spot in spots] or [""], np.str_)[: len(spots)]
    return found


def _polygons(spots: Sequence[Spot], deep: bool, progress: Report | None) -> tuple[Array, Array]:
    """Offsets and shapes (n, 3), and all corners in a row: (z), y, x relative to the node."""
    rows, parts, offset = [], [], 0
    for number, spot in enumerate(spots):
        if progress is not None and number % 100 == 0:
            progress(number / len(spots))
        corners = (outline_of(spot.mask) - spot.mask.centroid)[:, ::-1]
        if deep:
            corners = np.pad(corners, ((0, 0), (1, 0)))
        rows.append((offset, *corners.shape))
        parts.append(corners.ravel())
        offset += corners.size
    return np.array(rows, np.uint64).reshape(-1, 3), np.concatenate([np.zeros(0), *parts])


def _axes(properties: dict[str, Array], scale: Calibration, deep: bool) -> list[dict[str, Any]]:
    space = [("z", scale.z_step_um), ("y", scale.pixel_size_um), ("x", scale.pixel_size_um)]
    axes = [_axis("t", "time", "frame", scale.frame_interval_s, "second")]
    axes += [_axis(name, "space", "pixel", size, "micrometer") for name, size in space[not deep :]]
    for axis in axes:
        values = properties[axis["name"]]
        if values.size:
            axis |= {"min": float(values.min()), "max": float(values.max())}
    return axes


def _axis(name: str, kind: str, unit: str, scale: float | None, scaled: str) -> dict[str, Any]:
    axis: dict[str, Any] = {"name": name, "type": kind, "unit": unit}
    return axis if scale is None else {**axis, "scale": scale, "scaled_unit": scaled}


def _described(name: str, dtype: np.dtype[Any]) -> dict[str, Any]:
    return {"identifier": name, "dtype": "str" if dtype.kind == "U" else dtype.name, "varlength": False}


def _put(root: Any, name: str, values: Array) -> None:
    chunks = (max(1, min(len(values), _CHUNK)), *values.shape[1:])
    root.create_array(name, shape=values.shape, dtype=values.dtype, chunks=chunks)[:] = values
