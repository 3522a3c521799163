"""Tables of the project file and how one mask becomes a row; ``docs/project-file.md`` tells others."""

from __future__ import annotations

import json
import sqlite3
from functools import lru_cache
from sys import intern
from typing import Any

from cellsam_desktop.core import packing
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import NO_PROMPTS, Prompts
from cellsam_desktop.core.records import MaskRecord, Source

SUFFIX = ".cellsam"
APPLICATION_ID = 0x4353414D
"""The letters CSAM; SQLite keeps them in bytes 68 to 71 of the file."""
VERSION = 3
"""``user_version`` of the files this program writes; ``migrations.py`` leads from the older ones here."""

_TABLES = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE cell (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    locked INTEGER NOT NULL
);
CREATE TABLE mask (
    cell INTEGER NOT NULL REFERENCES cell (id) DEFERRABLE INITIALLY DEFERRED,
    t INTEGER NOT NULL,
    z INTEGER NOT NULL,
    y0 INTEGER NOT NULL,
    x0 INTEGER NOT NULL,
    height INTEGER NOT NULL,
    width INTEGER NOT NULL,
    bits BLOB NOT NULL,
    source TEXT NOT NULL,
    predicted_iou REAL,
    prompts TEXT NOT NULL,
    decoder TEXT NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0,
    agreement REAL,
    PRIMARY KEY (cell, t, z)
);
CREATE TABLE division (
    mother INTEGER PRIMARY KEY REFERENCES cell (id) DEFERRABLE INITIALLY DEFERRED,
    daughter_a INTEGER NOT NULL UNIQUE REFERENCES cell (id) DEFERRABLE INITIALLY DEFERRED,
    daughter_b INTEGER NOT NULL UNIQUE REFERENCES cell (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE complete (
    t INTEGER NOT NULL,
    z INTEGER NOT NULL,
    PRIMARY KEY (t, z)
);
"""

MASK_COLUMNS = (
    "cell, t, z, y0, x0, height, width, bits, source, predicted_iou, prompts, decoder, seen, agreement"
)
UPSERT_MASK = f"""
INSERT INTO mask ({MASK_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (cell, t, z) DO UPDATE SET
    y0 = excluded.y0, x0 = excluded.x0, height = excluded.height, width = excluded.width,
    bits = excluded.bits, source = excluded.source, predicted_iou = excluded.predicted_iou,
    prompts = excluded.prompts, decoder = excluded.decoder, seen = excluded.seen,
    agreement = excluded.agreement
"""
UPSERT_CELL = """
INSERT INTO cell (id, name, locked) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, locked = excluded.locked
"""
UPSERT_META = (
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)

_NO_PROMPTS = "{}"

# Hundreds of thousands of rows share a few planes and sources: one object each.
_key = lru_cache(maxsize=100_000)(PlaneKey)
_source = lru_cache(Source)

MaskRow = tuple[Any, ...]


def create_tables(connection: sqlite3.Connection) -> None:
    """Turn an empty database into an empty project of the current version."""
    connection.executescript(_TABLES)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def mask_row(cell_id: int, key: PlaneKey, record: MaskRecord, seen: bool) -> MaskRow:
    """The values of ``MASK_COLUMNS``; ``seen`` is the mask's mark. For the bits see ``packing.pack``."""
    mask = record.mask
    box = (mask.y0, mask.x0, mask.height, mask.width)
    prompts = (
        _NO_PROMPTS if record.prompts.empty else json.dumps(record.prompts.to_json(), separators=(",", ":"))
    )
    provenance = (record.source.value, record.predicted_iou, prompts, record.decoder)
    return (cell_id, *key, *box, mask.packed, *provenance, seen, record.agreement)


def read_mask_row(row: MaskRow) -> tuple[int, PlaneKey, MaskRecord, bool]:
    """The inverse of ``mask_row``; the pixels stay packed until they are asked for.

    Raises:
        ValueError, TypeError, zlib.error: the row is damaged.
        PromptError: its prompts are.
    """
    cell_id, t, z, y0, x0, height, width, packed, *provenance = row
    source, predicted_iou, prompts, decoder, seen, agreement = provenance
    packing.check(packed, height, width)
    mask = Mask.from_packed(y0, x0, height, width, packed)
    found = NO_PROMPTS if prompts == _NO_PROMPTS else Prompts.from_json(json.loads(prompts))
    record = MaskRecord(mask, _source(source), predicted_iou, found, intern(decoder), agreement)
    return cell_id, _key(t, z), record, bool(seen)
