"""Checking weight files and putting them where they belong, whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from cellsam_desktop import paths
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.digests import sha256_of, xxh128_of
from cellsam_desktop.sam.known_models import ModelSpec

_BLOCK = 1 << 20


def mismatch(spec: ModelSpec, file: Path) -> str | None:
    """Why ``file`` does not hold the weights of ``spec``, as the second half of a sentence; None if it does.

    The size and the strongest known digest are compared; weights without either pass.

    Raises:
        ModelError: the file cannot be read.
    """
    try:
        size = file.stat().st_size
        if spec.size is not None and size != spec.size:
            what = "is cut short" if size < spec.size else "is too long"
            return f"{what} ({size:,} of {spec.size:,} bytes)"
        if spec.sha256 is not None:
            return _compare(spec.sha256, sha256_of(file))
        if spec.xxh128 is not None:
            return _compare(spec.xxh128, xxh128_of(file))
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror or error}.") from error
    return None


def _compare(expected: str, found: str) -> str | None:
    if found == expected:
        return None
    return f"has the wrong checksum ({found[:12]}… where {expected[:12]}… is expected)"


def copy_into_place(source: Path, target: Path) -> None:
    """Copy ``source`` to ``target`` through a temporary file beside it.

    Raises:
        ModelError: the source cannot be read or the target not written; ``target`` is as it was.
    """
    if not source.is_file():
        raise ModelError(f"There is no file {source}: check the path.")
    try:
        with (
            paths.atomic_path(target) as temporary,
            source.open("rb") as reader,
            temporary.open("xb") as writer,
        ):
            shutil.copyfileobj(reader, writer, _BLOCK)
    except OSError as error:
        raise disk_error(target, error) from error


def move_into_place(source: Path, target: Path) -> None:
    """Move ``source`` to ``target``, which may lie on another disk.

    Raises:
        ModelError: the target cannot be written; ``target`` is as it was.
    """
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise disk_error(target, error) from error
        copy_into_place(source, target)
        source.unlink()


def disk_error(target: Path, error: OSError) -> ModelError:
    """The sentence for a file that cannot be written."""
    if error.errno == errno.ENOSPC:
        return ModelError(f"The disk is full, so {target.name} was not stored: make room in {target.parent}.")
    return ModelError(
        f"{target} cannot be written ({error.strerror or error}): allow writing in {target.parent}."
    )
