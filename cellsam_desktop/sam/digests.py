"""Checksums of weight files."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import xxhash

from cellsam_desktop.core.errors import ModelError


def sha256_of(file: Path) -> str:
    """The sha256 of a file as lower-case hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def xxh128_of(file: Path) -> str:
    """The xxh128 of a file as lower-case hex, as ``xxh128sum`` prints it."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, xxhash.xxh128).hexdigest()


def digest(file: Path) -> str:
    """The sha256 of ``file``, by which weights are known in caches; read again only when the file changed.

    Raises:
        ModelError: the file cannot be read.
    """
    try:
        status = file.stat()
        return _digest(file, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror or error}.") from error


@lru_cache(maxsize=32)
def _digest(file: Path, size: int, modified: int) -> str:
    return sha256_of(file)
