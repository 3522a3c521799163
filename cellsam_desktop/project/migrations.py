"""Older project files are brought up to date on a copy, which replaces the file only when all went well."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from cellsam_desktop import paths
from cellsam_desktop.project.connection import connect, transaction
from cellsam_desktop.project.schema import VERSION

Step = Callable[[sqlite3.Connection], None]


def _add_marks_and_agreement(connection: sqlite3.Connection) -> None:
    """Version 2 knows which masks a person has seen, and whether the model's candidates agreed."""
    connection.execute("ALTER TABLE mask ADD COLUMN seen INTEGER NOT NULL DEFAULT 0")
    connection.execute("ALTER TABLE mask ADD COLUMN agreement REAL")


def _add_complete(connection: sqlite3.Connection) -> None:
    """Version 3 knows the planes on which every cell has its mask."""
    connection.execute("CREATE TABLE complete (t INTEGER NOT NULL, z INTEGER NOT NULL, PRIMARY KEY (t, z))")


STEPS: Mapping[int, Step] = {1: _add_marks_and_agreement, 2: _add_complete}
"""From each older version, what turns its tables into the next version's. Version 1 is the first."""


def migrate(path: Path, version: int) -> None:
    """Bring the project at ``path`` from ``version`` to the current one; it is as before if a step fails.

    Raises:
        sqlite3.Error, OSError: see ``connection.translated``.
    """
    # The original stays locked while it is copied; closing it folds its log in, so none is left behind.
    with (
        paths.atomic_path(path) as temporary,
        closing(connect(path)) as original,
        closing(sqlite3.connect(temporary, isolation_level=None)) as copy,
    ):
        original.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
        for step in range(version, VERSION):
            with transaction(copy):
                STEPS[step](copy)
                copy.execute(f"PRAGMA user_version = {step + 1}")
