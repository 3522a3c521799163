from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cellsam_desktop.core.edits import AddTrack, ChangeCell, SetMask
from cellsam_desktop.core.geometry import PlaneIndex, PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.curation.background_write import BULK, BackgroundWrite
from cellsam_desktop.project.store import ProjectStore


def fill_disk(desk) -> None:
    """SQLite refuses to let the file grow, exactly as on a full disk."""
    pages = desk.session.movie.store._connection.execute("PRAGMA page_count").fetchone()[0]
    desk.session.movie.store._connection.execute(f"PRAGMA max_page_count = {pages}")


def make_room(desk) -> None:
    desk.session.movie.store._connection.execute("PRAGMA max_page_count = 1000000")


def test_a_commit_is_on_disk_when_it_returns(desk, movie_file):
    told = []
    desk.open(movie_file)

    def check(changes) -> None:
        copy = movie_file.with_name("look.cellsam")
        desk.session.movie.store.copy_to(copy)
        with ProjectStore.open(copy) as store:
            told.append((changes.name, store.load().cell_ids))

    desk.session.document_changed.connect(check)
    assert desk.add_cell(1)
    assert told == [("Paint", [1])]
    assert desk.session.movie.project_path.exists()


def test_a_refused_edit_is_a_warning_and_changes_nothing(desk, movie_file):
    desk.open(movie_file)
    desk.add_cell(1)
    desk.session.commit("Lock", [ChangeCell(Cell(1, locked=True))])
    assert not desk.session.commit("Delete", [SetMask(1, PlaneKey(), None)])
    assert desk.notices[-1].level == "warning"
    assert "locked" in desk.texts[-1]
    assert desk.session.movie.document.record(1, PlaneKey()) is not None


def test_what_could_not_be_saved_is_kept_and_written_later(desk, make_desk, movie_file):
    desk.open(movie_file)
    desk.add_cell(1)
    fill_disk(desk)
    cell_id = 2
    while not desk.session.unsaved:
        assert desk.add_cell(cell_id, PlaneKey(cell_id % 6), x=cell_id % 50)
        cell_id += 1
    assert len(desk.errors) == 1
    assert "make room" in desk.errors[0]
    assert "Nothing is lost" in desk.notices[-1].detail
    assert not desk.session.save()
    assert not desk.session.close_movie()
    assert desk.session.movie is not None

    make_room(desk)
    assert desk.add_cell(cell_id)
    assert not desk.session.unsaved
    desk.close()
    again = make_desk()
    again.open(movie_file)
    assert again.session.movie.document.cell_ids == list(range(1, cell_id + 1))


def test_unsaved_work_survives_the_opening_of_another_movie(desk, movie_file, movie_writer, tmp_path):
    other = movie_writer(tmp_path / "other.tif", seed=2)
    desk.open(movie_file)
    desk.session.movie.planned_path.write_bytes(b"something else")
    desk.add_cell(1)
    assert desk.session.unsaved
    desk.open(other)
    assert desk.session.movie.info.path == movie_file
    assert desk.texts[-1].startswith("other.tif was not opened")
    assert desk.session.close_movie(discard_unsaved=True)
    assert not desk.session.unsaved
    assert desk.session.movie is None


def test_save_begins_a_project_even_without_a_change(desk, movie_file):
    desk.open(movie_file)
    assert desk.session.save()
    assert desk.session.movie.project_path.exists()
    assert desk.texts == [f"Saved in {desk.session.movie.project_path}."]


def test_the_view_is_saved_now_and_then(desk, movie_file):
    desk.open(movie_file)
    desk.add_cell(1)
    store = desk.session.movie.store
    desk.session.navigation.go_to(1)
    desk.session.tick(10.0)
    desk.session.navigation.go_to(3)
    desk.session.tick(10.5)
    assert store.load_view()["t"] == 1
    desk.session.tick(12.5)
    assert store.load_view()["t"] == 3


def test_undo_and_redo_go_to_the_change_and_select_what_came_back(desk, movie_file):
    desk.open(movie_file)
    desk.add_cell(1)
    desk.add_cell(2, PlaneKey(4))
    session = desk.session
    session.view.set(selection=(2,))
    session.navigation.go_to(1)

    session.undo()
    assert (session.view.t, session.view.selection) == (4, ())
    assert session.movie.document.cell_ids == [1]
    session.undo()
    assert session.view.t == 0
    session.undo()
    assert session.movie.document.cell_ids == []

    session.redo()
    assert (session.view.t, session.view.selection) == (0, (1,))
    session.redo()
    assert (session.view.t, session.view.selection) == (4, (2,))
    session.redo()
    assert session.movie.document.cell_ids == [1, 2]


def test_undo_stays_when_the_change_is_on_screen(desk, movie_file):
    desk.open(movie_file)
    desk.add_cell(1)
    edits = [SetMask(1, PlaneKey(t), desk.session.movie.document.record(1, PlaneKey())) for t in (1, 3, 5)]
    desk.session.commit("Continue", edits)
    desk.session.navigation.go_to(3)
    desk.session.undo()
    assert desk.session.view.t == 3
    desk.session.navigation.go_to(4)
    desk.session.redo()
    assert desk.session.view.t == 3


def test_undo_is_saved_too(desk, make_desk, movie_file):
    desk.open(movie_file)
    desk.add_cell(1)
    desk.add_cell(2)
    desk.session.undo()
    desk.close()
    again = make_desk()
    again.open(movie_file)
    assert again.session.movie.document.cell_ids == [1]
    assert again.session.movie.document.next_id == 3


def many_cells(count: int) -> list[AddTrack]:
    """New cells with a mask on each of the six frames."""
    record = MaskRecord(Mask(9, 9, np.ones((5, 5), np.bool_)), Source.IMPORTED)
    return [AddTrack(Cell(i), {PlaneKey(t): record for t in range(6)}) for i in range(1, count + 1)]


def test_very_many_masks_are_saved_in_the_background_and_what_follows_after_them(desk, make_desk, movie_file):
    desk.open(movie_file)
    states = []
    desk.session.saving.changed.connect(lambda: states.append(desk.session.saving.writing))
    assert desk.session.commit("Import", many_cells(BULK))
    assert desk.session.saving.writing
    assert desk.add_cell(BULK + 1)
    desk.session.undo()
    desk.session.undo()
    desk.session.redo()
    desk.session.navigation.go_to(2)
    desk.session.tick(10.0)
    desk.settle()
    assert not desk.session.saving.writing
    assert not desk.session.unsaved
    assert True in states
    assert states[-1] is False
    path = desk.session.movie.project_path
    assert not desk.errors
    assert desk.session.close_movie()
    with ProjectStore.open(path) as store:
        document = store.load()
        assert document.cell_ids == list(range(1, BULK + 1))
        assert len(document.track(7)) == 6
        assert store.load_view()["t"] == 2


def test_what_is_written_in_the_background_is_what_was_accepted_not_what_came_after(desk, movie_file):
    desk.open(movie_file)
    desk.add_cell(1)
    movie, changed = desk.session.movie, []
    movie.document.changed.connect(changed.append)
    desk.add_cell(2)
    write = BackgroundWrite(movie.store, movie.document, changed[0])
    desk.session.undo()
    write.run(lambda fraction: None)
    assert movie.store.load().cell_ids == [1, 2]


def test_closing_waits_for_what_is_being_written(desk, movie_file):
    desk.open(movie_file)
    path = desk.session.movie.project_path
    desk.session.commit("Import", many_cells(BULK))
    desk.add_cell(BULK + 1)
    assert desk.session.close_movie()
    with ProjectStore.open(path) as store:
        assert len(store.load()) == BULK + 1
    desk.settle()
    assert not desk.errors


def test_a_cancelled_background_save_loses_nothing(desk, movie_file):
    desk.open(movie_file)
    desk.add_cell(BULK + 7)
    desk.session.jobs.runner.started.connect(lambda job: job.cancel())
    desk.session.commit("Import", many_cells(BULK))
    desk.settle()
    assert desk.session.unsaved
    assert "cancelled" in desk.errors[0]
    desk.session.jobs.runner.started.disconnect()
    assert desk.session.save()
    desk.settle()
    assert not desk.session.unsaved
    path = desk.session.movie.project_path
    assert desk.session.close_movie()
    with ProjectStore.open(path) as store:
        assert len(store.load()) == BULK + 1


def test_nothing_happens_without_a_movie(desk):
    desk.session.undo()
    desk.session.redo()
    desk.session.navigation.step(1)
    desk.session.navigation.play()
    desk.session.navigation.auto_contrast()
    assert not desk.session.save()
    assert desk.session.close_movie()
    assert not desk.notices


KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from conftest import Desk
from cellsam_desktop.core.geometry import PlaneKey
desk = Desk()
desk.open(Path(sys.argv[1]))
for number in range(1, 6):
    desk.add_cell(number, PlaneKey(number))
desk.session.navigation.go_to(2)
desk.session.view.set(selection=(2,))
desk.session.undo()
print("committed", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_killing_the_program_loses_nothing_accepted(make_desk, movie_file):
    words = [sys.executable, "-c", KILLED, str(movie_file), str(Path(__file__).parent)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "committed\n"
        child.send_signal(signal.SIGKILL)
    desk = make_desk()
    desk.open(movie_file)
    assert desk.session.movie.document.cell_ids == [1, 2, 3, 4]
    assert desk.session.movie.document.next_id == 6
    assert not desk.notices
    assert desk.session.view.index == PlaneIndex(2)
