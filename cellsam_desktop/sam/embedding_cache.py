"""Embeddings on disk: memory-mapped float16 files, found by what was encoded and how, never by file name.

Several processes may share one folder. A file is placed whole or not at all, so a reader sees a complete
embedding or none, and two writers of one key write the same bytes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from cellsam_desktop import paths
from cellsam_desktop.core.devices import is_exact
from cellsam_desktop.core.errors import WorkerError
from cellsam_desktop.sam.transforms import PREPROCESSING

log = logging.getLogger(__name__)

Embedding = NDArray[np.float16]
"""An embedding as it is kept, (256, 64, 64)."""
SHAPE = (256, 64, 64)
_SUM_BYTES = 8
FILE_BYTES = 128 + int(np.prod(SHAPE)) * 2 + _SUM_BYTES
"""Size of every file: the .npy header, the float16 values, and behind them their checksum."""

_FILL = 0.9  # an eviction goes down to this part of the limit, so that not every put evicts
_FRESH_S = 10.0  # other processes' files this young are left alone: they are about to be read
_STALE_TEMPORARY_S = 3600.0
_RECENT = 16
_FULL = (errno.ENOSPC, errno.EDQUOT)


def embedding_key(image: NDArray[np.uint8], weights_digest: str, device: str = "auto") -> str:
    """Name of an embedding: digest of the pixels (Y, X, 3), their shape, the weights, the preprocessing.

    One that was asked for from a ``device`` that is exact is not mistaken for others.
    """
    digest = hashlib.blake2b(digest_size=20)
    precision = " float32" if is_exact(device) else ""
    digest.update(f"{image.shape} {image.dtype} {weights_digest} {PREPROCESSING}{precision}\n".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


class EmbeddingCache:
    """The embeddings in one folder, the least recently used evicted beyond ``limit_bytes``.

    Any thread may call any method.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = folder
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._recent: deque[str] = deque(maxlen=_RECENT)
        self._room: int | None = None  # bytes that may be put before the folder is looked at again

    @property
    def limit_bytes(self) -> int:
        """So much the folder may hold; the next ``put`` or ``evict`` sees to it."""
        return self._limit_bytes

    @limit_bytes.setter
    def limit_bytes(self, limit_bytes: int) -> None:
        with self._lock:
            self._limit_bytes, self._room = limit_bytes, None

    @property
    def capacity(self) -> int:
        """How many embeddings stay after an eviction, at least one."""
        return max(1, int(self.limit_bytes * _FILL) // FILE_BYTES)

    def has(self, key: str) -> bool:
        """Whether a file of the right size is there; it does not count as a use."""
        try:
            return self._path(key).stat().st_size == FILE_BYTES
        except OSError:
            return False

    def get(self, key: str) -> np.memmap[Any, np.dtype[np.float16]] | None:
        """The embedding (256, 64, 64) in float16, read-only and memory-mapped, or None.

        A damaged file counts as missing and is removed.
        """
        path = self._path(key)
        try:
            embedding = np.load(path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("The embedding %s cannot be read: %s", path.name, error)
            return None
        except (ValueError, EOFError) as error:
            self._discard(path, str(error))
            return None
        if embedding.shape != SHAPE or embedding.dtype != np.float16:
            self._discard(path, f"shape {embedding.shape}, {embedding.dtype}")
            return None
        if not _is_sound(path, embedding):
            self._discard(path, "its numbers are not those that were written")
            return None
        self.touch(key)
        return embedding  # type: ignore[no-any-return]

    def touch(self, key: str) -> None:
        """Mark as used just now."""
        with self._lock:
            self._remember(key)
        try:
            os.utime(self._path(key))
        except OSError as error:
            log.debug("The age of embedding %s could not be renewed: %s", key, error)

    def put(self, key: str, embedding: NDArray[Any]) -> None:
        """Store an embedding (256, 64, 64) as float16, evicting old ones if there is no room.

        Raises:
            WorkerError: the folder cannot be written, or the disk is full even after an eviction.
        """
        if embedding.shape != SHAPE:
            raise ValueError(f"an embedding has shape {SHAPE}, not {embedding.shape}")
        data = np.ascontiguousarray(embedding, dtype=np.float16)
        with self._lock:
            self._remember(key)
            try:
                self._make_room()
                self._write_or_make_room(key, data)
            except OSError as error:
                raise self._refusal(error) from error

    def size_bytes(self) -> int:
        """Bytes of all files in the folder."""
        return sum(status.st_size for _, status in self._files())

    def evict(self) -> int:
        """Remove the least recently used files if the folder is over its limit; returns how many."""
        with self._lock:
            return self._evict_if_over()

    def clear(self) -> None:
        """Remove every embedding, except those another program holds open where the system forbids it."""
        with self._lock:
            for path, _ in self._files():
                _remove(path)
            self._room = None

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npy"

    def _remember(self, key: str) -> None:
        if key in self._recent:
            self._recent.remove(key)
        self._recent.append(key)

    def _discard(self, path: Path, reason: str) -> None:
        log.warning("The embedding %s is damaged (%s) and was removed.", path.name, reason)
        _remove(path)

    def _write_or_make_room(self, key: str, data: Embedding) -> None:
        try:
            self._write(key, data)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            self._evict(int(self.size_bytes() * _FILL))
            self._write(key, data)

    def _write(self, key: str, data: Embedding) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # Not flushed to the disk: what a power cut damages is noticed and made again.
        with paths.atomic_path(self._path(key)) as temporary, temporary.open("xb") as file:
            np.save(file, data, allow_pickle=False)
            file.write(_sum_of(data))

    def _refusal(self, error: OSError) -> WorkerError:
        if error.errno in _FULL:
            return WorkerError(
                f"The disk is full, so no embedding can be kept in {self.folder}: make room there."
            )
        return WorkerError(
            f"Embeddings cannot be written to {self.folder} ({error.strerror or error}): allow writing there."
        )

    def _make_room(self) -> None:
        """Look at the folder now and then only: scanning it for every put would cost more than the put."""
        if self._room is None or self._room < FILE_BYTES:
            self._evict_if_over()
            # Another process may fill the folder as well, hence only a part of what is free.
            self._room = max(FILE_BYTES, (self.limit_bytes - self.size_bytes()) // 4)
        self._room -= FILE_BYTES

    def _evict_if_over(self) -> int:
        if self.size_bytes() + FILE_BYTES <= self.limit_bytes:
            return 0
        return self._evict(int(self.limit_bytes * _FILL))

    def _evict(self, down_to: int) -> int:
        """Remove the oldest files until the folder holds ``down_to`` bytes; never those in use right now."""
        now = time.time()
        files = sorted(self._files(), key=lambda file: file[1].st_mtime)
        total, removed = sum(status.st_size for _, status in files), 0
        for path, status in files:
            if _abandoned(path, now - status.st_mtime) or (
                total > down_to and not self._in_use(path, now - status.st_mtime)
            ):
                total -= status.st_size
                removed += _remove(path)
        return removed

    def _in_use(self, path: Path, age: float) -> bool:
        return path.name.startswith(".") or age < _FRESH_S or path.stem in self._recent

    def _files(self) -> list[tuple[Path, os.stat_result]]:
        """Every file of the cache with its size and age, those being written included."""
        files = []
        with contextlib.suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):  # another process evicts as well
                    if entry.name.endswith(".npy"):
                        files.append((Path(entry.path), entry.stat()))
        return files


def _abandoned(path: Path, age: float) -> bool:
    """Whether this is the temporary file of a process that was killed."""
    return path.name.startswith(".") and age > _STALE_TEMPORARY_S


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return True
    except OSError as error:  # Windows keeps files that are mapped
        log.debug("%s could not be removed: %s", path.name, error)
        return False
    return True


def _sum_of(embedding: Embedding) -> bytes:
    return xxhash.xxh3_64_digest(embedding.data)


def _is_sound(path: Path, embedding: Embedding) -> bool:
    """Whether a file ends with the checksum of its embedding; 0.2 ms."""
    try:
        with path.open("rb") as file:
            file.seek(-_SUM_BYTES, os.SEEK_END)
            return file.read() == _sum_of(embedding)
    except OSError as error:  # removed meanwhile, or worse
        log.warning("The embedding %s cannot be read: %s", path.name, error)
        return False
