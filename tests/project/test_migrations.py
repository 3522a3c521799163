"""Files of older versions of the program open with everything in them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cellsam_desktop.core.edits import MarkComplete, MarkSeen, SetMask
from cellsam_desktop.core.errors import ProjectError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.project import migrations
from cellsam_desktop.project.contents import calibration_to_json
from cellsam_desktop.project.schema import APPLICATION_ID, VERSION, mask_row
from cellsam_desktop.project.store import ProjectStore, everything

from .conftest import facts

TABLES_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE cell (id INTEGER PRIMARY KEY, name TEXT NOT NULL, locked INTEGER NOT NULL);
CREATE TABLE mask (
    cell INTEGER NOT NULL REFERENCES cell (id) DEFERRABLE INITIALLY DEFERRED,
    t INTEGER NOT NULL, z INTEGER NOT NULL,
    y0 INTEGER NOT NULL, x0 INTEGER NOT NULL, height INTEGER NOT NULL, width INTEGER NOT NULL,
    bits BLOB NOT NULL, source TEXT NOT NULL, predicted_iou REAL,
    prompts TEXT NOT NULL, decoder TEXT NOT NULL,
    PRIMARY KEY (cell, t, z)
);
CREATE TABLE division (
    mother INTEGER PRIMARY KEY REFERENCES cell (id) DEFERRABLE INITIALLY DEFERRED,
    daughter_a INTEGER NOT NULL UNIQUE REFERENCES cell (id) DEFERRABLE INITIALLY DEFERRED,
    daughter_b INTEGER NOT NULL UNIQUE REFERENCES cell (id) DEFERRABLE INITIALLY DEFERRED
);
"""
"""As version 1 made them."""


@pytest.fixture
def first_version(tmp_path: Path, link, document) -> Path:
    """The document as version 1 wrote it, which knew no marks."""
    path = tmp_path / "movie.tif.cellsam"
    meta = {
        "link": link.to_json(path),
        "calibration": calibration_to_json(document.calibration),
        "next_id": str(document.next_id),
    }
    masks = [
        mask_row(i, key, record, seen=False)[:12]
        for i in document.cell_ids
        for key, record in document.track(i).items()
    ]
    cells = [(i, document.cell(i).name, document.cell(i).locked) for i in document.cell_ids]
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(TABLES_1)
        connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        connection.executemany("INSERT INTO cell VALUES (?, ?, ?)", cells)
        connection.executemany(f"INSERT INTO mask VALUES ({', '.join('?' * 12)})", masks)
        connection.executemany(
            "INSERT INTO division VALUES (?, ?, ?)", [(m, *d) for m, d in document.lineage.divisions()]
        )
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    return path


def test_version_1_gets_marks_of_masks_and_planes_and_agreement(first_version: Path, document):
    marked = facts(document)
    seen, complete = {i: document.seen(i) for i in document.cell_ids}, document.complete
    unmark = [MarkSeen(i, keys, False) for i, keys in seen.items()]
    History(document).commit("unmark", [*unmark, MarkComplete(complete, False)])
    with ProjectStore.open(first_version) as store:
        loaded = store.load()
        assert facts(loaded) == facts(document)
        marks = [MarkSeen(i, keys) for i, keys in seen.items()]
        store.save(loaded, History(loaded).commit("mark", [*marks, MarkComplete(complete)]))
        said = replace(loaded.record(3, PlaneKey(2)), agreement=0.54)
        store.save(loaded, History(loaded).commit("said", [SetMask(3, PlaneKey(2), said)]))
    assert _version(first_version) == VERSION
    with ProjectStore.open(first_version) as store:
        assert store.notice == ""
        loaded = store.load()
        assert loaded.record(3, PlaneKey(2)).agreement == 0.54
        History(loaded).commit("unsaid", [SetMask(3, PlaneKey(2), replace(said, agreement=None))])
        assert facts(loaded) == marked


def test_a_damaged_file_of_version_1_is_rescued(first_version: Path, document):
    data = bytearray(first_version.read_bytes())
    [page] = _roots(first_version, "division")
    data[(page - 1) * 4096 : page * 4096] = bytes(4096)
    first_version.write_bytes(data)
    with ProjectStore.open(first_version) as store:
        assert store.path != first_version
        rescued = store.load()
    assert facts(rescued)["masks"] == facts(document)["masks"]
    assert not rescued.is_seen(2, PlaneKey(3, 1))
    assert not rescued.complete


def test_version_2_gets_marks_of_planes(tmp_path: Path, link, document):
    path = tmp_path / "movie.tif.cellsam"
    with ProjectStore.create(path, link, document.calibration) as store:
        store.save(document, everything(document))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE complete")
        connection.execute("PRAGMA user_version = 2")
        connection.commit()
    with ProjectStore.open(path) as store:
        loaded = store.load()
        assert facts(loaded) == facts(document) | {"complete": frozenset()}
        store.save(loaded, History(loaded).commit("mark", [MarkComplete(document.complete)]))
        assert facts(store.load()) == facts(document)
    assert _version(path) == VERSION


def test_a_failed_step_leaves_the_file_as_it_was(first_version: Path, monkeypatch):
    older = first_version.read_bytes()

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("DROP TABLE mask")
        connection.execute("SELECT * FROM nowhere")

    monkeypatch.setattr(migrations, "STEPS", {1: fail})
    with pytest.raises(ProjectError):
        ProjectStore.open(first_version)
    assert _version(first_version) == 1
    assert len(first_version.read_bytes()) == len(older)
    monkeypatch.undo()
    with ProjectStore.open(first_version) as store:
        assert len(store.load()) == 3


def _version(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[60:64], "big")


def _roots(path: Path, table: str) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [
            r for (r,) in connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,))
        ]
