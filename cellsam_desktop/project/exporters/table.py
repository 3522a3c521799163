"""Comma-separated tables."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cellsam_desktop import paths
from cellsam_desktop.core.errors import ExchangeError


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file (UTF-8, comma, point, no value for None), whole or not at all.

    Raises:
        ExchangeError: it cannot be written; ``path`` is as it was.
    """
    try:
        with (
            paths.atomic_path(path) as temporary,
            temporary.open("x", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
    except OSError as error:
        raise ExchangeError(
            f"{path} cannot be written ({error.strerror or error}): choose another folder or make room."
        ) from error
