from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cellsam_desktop.core.errors import ProjectError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.snapshot import open_snapshot
from cellsam_desktop.project.store import ProjectStore, everything

from .conftest import facts, make_document

# A window: it opens a project and adds cells, one by one, each with the same number in name and mask.
WINDOW = """
import sys
from pathlib import Path
import numpy as np
from cellsam_desktop.core.edits import AddCell, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.project.store import ProjectStore

store = ProjectStore.open(Path(sys.argv[1]))
document = store.load()
history = History(document)
changes = []
document.changed.connect(changes.append)
print("open", flush=True)
for line in sys.stdin:
    for _ in range(int(line)):
        cell = Cell(document.next_id)
        bits = np.random.default_rng(cell.id).random((200, 200)) > 0.5
        record = MaskRecord(Mask.from_array(bits), Source.BRUSH)
        history.commit("add", [AddCell(cell), SetMask(cell.id, PlaneKey(cell.id), record)])
        store.save(document, changes.pop())
    print(document.next_id, flush=True)
store.close()
"""


@pytest.fixture
def saved(tmp_path: Path, link: MovieLink) -> Path:
    path, document = tmp_path / "movie.tif.cellsam", make_document()
    with ProjectStore.create(path, link, document.calibration) as store:
        store.save(document, everything(document))
        store.save_view({"c": 1})
    return path


@contextmanager
def window(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", WINDOW, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.communicate()
    assert process.returncode == 0


def test_a_snapshot_holds_what_was_saved_and_writes_nothing(saved: Path, link: MovieLink):
    before = saved.read_bytes()
    with open_snapshot(saved) as store:
        assert facts(store.load()) == facts(make_document())
        assert store.load_view() == {"c": 1}
        assert store.link == link
    assert saved.read_bytes() == before
    assert [entry.name for entry in saved.parent.iterdir() if entry.name.startswith(saved.name)] == [
        saved.name
    ]


def test_what_a_window_has_just_accepted_is_there(saved: Path):
    with window(saved) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with pytest.raises(ProjectError, match="open in another window"):
            ProjectStore.open(saved)
        process.stdin.write("3\n")
        process.stdin.flush()
        assert process.stdout.readline() == "7\n"
        with open_snapshot(saved) as store:
            document = store.load()
        assert document.cell_ids == [1, 2, 3, 4, 5, 6]
        assert document.record(6, PlaneKey(6)) is not None


def test_snapshots_are_whole_while_the_window_goes_on_saving(saved: Path):
    with window(saved) as process:
        assert process.stdin is not None
        process.stdin.write("400\n")
        process.stdin.flush()
        lengths = []
        for _ in range(40):
            with open_snapshot(saved) as store:
                document = store.load()
                assert store.notice == ""
            assert all(document.track(cell_id) for cell_id in document.cell_ids)
            lengths.append(len(document))
    assert lengths == sorted(lengths)
    assert lengths[-1] > lengths[0]


def test_a_movie_is_found_where_it_lay_beside_the_project(saved: Path, tmp_path: Path, link: MovieLink):
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    link.path.rename(moved / link.path.name)
    saved.rename(moved / saved.name)
    with open_snapshot(moved / saved.name) as store:
        assert store.link.path == moved / link.path.name


def test_an_older_file_is_read_and_stays_as_it_is(saved: Path):
    with closing(sqlite3.connect(saved)) as older:
        older.executescript("DROP TABLE complete; PRAGMA user_version = 2")
    before = saved.read_bytes()
    with open_snapshot(saved) as store:
        assert len(store.load()) == 3
    assert saved.read_bytes() == before


def test_what_cannot_be_read_is_one_sentence(saved: Path, tmp_path: Path):
    (tmp_path / "empty.cellsam").touch()
    (tmp_path / "other.cellsam").write_text(json.dumps({}))
    half = tmp_path / "half.cellsam"
    half.write_bytes(saved.read_bytes()[:9000])
    sentences = []
    for name in ("missing.cellsam", "empty.cellsam", "other.cellsam", "half.cellsam"):
        with pytest.raises(ProjectError) as caught, open_snapshot(tmp_path / name):
            pass
        sentences.append(str(caught.value))
    assert [s for s in sentences if not s.endswith(".") or "\n" in s] == []
    assert "does not exist" in sentences[0]
    assert "is empty" in sentences[1]
    assert "is not a CellSAM project" in sentences[2]
    assert "half.cellsam is damaged" in sentences[3]
