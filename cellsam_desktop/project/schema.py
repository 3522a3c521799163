"""Tables of the project file and how one mask becomes a row; ``docs/project-file.md`` tells others."""

from __future__ import annotations

import json
import sqlite3
import zlib
from typing import Any

import numpy as np

from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.core.records import MaskRecord, Source

SUFFIX = ".cellsam"
APPLICATION_ID = 0x4353414D
"""The letters CSAM; SQLite keeps them in bytes 68 to 71 of the file."""
VERSION = 1
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
    PRIMARY KEY (cell, t, z)
);
CREATE TABLE division (
    mother INTEGER PRIMARY KEY REFERENCES cell (id) DEFERRABLE INITIALLY DEFERRED,
    daughter_a INTEGER NOT NULL UNIQUE REFERENCES cell (id) DEFERRABLE INITIALLY DEFERRED,
    daughter_b INTEGER NOT NULL UNIQUE REFERENCES cell (id) DEFERRABLE INITIALLY DEFERRED
);
"""

MASK_COLUMNS = "cell, t, z, y0, x0, height, width, bits, source, predicted_iou, prompts, decoder"
UPSERT_MASK = f"""
INSERT INTO mask ({MASK_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (cell, t, z) DO UPDATE SET
    y0 = excluded.y0, x0 = excluded.x0, height = excluded.height, width = excluded.width,
    bits = excluded.bits, source = excluded.source, predicted_iou = excluded.predicted_iou,
    prompts = excluded.prompts, decoder = excluded.decoder
"""
UPSERT_CELL = """
INSERT INTO cell (id, name, locked) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, locked = excluded.locked
"""
UPSERT_META = (
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)

MaskRow = tuple[Any, ...]


def create_tables(connection: sqlite3.Connection) -> None:
    """Turn an empty database into an empty project of the current version."""
    connection.executescript(_TABLES)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def mask_row(cell_id: int, key: PlaneKey, record: MaskRecord) -> MaskRow:
    """The values of ``MASK_COLUMNS``; the bits are packed eight to a byte, row after row, then deflated."""
    mask = record.mask
    bits = zlib.compress(np.packbits(mask.bits).tobytes(), level=1)
    prompts = json.dumps(record.prompts.to_json(), separators=(",", ":"))
    box = (mask.y0, mask.x0, *mask.bits.shape)
    return (cell_id, *key, *box, bits, record.source.value, record.predicted_iou, prompts, record.decoder)


def read_mask_row(row: MaskRow) -> tuple[int, PlaneKey, MaskRecord]:
    """The inverse of ``mask_row``.

    Raises:
        ValueError, TypeError, zlib.error: the row is damaged.
        PromptError: its prompts are.
    """
    cell_id, t, z, y0, x0, height, width, packed, source, predicted_iou, prompts, decoder = row
    data = np.frombuffer(zlib.decompress(packed), dtype=np.uint8)
    if data.size != (height * width + 7) // 8:
        raise ValueError(f"{data.size} bytes for {height} x {width} pixels")
    bits = np.unpackbits(data, count=height * width).reshape(height, width).view(np.bool_)
    record = MaskRecord(
        Mask(y0, x0, bits), Source(source), predicted_iou, Prompts.from_json(json.loads(prompts)), decoder
    )
    return cell_id, PlaneKey(t, z), record
