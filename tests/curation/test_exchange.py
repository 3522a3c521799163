from __future__ import annotations

import csv
import threading

import numpy as np
import pytest
import tifffile

from cellsam_desktop.core.edits import AddDivision, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.records import Source
from cellsam_desktop.project.exporters import labels
from cellsam_desktop.project.store import ProjectStore


@pytest.fixture
def label_file(tmp_path):
    pixels = np.zeros((6, 48, 64), np.uint16)
    for t in range(6):
        pixels[t, 2:8, 3 + t : 9 + t] = 3
        pixels[t, 20:25, 30:40] = 70
    file = tmp_path / "labels.tif"
    tifffile.imwrite(file, pixels, imagej=True, metadata={"axes": "TYX"})
    return file


def test_labels_become_cells_with_their_ids_in_one_step(desk, movie_file, label_file):
    desk.open(movie_file)
    desk.session.exchange.import_labels(label_file)
    desk.settle()
    document = desk.session.movie.document
    assert document.cell_ids == [3, 70]
    assert document.frames(70) == [0, 1, 2, 3, 4, 5]
    record = document.record(3, PlaneKey(2))
    assert (record.source, record.mask.y0, record.mask.x0) == (Source.IMPORTED, 2, 5)
    assert desk.texts == ["Imported 2 cells with 12 masks from labels.tif."]
    desk.session.undo()
    assert document.cell_ids == []


def test_labels_whose_ids_are_taken_get_new_ones(desk, movie_file, label_file):
    desk.open(movie_file)
    desk.add_cell(3)
    before = desk.session.movie.document.record(3, PlaneKey())
    desk.session.exchange.import_labels(label_file)
    desk.settle()
    assert desk.session.movie.document.cell_ids == [3, 70, 71]
    assert desk.session.movie.document.record(3, PlaneKey()) is before
    assert "1 of them got new ids" in desk.texts[-1]


def test_a_single_label_image_goes_onto_the_plane_on_screen(desk, movie_file, tmp_path):
    pixels = np.zeros((48, 64), np.uint8)
    pixels[1:4, 1:4] = 9
    tifffile.imwrite(tmp_path / "one.tif", pixels)
    desk.open(movie_file)
    desk.session.navigation.go_to(4)
    desk.session.exchange.import_labels(tmp_path / "one.tif")
    desk.settle()
    assert desk.session.movie.document.planes() == [PlaneKey(4)]


def test_labels_of_another_shape_are_one_sentence(desk, movie_file, tmp_path):
    tifffile.imwrite(tmp_path / "wrong.tif", np.ones((10, 10), np.uint8))
    tifffile.imwrite(tmp_path / "empty.tif", np.zeros((48, 64), np.uint8))
    desk.open(movie_file)
    desk.session.exchange.import_labels(tmp_path / "wrong.tif")
    desk.settle()
    assert "10 x 10" in desk.errors[0]
    desk.session.exchange.import_labels(tmp_path / "empty.tif")
    desk.settle()
    assert "no labels" in desk.texts[-1]
    assert len(desk.session.movie.document) == 0
    assert desk.session.movie.store is None


def test_labels_go_out_as_they_came_in(desk, movie_file, label_file, tmp_path):
    desk.open(movie_file)
    desk.session.exchange.import_labels(label_file)
    desk.settle()
    desk.session.exchange.export_labels(tmp_path / "out.tif")
    desk.settle()
    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "out.tif").squeeze(), tifffile.imread(label_file)
    )
    assert desk.texts[-1] == f"Labels written to {tmp_path / 'out.tif'}."


def test_the_table_has_a_line_per_mask(desk, movie_file, label_file, tmp_path):
    desk.open(movie_file)
    desk.session.exchange.import_labels(label_file)
    desk.settle()
    desk.session.measuring.export(tmp_path / "out.csv")
    desk.settle()
    with (tmp_path / "out.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 12
    assert (lines[0]["id"], lines[0]["centroid_x_px"], lines[0]["area_px"]) == ("3", "5.5", "36")


def test_an_export_shows_the_moment_it_was_asked_for(desk, movie_file, label_file, tmp_path, monkeypatch):
    desk.open(movie_file)
    desk.session.exchange.import_labels(label_file)
    desk.settle()
    go = threading.Event()
    write = labels.export_labels
    monkeypatch.setattr(labels, "export_labels", lambda *args: (go.wait(10), write(*args)))
    desk.session.exchange.export_labels(tmp_path / "out.tif")
    keys = [PlaneKey(t) for t in range(6)]
    desk.session.commit("Delete", [SetMask(70, key, None) for key in keys])
    go.set()
    desk.settle()
    assert set(np.unique(tifffile.imread(tmp_path / "out.tif"))) == {0, 3, 70}


def test_a_cancelled_export_leaves_nothing(desk, movie_file, label_file, tmp_path):
    desk.open(movie_file)
    desk.session.exchange.import_labels(label_file)
    desk.settle()
    desk.session.jobs.runner.started.connect(lambda job: job.cancel())
    desk.session.exchange.export_labels(tmp_path / "out.tif")
    desk.settle()
    assert desk.texts[-1] == "Exporting out.tif was cancelled."
    assert not list(tmp_path.glob("*out.tif*"))


def test_an_export_that_cannot_be_written_is_one_sentence(desk, movie_file, tmp_path):
    desk.open(movie_file)
    desk.session.measuring.export(tmp_path / "absent" / "out.csv")
    desk.settle()
    assert len(desk.errors) == 1
    assert "out.csv" in desk.errors[0]


def test_save_as_goes_on_in_the_copy(desk, make_desk, movie_file, tmp_path):
    desk.open(movie_file)
    desk.add_cell(1)
    first = desk.session.movie.project_path
    listeners = len(desk.session.document_changed)
    desk.session.exchange.save_as(tmp_path / "copy")
    desk.add_cell(2)  # while the copy is being made, or just after
    desk.settle()
    assert len(desk.session.document_changed) == listeners
    second = tmp_path / "copy.cellsam"
    assert desk.session.movie.project_path == second
    desk.add_cell(3)
    with ProjectStore.open(first) as store:  # released, and as it was when the copy took over
        assert store.load().cell_ids == [1, 2]
    desk.close()
    with ProjectStore.open(second) as store:
        assert store.load().cell_ids == [1, 2, 3]
    again = make_desk()
    again.open(second)
    assert again.session.movie.info.path == movie_file


def test_save_as_before_anything_was_done(desk, movie_file, tmp_path):
    desk.open(movie_file)
    target = tmp_path / "early.cellsam"
    target.write_bytes(b"replaced, as the dialog asked")
    desk.session.exchange.save_as(target)
    desk.settle()
    assert not desk.errors
    desk.add_cell(1)
    assert desk.session.movie.project_path == target
    assert not movie_file.with_name("movie.tif.cellsam").exists()


def test_save_as_to_the_same_file_is_save(desk, movie_file):
    desk.open(movie_file)
    desk.add_cell(1)
    path = desk.session.movie.project_path
    desk.session.exchange.save_as(path)
    assert desk.texts == [f"Saved in {path}."]


def test_a_snapshot_is_equal_and_stays_so(desk, movie_file):
    desk.open(movie_file)
    for cell_id, t in ((1, 0), (2, 1), (3, 1)):
        desk.add_cell(cell_id, PlaneKey(t))
    desk.session.commit("Divide", [AddDivision(1, (2, 3))])
    copy = desk.session.movie.document.snapshot()
    desk.session.undo()
    desk.add_cell(4)
    assert copy.cell_ids == [1, 2, 3]
    assert copy.lineage.daughters(1) == (2, 3)
    assert copy.next_id == 4
    assert copy.calibration == desk.session.movie.document.calibration
