"""Nikon ND2 movies through the nd2 package."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.axes import interpret
from cellsam_desktop.images.colours import native, native_dtype
from cellsam_desktop.images.errors import check_plane_size, damaged, unreadable, unsupported
from cellsam_desktop.images.source import MovieInfo, Plane, PlaneReader

if TYPE_CHECKING:
    from nd2 import ND2File

MAGIC = b"\xda\xce\xbe\x0a"


class Nd2Source(PlaneReader):
    """An ND2 file. Time, channel and z come from its experiment; several stage positions are refused."""

    def __init__(self, path: Path, axes: str | None = None) -> None:
        self._file = _open_file(path)
        try:
            info = self._describe(path, axes)
        except BaseException:
            self._file.close()
            raise
        super().__init__(info)

    def _describe(self, path: Path, axes: str | None) -> MovieInfo:
        file = self._file
        # Damaged chunks surface as any of the exceptions of struct, zlib or the package's parser.
        try:
            stored, dtype = dict(file.sizes), file.dtype
            voxel = file.voxel_size()
            names = tuple(channel.channel.name for channel in file.metadata.channels or ())
            interval = _interval(file)
        except Exception as cause:
            raise damaged(path, "its ND2 metadata is damaged") from cause
        if stored.get("P", 1) > 1:
            raise unsupported(path, f"holds {stored['P']} stage positions")
        # Frames are numbered along the outer axes; channels, Y, X and samples lie within a frame.
        self._outer = sum(1 for letter, size in stored.items() if size > 1 and letter not in "CYXS")
        self._layout = interpret("".join(stored), tuple(stored.values()), axes, path.name)
        sizes = self._layout.sizes
        check_plane_size(path, sizes.y, sizes.x, dtype.itemsize)
        return MovieInfo(
            path=path,
            format="Nikon ND2",
            sizes=sizes,
            dtype=native_dtype(dtype),
            rgb=self._layout.rgb,
            stored_axes=self._layout.letters,
            axes_guessed=self._layout.guessed,
            channel_names=names if len(names) == sizes.c else (),
            pixel_size_um=voxel.x if voxel.x > 0 else None,
            z_step_um=voxel.z if voxel.z > 0 and sizes.z > 1 else None,
            frame_interval_s=interval,
        )

    def _read(self, index: PlaneIndex) -> Plane:
        number = self._layout.number(index, self._outer)
        try:
            frame = self._file.read_frame(number)
        except Exception as cause:
            raise damaged(self.info.path, f"frame {number + 1} is damaged or incomplete") from cause
        plane = self._layout.cut(frame, index, self._outer)
        return native(plane[..., :3] if self.info.rgb else plane)

    def _release(self) -> None:
        self._file.close()


def _open_file(path: Path) -> ND2File:
    try:
        from nd2 import ND2File
    except ImportError as cause:
        raise ImageError(f"{path.name} needs the package nd2; install it with: pip install nd2") from cause
    try:
        return ND2File(path)
    except (FileNotFoundError, PermissionError) as cause:
        raise unreadable(path, cause) from cause
    except Exception as cause:
        raise damaged(path, "its ND2 header is damaged") from cause


def _interval(file: ND2File) -> float | None:
    """Seconds between frames from the time loop: the measured mean, else the wanted period."""
    for loop in file.experiment:
        if loop.type == "TimeLoop":
            measured = getattr(loop.parameters.periodDiff, "avg", 0.0) or 0.0
            period = measured or loop.parameters.periodMs or 0.0
            return period / 1000 if period > 0 else None
    return None
