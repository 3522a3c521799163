"""Writing files: one that cannot be written is told in one sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cellsam_desktop import paths
from cellsam_desktop.core.errors import ExchangeError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what goes wrong while ``path``, a file or folder, is written into an ``ExchangeError``."""
    try:
        yield
    except OSError as error:
        raise ExchangeError(
            f"{path} cannot be written ({error.strerror or error}): choose another folder or make room."
        ) from error


def write_json(path: Path, data: Any, indent: int | None = 1) -> None:
    """Write plain data as JSON, whole or not at all.

    Raises:
        ExchangeError: it cannot be written; ``path`` is as it was.
    """
    with writing(path):
        paths.atomic_write_text(path, json.dumps(data, indent=indent) + "\n")
