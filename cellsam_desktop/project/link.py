"""Which movie a project belongs to, and where the project of a movie goes."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from cellsam_desktop.project.schema import SUFFIX


@dataclass(frozen=True)
class MovieLink:
    """The movie of a project.

    ``fingerprint`` recognises it under another name; ``axes`` are those the curator chose, None for what
    the file says; ``sizes`` are the lengths of T, C, Z, Y, X. A rescued project may have lost the
    fingerprint ("") and the sizes (empty).
    """

    path: Path
    fingerprint: str
    axes: str | None
    sizes: tuple[int, ...]

    def to_json(self, project: Path) -> str:
        """The link as stored in the file ``project``: with the absolute path and the one relative to it."""
        movie = self.path.absolute()
        data = {
            "path": str(movie),
            "relative": _relative(movie, project.absolute().parent),
            "fingerprint": self.fingerprint,
            "axes": self.axes,
            "sizes": list(self.sizes),
        }
        return json.dumps(data)

    @classmethod
    def from_json(cls, text: str, project: Path) -> MovieLink:
        """Read what ``to_json`` wrote.

        A movie that lies where it lay relative to the project wins over the absolute path, so that a
        folder can be copied or mounted elsewhere. When neither exists the absolute path is given.

        Raises:
            ValueError, KeyError, TypeError: the text is damaged.
        """
        data: dict[str, Any] = json.loads(text)
        path = Path(data["path"])
        if data["relative"] is not None:
            beside = project.absolute().parent / PurePosixPath(data["relative"])
            if beside.exists():
                path = Path(os.path.normpath(beside))
        return cls(path, data["fingerprint"], data["axes"], tuple(int(size) for size in data["sizes"]))


def project_path_for(movie: Path, documents: Path) -> Path:
    """Where the project of ``movie`` goes: beside it, or in ``documents`` when that folder is read-only.

    The whole file name is kept (``embryo.tif.cellsam``), so that two movies never share a project; in
    ``documents`` a digest of the folder is added for the same reason.
    """
    movie = movie.absolute()
    if _writable(movie.parent):
        return movie.with_name(movie.name + SUFFIX)
    digest = hashlib.blake2b(str(movie.parent).encode(), digest_size=4).hexdigest()
    return documents / f"{movie.name}-{digest}{SUFFIX}"


def _relative(movie: Path, folder: Path) -> str | None:
    try:
        return Path(os.path.relpath(movie, folder)).as_posix()
    except ValueError:  # another drive
        return None


def _writable(folder: Path) -> bool:
    """Try it: permission bits tell little on network drives and on Windows."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
