"""Where the program keeps its files, and how it writes them without ever leaving half a file.

The environment variable ``CELLSAM_HOME`` moves everything under one folder: ``data``, ``cache``, ``config``,
``logs`` and ``documents``.
"""

from __future__ import annotations

import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

_APP = "cellsam-desktop"


def data_dir() -> Path:
    """What must be kept: models."""
    return _own("data") or platformdirs.user_data_path(_APP, appauthor=False)


def cache_dir() -> Path:
    """What can be computed again: embeddings and exported decoders."""
    return _own("cache") or platformdirs.user_cache_path(_APP, appauthor=False)


def config_dir() -> Path:
    """The settings."""
    return _own("config") or platformdirs.user_config_path(_APP, appauthor=False)


def log_dir() -> Path:
    """The log files."""
    return _own("logs") or platformdirs.user_log_path(_APP, appauthor=False)


def documents_dir() -> Path:
    """Where the projects of movies in read-only folders go."""
    return _own("documents") or platformdirs.user_documents_path() / "CellSAM"


def models_dir() -> Path:
    """Folder of the installed model weights; created if need be."""
    return _made(data_dir() / "models")


def embeddings_dir() -> Path:
    """Folder of the cached embeddings; created if need be."""
    return _made(cache_dir() / "embeddings")


def decoders_dir() -> Path:
    """Folder of the decoders exported to ONNX; created if need be."""
    return _made(cache_dir() / "decoders")


def program_command() -> list[str]:
    """The command line that starts this program again, from a source tree as from an installed executable."""
    if getattr(sys, "frozen", False):
        own = Path(sys.executable)
        # On Windows the window's own executable has no pipes to speak through; the other one has.
        return [str(own.with_name("cellsam-desktop.exe")) if sys.platform == "win32" else str(own)]
    return [sys.executable, "-m", "cellsam_desktop"]


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to, and put it in place when the block succeeds.

    When the block raises, the temporary file is removed and ``path`` is as it was. The temporary name ends
    like ``path``, because some writers choose the format by the suffix.

    Raises:
        OSError: the folder is missing, read-only or full.
    """
    temporary = path.with_name(f".{uuid.uuid4().hex[:12]}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def atomic_write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file or nothing; the data are on the disk when this returns.

    Raises:
        OSError: the folder is missing, read-only or full; ``path`` is as it was.
    """
    with atomic_path(path) as temporary, temporary.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def atomic_write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 text file, or nothing, line ends as they are; see ``atomic_write_bytes``."""
    atomic_write_bytes(path, text.encode())


def _own(name: str) -> Path | None:
    home = os.environ.get("CELLSAM_HOME")
    return Path(home).expanduser().absolute() / name if home else None


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def put_away(folder: Path, away: Path) -> None:
    """Move ``folder`` into ``away``, beside which it lies; what was put away there before is deleted.

    Raises:
        OSError: the disk refuses.
    """
    if away.exists():
        shutil.rmtree(away)
    away.mkdir()
    folder.replace(away / folder.name)
