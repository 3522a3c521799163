from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import (
    AddCell,
    AddDivision,
    ChangeCell,
    MarkComplete,
    MarkSeen,
    RemoveCell,
    RemoveDivision,
    SetCalibration,
    SetMask,
)
from cellsam_desktop.core.errors import Cancelled, EditRefused, ProjectError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source
from cellsam_desktop.project.link import MovieLink, project_path_for
from cellsam_desktop.project.schema import APPLICATION_ID, VERSION
from cellsam_desktop.project.store import ProjectStore, everything

from .conftest import disc_mask, facts, make_document


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "movie.tif.cellsam"


@pytest.fixture
def saved(path: Path, link: MovieLink) -> Path:
    document = make_document()
    with ProjectStore.create(path, link, document.calibration) as store:
        store.save(document, everything(document))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ProjectError) as caught:
        ProjectStore.open(path)
    sentence = str(caught.value)
    assert path.name in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_everything_comes_back(saved: Path, document, link):
    with ProjectStore.open(saved) as store:
        assert facts(store.load()) == facts(document)
        assert store.link == link
        assert store.notice == ""


def test_what_the_candidates_said_comes_back(saved: Path, document):
    before = document.record(3, PlaneKey(2))
    with ProjectStore.open(saved) as store:
        loaded = store.load()
        edit = SetMask(3, PlaneKey(2), replace(before, agreement=0.54))
        store.save(loaded, History(loaded).commit("said", [edit]))
    with ProjectStore.open(saved) as store:
        loaded = store.load()
    assert loaded.record(3, PlaneKey(2)).agreement == 0.54
    assert loaded.record(1, PlaneKey(0)).agreement is None


def test_the_file_says_what_it_is(saved: Path):
    header = saved.read_bytes()[:100]
    assert int.from_bytes(header[68:72], "big") == APPLICATION_ID
    assert int.from_bytes(header[60:64], "big") == VERSION
    assert [p.name for p in saved.parent.iterdir() if p.name.startswith(saved.name)] == [saved.name]


def test_each_kind_of_change_is_followed(path: Path, link, document):
    history = History(document)
    with ProjectStore.create(path, link, document.calibration) as store:
        store.save(document, everything(document))
        transactions = [
            [AddCell(Cell(4)), SetMask(4, PlaneKey(0), MaskRecord(disc_mask(40, 20, 5), Source.LASSO))],
            [SetMask(4, PlaneKey(0), MaskRecord(disc_mask(41, 20, 6), Source.BRUSH))],
            [ChangeCell(Cell(2, "renamed", locked=True))],
            [SetMask(3, PlaneKey(2), None)],
            [RemoveDivision(1)],
            [RemoveCell(3)],
            [SetCalibration(Calibration(pixel_size_um=0.5))],
            [MarkSeen(1, frozenset(document.track(1)))],
            [MarkSeen(2, frozenset({PlaneKey(3, 1)}), False)],
            [SetMask(1, PlaneKey(1), MaskRecord(disc_mask(41, 20, 6), Source.BRUSH))],
            [MarkComplete(frozenset({PlaneKey(1), PlaneKey(0)}))],
            [MarkComplete(frozenset({PlaneKey(0), PlaneKey(3, 1)}), False)],
        ]
        states = [facts(document)]
        for edits in transactions:
            store.save(document, history.commit("step", edits))
            states.append(facts(document))
            assert facts(store.load()) == states[-1]
        for state in reversed(states[:-1]):
            store.save(document, history.undo())
            assert facts(store.load()) == state | {"next_id": document.next_id}


@pytest.mark.parametrize("seed", range(6))
def test_random_transactions_undos_and_redos_are_followed(path: Path, link, seed: int):
    random, document = Random(seed), Document()
    history = History(document)
    with ProjectStore.create(path, link, document.calibration) as store:
        for number in range(120):
            try:
                changes = random_step(random, document, history)
            except EditRefused:
                continue
            if changes is not None:
                store.save(document, changes)
            if number % 10 == 9:
                assert facts(store.load()) == facts(document)
    with ProjectStore.open(path) as store:
        assert facts(store.load()) == facts(document)


def random_step(random: Random, document: Document, history: History) -> ChangeSet | None:
    kind, some = random.randrange(12), [random.randrange(1, document.next_id + 1) for _ in range(3)]
    if kind == 0:
        return history.undo()
    if kind == 1:
        return history.redo()
    key = PlaneKey(random.randrange(4), random.randrange(2))
    record = MaskRecord(disc_mask(20, 20, random.uniform(1, 9)), Source.CLICK, random.random())
    edits = {
        2: [RemoveCell(some[0])],
        3: [AddDivision(some[0], (some[1], some[2]))],
        4: [RemoveDivision(some[0])],
        5: [SetMask(some[0], key, None)],
        6: [SetMask(some[0], key, record)],
        7: [ChangeCell(Cell(some[0], "renamed"))],
        8: [SetCalibration(Calibration(random.random()))],
        10: [MarkSeen(some[0], frozenset(list(document.track(some[0]))[:2]), random.random() < 0.7)],
        11: [MarkComplete(frozenset([key]), random.random() < 0.6)],
        9: [AddCell(Cell(document.next_id)), SetMask(document.next_id, key, record)],
    }
    return history.commit("step", edits[kind])


def test_ids_are_not_reused_after_reopening(path: Path, link, document):
    history = History(document)
    with ProjectStore.create(path, link, document.calibration) as store:
        store.save(document, everything(document))
        store.save(document, history.commit("new", [AddCell(Cell(9))]))
        store.save(document, history.undo())
    with ProjectStore.open(path) as store:
        assert store.load().next_id == 10


def test_loading_and_saving_tell_how_far_they_are_and_can_be_cancelled(saved: Path, document):
    told: list[float] = []

    def cancel(fraction: float) -> None:
        told.append(fraction)
        raise Cancelled("Stopped.")

    with ProjectStore.open(saved) as store:
        store.load(told.append)
        assert told == [0.0]
        with pytest.raises(Cancelled):
            store.load(cancel)
        changes = History(document).commit("more", [AddCell(Cell(9))])
        with pytest.raises(Cancelled):
            store.save(document, changes | everything(document), cancel)
        assert store.backlog.mask_count == 5
        assert 9 not in store.load()
        store.save(document, ChangeSet())
        assert store.backlog.mask_count == 0
        assert 9 in store.load()


def test_view_is_kept(saved: Path):
    with ProjectStore.open(saved) as store:
        assert store.load_view() == {}
        store.save_view({"t": 3, "selection": [1, 2]})
    with ProjectStore.open(saved) as store:
        assert store.load_view() == {"t": 3, "selection": [1, 2]}


def test_a_second_window_is_refused(saved: Path):
    with ProjectStore.open(saved):
        assert "is open in another window: close it there first." in refusal(saved)
        code = (
            "import sys; from pathlib import Path; from cellsam_desktop.project.store import ProjectStore\n"
            "try: ProjectStore.open(Path(sys.argv[1]))\n"
            "except Exception as error: print(type(error).__name__, error)"
        )
        other = subprocess.run([sys.executable, "-c", code, str(saved)], capture_output=True, text=True)
        assert other.stdout.startswith("ProjectError")
        assert "another window" in other.stdout
    ProjectStore.open(saved).close()


def test_create_never_overwrites(saved: Path, link):
    before = saved.read_bytes()
    with pytest.raises(ProjectError, match="exists already"):
        ProjectStore.create(saved, link, Calibration())
    assert saved.read_bytes() == before


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: None, "does not exist"),
        (lambda p: p.mkdir(), "is a folder"),
        (lambda p: p.write_bytes(b""), "is empty"),
        (lambda p: p.write_text("hello, this is no project at all"), "is not a CellSAM project"),
        (lambda p: p.write_bytes(b"SQLite format 3\x00short"), "is not a CellSAM project"),
        (lambda p: _database(p, 1, 0), "is not a CellSAM project"),
        (lambda p: _database(p, APPLICATION_ID, VERSION + 1), "newer version"),
    ],
)
def test_what_is_no_project_gets_one_sentence(path: Path, make, words):
    make(path)
    assert words in refusal(path)


def _database(path: Path, application_id: int, version: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE other (x)")
        connection.execute(f"PRAGMA application_id = {application_id}")
        connection.execute(f"PRAGMA user_version = {version}")


def test_read_only_places_get_one_sentence(link, as_ordinary_user: Path):
    path = as_ordinary_user / "movie.cellsam"
    ProjectStore.create(path, MovieLink(Path("x.tif"), "f", None, (1, 1, 1, 4, 4)), Calibration()).close()
    path.chmod(0o444)
    assert "read-only" in refusal(path)
    path.chmod(0o644)
    as_ordinary_user.chmod(0o555)
    assert "read-only" in refusal(path)
    with pytest.raises(ProjectError, match="read-only"):
        ProjectStore.create(as_ordinary_user / "new.cellsam", link, Calibration())
    path.chmod(0o000)
    as_ordinary_user.chmod(0o755)
    assert "read-only" in refusal(path)


def test_a_full_disk_keeps_the_file_and_loses_nothing(saved: Path, document):
    history = History(document)
    with ProjectStore.open(saved) as store:
        before = facts(store.load())
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        changes = history.commit("many", [AddCell(Cell(i, "x" * 200)) for i in range(4, 104)])
        with pytest.raises(ProjectError, match="disk is full"):
            store.save(document, changes)
        assert facts(store.load()) == before
        store._connection.execute("PRAGMA max_page_count = 100000")
        store.save(document, history.commit("one", [ChangeCell(Cell(2, "later"))]))
    with ProjectStore.open(saved) as store:
        assert facts(store.load()) == facts(document)


def test_copy_is_complete_and_knows_the_movie(saved: Path, document, link, tmp_path: Path):
    target = tmp_path / "elsewhere" / "copy.cellsam"
    target.parent.mkdir()
    with ProjectStore.open(saved) as store:
        store.copy_to(target)
        store.copy_to(target)
        with pytest.raises(ProjectError, match="the open project itself"):
            store.copy_to(saved)
        with ProjectStore.open(target) as copy:
            assert facts(copy.load()) == facts(document)
            assert copy.link == link
            with pytest.raises(ProjectError, match="another window"):
                store.copy_to(target)


def test_the_movie_is_found_beside_a_project_that_moved(saved: Path, link, tmp_path: Path):
    there = tmp_path / "there"
    there.mkdir()
    link.path.rename(there / link.path.name)
    moved = saved.rename(there / saved.name)
    with ProjectStore.open(moved) as store:
        assert store.link.path == there / link.path.name
        new = MovieLink(tmp_path / "third.tif", "f2", None, link.sizes)
        store.relink(new)
        assert store.link == new
    with ProjectStore.open(moved) as store:
        assert store.link == new


def test_a_missing_movie_is_named_by_its_last_place(saved: Path, link):
    link.path.unlink()
    with ProjectStore.open(saved) as store:
        assert store.link.path == link.path


def test_project_path(tmp_path: Path, as_ordinary_user: Path):
    documents = tmp_path / "documents"
    open_folder, closed = as_ordinary_user / "open", as_ordinary_user / "closed"
    open_folder.mkdir()
    closed.mkdir()
    closed.chmod(0o555)
    assert project_path_for(open_folder / "a.ome.tif", documents) == open_folder / "a.ome.tif.cellsam"
    elsewhere = project_path_for(closed / "a.tif", documents)
    assert elsewhere.parent == documents
    assert elsewhere.suffix == ".cellsam"
    assert elsewhere != project_path_for(closed / "other" / "a.tif", documents)


_COMMITS = """
import sys
from pathlib import Path
import numpy as np
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddCell, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source
from cellsam_desktop.project.store import ProjectStore
from cellsam_desktop.project.link import MovieLink

document = Document()
link = MovieLink(Path("m.tif"), "f", None, (1, 1, 1, 9, 9))
store = ProjectStore.create(Path(sys.argv[1]), link, Calibration())
history = History(document)
for number in range(1, 100_000):
    mask = Mask.from_array(np.random.default_rng(number).random((60, 50)) > 0.5)
    edits = [AddCell(Cell(number)), SetMask(number, PlaneKey(0), MaskRecord(mask, Source.CLICK))]
    store.save(document, history.commit("cell", edits))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killing_the_process_loses_nothing_accepted(path: Path):
    process = subprocess.Popen([sys.executable, "-c", _COMMITS, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            if int(line) == 300:
                os.kill(process.pid, signal.SIGKILL)
                break
        reported = max([300, *(int(line) for line in process.stdout if line.endswith("\n"))])
    process.wait()
    with ProjectStore.open(path) as store:
        document = store.load()
        assert store.notice == ""
    assert document.cell_ids[:reported] == list(range(1, reported + 1))
    assert document.cells_on(PlaneKey(0)) == document.cell_ids
    assert document.next_id == len(document) + 1


def test_the_link_is_json_that_others_can_read(saved: Path):
    with closing(sqlite3.connect(saved)) as connection:
        text = connection.execute("SELECT value FROM meta WHERE key = 'link'").fetchone()[0]
    assert json.loads(text)["relative"] == "movie.tif"
