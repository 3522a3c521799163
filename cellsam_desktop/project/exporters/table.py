"""Tables as CSV and as Parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cellsam_desktop import paths
from cellsam_desktop.project.exporters import parquet
from cellsam_desktop.project.exporters.writing import writing


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file (UTF-8, comma, point, no value for None), whole or not at all.

    Raises:
        ExchangeError: it cannot be written; ``path`` is as it was.
    """
    with (
        _whole_or_not_at_all(path) as temporary,
        temporary.open("x", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_columns(
    path: Path, columns: Sequence[parquet.Column], rows: Iterable[Sequence[Any]], *, as_parquet: bool
) -> None:
    """Write a Parquet file or a CSV file, whole or not at all.

    Raises:
        ExchangeError: it cannot be written; ``path`` is as it was.
    """
    if not as_parquet:
        write_table(path, [column.name for column in columns], rows)
        return
    with _whole_or_not_at_all(path) as temporary, temporary.open("xb") as file:
        parquet.write(file, columns, rows)


@contextmanager
def _whole_or_not_at_all(path: Path) -> Iterator[Path]:
    with writing(path), paths.atomic_path(path) as temporary:
        yield temporary
