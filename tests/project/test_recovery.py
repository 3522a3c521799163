from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddCell, SetMask
from cellsam_desktop.core.errors import ProjectError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source
from cellsam_desktop.project.store import ProjectStore, everything

from .conftest import disc_mask, facts, make_document

CELLS = 400


@pytest.fixture
def large(tmp_path: Path, link) -> tuple[Path, Document]:
    path, document = tmp_path / "large.cellsam", Document(Calibration(0.3))
    edits = []
    for cell_id in range(1, CELLS + 1):
        record = MaskRecord(disc_mask(30, 24, 5 + cell_id % 15), Source.CLICK, 0.9)
        edits += [AddCell(Cell(cell_id, f"cell {cell_id}")), SetMask(cell_id, PlaneKey(), record)]
    changes = History(document).commit("all", edits)
    with ProjectStore.create(path, link, document.calibration) as store:
        store.save(document, changes)
        store.save_view({"t": 2})
    return path, document


def _pages_of(path: Path, table: str) -> tuple[int, list[int]]:
    """Page size and the leaf pages of a table, found by the page type and a needle in it."""
    with closing(sqlite3.connect(path)) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    data = path.read_bytes()
    interior = data[(root - 1) * size : root * size]
    assert interior[0] == 0x05, "the table has several pages"
    count = int.from_bytes(interior[3:5], "big")
    cells = [int.from_bytes(interior[12 + 2 * i : 14 + 2 * i], "big") for i in range(count)]
    return size, [int.from_bytes(interior[c : c + 4], "big") for c in cells]


def test_a_broken_page_costs_only_what_lay_on_it(large):
    path, document = large
    size, leaves = _pages_of(path, "mask")
    data = bytearray(path.read_bytes())
    broken = leaves[len(leaves) // 2]
    data[(broken - 1) * size : broken * size] = b"\xab" * size
    path.write_bytes(data)
    with ProjectStore.open(path) as store:
        assert store.path.name == "large-recovered.cellsam"
        assert path.name in store.notice
        assert store.path.name in store.notice
        rescued = store.load()
        assert store.load_view() == {"t": 2}
        assert store.link.fingerprint == "f1"
    assert path.read_bytes() == data, "the damaged file is left alone"
    assert rescued.cell_ids == document.cell_ids
    assert rescued.calibration == document.calibration
    assert rescued.next_id == document.next_id
    kept = rescued.cells_on(PlaneKey())
    assert CELLS - 100 < len(kept) < CELLS
    before, after = facts(document)["masks"], facts(rescued)["masks"]
    assert all(before[key] == value for key, value in after.items())
    with ProjectStore.open(path) as again:
        assert again.path.name == "large-recovered-2.cellsam"


def test_a_project_that_lost_its_movie_is_rescued_without_it(large):
    path, document = large
    with closing(sqlite3.connect(path)) as connection:
        [page] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'meta'").fetchone()
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    data = bytearray(path.read_bytes())
    data[(page - 1) * size : page * size] = bytes(size)
    path.write_bytes(data)
    with ProjectStore.open(path) as store:
        rescued = store.load()
        assert store.link.fingerprint == ""
        assert store.link.sizes == ()
    assert facts(rescued)["masks"] == facts(document)["masks"]
    assert rescued.next_id == CELLS + 1


def test_a_file_that_breaks_off_is_rescued_or_refused_in_one_sentence(large):
    path, _ = large
    data, sentences = path.read_bytes(), []
    for length in (150, 4096, len(data) // 2, len(data) - 4096):
        path.write_bytes(data[:length])
        try:
            store = ProjectStore.open(path)
        except ProjectError as error:
            sentences.append(str(error))
            continue
        with store:
            assert "is damaged" in store.notice
            assert len(store.load()) > 0
    assert 0 < len(sentences) < 4
    assert all(path.name in s and "restore it from a copy" in s for s in sentences)


def test_single_damaged_rows_are_left_out_and_said(tmp_path: Path, link):
    document, path = make_document(), tmp_path / "a.cellsam"
    with ProjectStore.create(path, link, document.calibration) as store:
        store.save(document, everything(document))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE mask SET bits = x'00ff' WHERE cell = 2 AND t = 2")
        connection.execute("UPDATE mask SET prompts = '{' WHERE cell = 3")
        connection.execute("UPDATE division SET mother = 77")
        connection.execute("UPDATE meta SET value = '[' WHERE key IN ('calibration', 'view')")
    with ProjectStore.open(path) as store:
        rescued = store.load()
        assert "3 masks or divisions" in store.notice
        assert store.load_view() == {}
    assert rescued.cell_ids == [1, 2, 3]
    assert rescued.record(2, PlaneKey(3, 1)) is not None
    assert rescued.calibration == Calibration()


def test_a_project_without_its_movie_is_refused(tmp_path: Path, link):
    path = tmp_path / "a.cellsam"
    ProjectStore.create(path, link, Calibration()).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM meta WHERE key = 'link'")
    with pytest.raises(ProjectError, match="which movie"):
        ProjectStore.open(path)
    path.unlink()
