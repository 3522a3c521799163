"""OME-Zarr movies (versions 0.4 and 0.5) on disk, at full resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.axes import interpret
from cellsam_desktop.images.colours import native, native_dtype
from cellsam_desktop.images.errors import check_plane_size, damaged, unsupported
from cellsam_desktop.images.source import MovieInfo, Plane, PlaneReader

MARKERS = (".zattrs", ".zgroup", ".zarray", "zarr.json")

MICROMETRES = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3, "angstrom": 1e-4, "meter": 1e6}
SECONDS = {"second": 1.0, "millisecond": 1e-3, "microsecond": 1e-6, "minute": 60.0, "hour": 3600.0}


def is_zarr(folder: Path) -> bool:
    """Whether a folder is a Zarr group or array."""
    return any((folder / marker).is_file() for marker in MARKERS)


class ZarrSource(PlaneReader):
    """The first multiscale image of an OME-Zarr group, or a plain Zarr array."""

    def __init__(self, path: Path, axes: str | None = None) -> None:
        self._array, image = _open_array(path)
        shape = tuple(int(length) for length in self._array.shape)
        stored = _letters(image.get("axes", ()), len(shape))
        if "Y" not in stored or "X" not in stored:
            raise unsupported(path, f"has the axes {stored} without y and x")
        self._kept = [length != 1 or letter in "YX" for letter, length in zip(stored, shape, strict=True)]
        self._layout = interpret(stored, shape, axes, path.name)
        sizes, dtype = self._layout.sizes, np.dtype(self._array.dtype)
        check_plane_size(path, sizes.y, sizes.x, dtype.itemsize)
        if dtype.kind not in "buif":
            raise unsupported(path, f"holds pixels of type {dtype}")
        scale = _scales(image, stored)
        names = image.get("channel names", ())
        super().__init__(
            MovieInfo(
                path=path,
                format="OME-Zarr" if image else "Zarr array",
                sizes=sizes,
                dtype=native_dtype(dtype),
                rgb=self._layout.rgb,
                stored_axes=self._layout.letters,
                axes_guessed=self._layout.guessed,
                channel_names=tuple(names) if len(names) == sizes.c else (),
                pixel_size_um=scale.get("X"),
                z_step_um=scale.get("Z"),
                frame_interval_s=scale.get("T"),
            )
        )

    def _read(self, index: PlaneIndex) -> Plane:
        wanted = iter(self._layout.selection(index))
        selection = tuple(next(wanted) if kept else 0 for kept in self._kept)
        # Codecs and stores raise almost any type on damaged chunks.
        try:
            plane = np.asarray(self._array[selection])
        except Exception as cause:
            raise damaged(self.info.path, "a chunk of it is damaged or missing") from cause
        return native(self._layout.samples_last(plane))

    def _release(self) -> None:
        """Nothing is open between reads."""


def _open_array(path: Path) -> tuple[Any, dict[str, Any]]:
    """The array of full resolution and the "multiscales" entry that describes it."""
    try:
        import zarr
    except ImportError as cause:
        raise ImageError(f"{path.name} needs the package zarr; install it with: pip install zarr") from cause
    try:
        node: Any = zarr.open(str(path), mode="r")
        if isinstance(node, zarr.Array):
            return node, {}
        attributes: dict[str, Any] = dict(node.attrs)
        ome = attributes.get("ome", attributes)
        if "plate" in ome or "well" in ome:
            raise ImageError(
                f"{path.name} is a plate of many fields; open one field inside it, such as "
                f"{path.name}/{_first_field(path)}."
            )
        if not ome.get("multiscales"):
            raise ImageError(
                f"{path.name} is a Zarr group without an image; choose the folder inside it that holds one."
            )
        image = dict(ome["multiscales"][0])
        channels = ome.get("omero", {}).get("channels", [])
        image["channel names"] = [str(channel.get("label", "")) for channel in channels]
        return node[str(image["datasets"][0]["path"])], image
    except ImageError:
        raise
    except Exception as cause:
        raise damaged(path, "its Zarr metadata is damaged or incomplete") from cause


def _first_field(path: Path) -> str:
    """A field of a plate or well by the layout row/column/field."""
    for pattern in ("*/*/*", "*"):
        fields = sorted(folder for folder in path.glob(pattern) if is_zarr(folder))
        if fields:
            return fields[0].relative_to(path).as_posix()
    return "A/1/0"


def _letters(axes: Sequence[Any], count: int) -> str:
    """One letter per axis; version 0.3 gives names alone, a plain array nothing."""
    if not axes:
        return "?" * (count - 2) + "YX"
    kinds = {"time": "T", "channel": "C"}
    letters = ""
    for axis in axes:
        name, kind = (axis["name"], axis.get("type")) if isinstance(axis, Mapping) else (axis, None)
        letters += str(name).upper() if str(name).upper() in tuple("TCZYX") else kinds.get(str(kind), "?")
    return letters


def _scales(image: Mapping[str, Any], letters: str) -> dict[str, float]:
    """Um per pixel for X and Z, seconds for T, by the scale transformation of the first data set."""
    if not image:
        return {}
    found: dict[str, float] = {}
    steps = image["datasets"][0].get("coordinateTransformations", [])
    scale: Sequence[float] = next((step["scale"] for step in steps if step.get("type") == "scale"), [])
    for letter, axis, size in zip(letters, image["axes"], scale, strict=False):
        unit = axis.get("unit") if isinstance(axis, Mapping) else None
        factor = (SECONDS if letter == "T" else MICROMETRES).get(str(unit).rstrip("s").lower())
        if factor is not None and float(size) > 0:
            found[letter] = float(size) * factor
    return found
