from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellsam_desktop import paths
from cellsam_desktop.core.geometry import PlaneIndex, PlaneKey
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.images.contrast import measure_contrast
from cellsam_desktop.images.opening import open_source


def test_a_movie_is_opened_with_its_scale_contrast_and_first_plane(desk, movie_file):
    seen = []
    desk.session.movie_changed.connect(lambda: seen.append(desk.session.view.contrast))
    desk.open(movie_file)
    desk.settle()

    movie = desk.session.movie
    assert movie.document.calibration == Calibration(0.25, None, 30.0)
    assert movie.project_path == movie_file.with_name("movie.tif.cellsam")
    with open_source(movie_file) as source:
        assert desk.session.view.contrast == {0: measure_contrast(source, 0)} == seen[0]
        np.testing.assert_array_equal(desk.session.navigation.plane, source.read_plane(PlaneIndex()))
    assert desk.settings.recent == [str(movie_file)]
    assert not desk.notices


def test_looking_at_a_movie_writes_nothing_beside_it(desk, movie_file):
    desk.open(movie_file)
    desk.settle()
    desk.session.navigation.go_to(3)
    desk.session.tick(100.0)
    assert desk.session.close_movie()
    assert [entry.name for entry in movie_file.parent.iterdir()] == ["movie.tif"]
    assert desk.session.movie is None


@pytest.mark.parametrize("bad", ["empty.tif", "absent.tif", "broken.cellsam", "folder"])
def test_what_cannot_be_opened_leaves_the_open_movie_untouched(desk, movie_file, tmp_path, bad):
    (tmp_path / "empty.tif").touch()
    (tmp_path / "broken.cellsam").write_bytes(b"no project")
    (tmp_path / "folder").mkdir()
    desk.open(movie_file)
    desk.add_cell(1)
    before = desk.session.movie
    desk.open(tmp_path / bad)

    assert desk.session.movie is before
    assert len(desk.errors) == 1
    assert bad in desk.errors[0]
    assert desk.add_cell(2)


def test_the_newest_opening_wins(desk, movie_file, movie_writer, tmp_path):
    other = movie_writer(tmp_path / "other.tif", seed=2)
    opened = []
    desk.session.movie_changed.connect(lambda: opened.append(desk.session.movie))
    desk.session.open(movie_file)
    desk.session.open(other)
    desk.settle()
    assert [movie.info.path for movie in opened] == [other]
    assert not desk.notices


def test_opening_what_is_open_says_so(desk, movie_file):
    desk.open(movie_file)
    desk.add_cell(1)
    movie = desk.session.movie
    desk.open(movie_file)
    desk.open(movie.project_path)
    assert desk.session.movie is movie
    assert desk.texts == ["movie.tif is open already.", "movie.tif.cellsam is open already."]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_to_what_is_open_is_known(desk, movie_file, tmp_path):
    desk.open(movie_file)
    movie, link = desk.session.movie, tmp_path / "link.tif"
    link.symlink_to(movie_file)
    desk.open(link)
    assert desk.session.movie is movie
    assert desk.texts == ["link.tif is open already."]


def test_asking_for_what_is_open_ends_another_opening(desk, movie_file, movie_writer, tmp_path):
    desk.open(movie_file)
    movie = desk.session.movie
    desk.session.open(movie_writer(tmp_path / "other.tif", seed=2))
    desk.open(movie_file)
    assert desk.session.movie is movie
    assert desk.texts == ["movie.tif is open already."]


def test_reopening_restores_cells_view_and_selection(make_desk, movie_file):
    desk = make_desk()
    desk.open(movie_file)
    desk.add_cell(1)
    desk.add_cell(2, PlaneKey(4), x=30)
    desk.session.navigation.go_to(4)
    desk.session.view.set(selection=(2,), hidden=frozenset({1}), viewport=(1.0, 2.0, 30.0, 40.0))
    contrast = desk.session.navigation.contrast
    desk.session.navigation.set_contrast(type(contrast)(150.0, 400.0, 0.5), final=True)
    desk.close()

    again = make_desk()
    again.open(movie_file)
    session = again.session
    assert session.movie.document.cell_ids == [1, 2]
    assert session.view.index == PlaneIndex(4)
    assert (session.view.selection, session.view.hidden) == ((2,), frozenset({1}))
    assert session.view.viewport == (1.0, 2.0, 30.0, 40.0)
    assert session.navigation.contrast == type(contrast)(150.0, 400.0, 0.5)
    session.navigation.auto_contrast()
    assert session.navigation.contrast == contrast


def test_a_project_is_opened_with_its_movie(desk, make_desk, movie_file):
    desk.open(movie_file)
    desk.add_cell(7)
    project = desk.session.movie.project_path
    desk.close()

    again = make_desk()
    again.open(project)
    assert again.session.movie.info.path == movie_file
    assert again.session.movie.document.cell_ids == [7]
    assert again.settings.recent == [str(project)]


def test_a_project_open_elsewhere_is_refused(desk, make_desk, movie_file, movie_writer, tmp_path):
    desk.open(movie_file)
    desk.add_cell(1)
    second = make_desk()
    other = movie_writer(tmp_path / "other.tif", seed=2)
    second.open(other)
    second.open(movie_file)
    assert second.session.movie.info.path == other
    assert len(second.errors) == 1
    assert "open in another window" in second.errors[0]


def test_two_windows_never_replace_each_others_project(desk, make_desk, movie_file):
    second = make_desk()
    desk.open(movie_file)
    second.open(movie_file)
    desk.add_cell(1)
    desk.close()
    assert second.add_cell(2)
    assert second.session.unsaved
    assert "exists already" in second.errors[0]

    second.session.exchange.save_as(movie_file.with_name("mine.cellsam"))
    second.settle()
    assert not second.session.unsaved
    third = make_desk()
    third.open(movie_file)
    assert third.session.movie.document.cell_ids == [1]


def test_a_moved_movie_is_asked_for_and_recognised(desk, make_desk, movie_file, movie_writer, tmp_path):
    desk.open(movie_file)
    desk.add_cell(1)
    project = desk.session.movie.project_path
    desk.close()
    (tmp_path / "away").mkdir()
    moved = Path(shutil.move(movie_file, tmp_path / "away" / "renamed.tif"))
    wrong = movie_writer(tmp_path / "wrong.tif", seed=9)

    again = make_desk()
    again.open(project)
    assert (again.session.movie, again.missing) == (None, [project])

    again.session.locate_movie(wrong)
    again.wait(lambda: bool(again.errors))
    assert again.session.movie is None
    assert "wrong.tif" in again.errors[0]
    assert "movie.tif" in again.errors[0]

    again.session.locate_movie(moved)
    again.settle()
    assert again.session.movie.info.path == moved
    again.close()

    third = make_desk()
    third.open(project)
    assert third.session.movie.info.path == moved
    assert third.missing == []


def test_a_replaced_movie_is_noticed(desk, make_desk, movie_file, movie_writer):
    desk.open(movie_file)
    desk.add_cell(1)
    project = desk.session.movie.project_path
    desk.close()
    movie_writer(movie_file, seed=5)

    again = make_desk()
    again.open(movie_file)
    assert again.session.movie is None
    assert "another movie" in again.errors[0]
    again.open(project)
    assert again.missing == [project]
    assert "not the movie any more" in again.texts[-1]


def test_a_read_only_folder_gets_its_project_in_the_documents(desk, make_desk, movie_file, monkeypatch):
    # The tests may run as root, for whom no folder is read-only.
    monkeypatch.setattr("cellsam_desktop.project.link._writable", lambda folder: False)
    desk.open(movie_file)
    project = desk.session.movie.project_path
    assert project.parent == paths.documents_dir()
    assert str(project) in desk.texts[0]
    desk.add_cell(1)
    assert project.exists()
    desk.close()

    again = make_desk()
    again.open(movie_file)
    assert again.session.movie.document.cell_ids == [1]
    assert again.notices == []


def test_a_folder_of_images_is_a_movie(desk, tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for t in range(3):
        tifffile.imwrite(folder / f"img_{t:03d}.tif", np.full((20, 30), t + 1, np.uint8))
    desk.open(folder)
    desk.settle()
    assert desk.session.movie.info.sizes.t == 3
    desk.add_cell(1)
    assert desk.session.movie.project_path.parent == tmp_path


def test_other_axes_are_taken_over_and_remembered(desk, make_desk, tmp_path):
    file = tmp_path / "stack.tif"
    tifffile.imwrite(file, np.arange(5 * 20 * 30, dtype=np.uint16).reshape(5, 20, 30))
    desk.open(file)
    desk.session.navigation.go_to(3)
    assert desk.session.movie.info.sizes.t == 5
    desk.session.open_with_axes("ZYX")
    desk.settle()
    assert (desk.session.movie.info.sizes.t, desk.session.movie.info.sizes.z) == (1, 5)
    assert desk.session.view.index == PlaneIndex()
    desk.session.navigation.set_z(2)
    desk.add_cell(1, PlaneKey(0, 2))
    desk.close()

    again = make_desk()
    again.open(file)
    assert again.session.movie.info.stored_axes == "ZYX"
    assert again.session.view.z == 2
    again.session.open_with_axes("TYX")
    again.settle()
    assert again.session.movie.info.stored_axes == "ZYX"
    assert "other images" in again.texts[-1]


def test_axes_change_while_every_mask_stays_on_its_image(desk, make_desk, tmp_path):
    file = tmp_path / "stack.tif"
    tifffile.imwrite(file, np.arange(5 * 20 * 30, dtype=np.uint16).reshape(5, 20, 30))
    desk.open(file)
    desk.add_cell(1, PlaneKey(0))
    desk.session.open_with_axes("ZYX")
    desk.settle()
    assert desk.session.movie.info.stored_axes == "ZYX"
    assert desk.session.movie.document.cell_ids == [1]
    desk.close()
    again = make_desk()
    again.open(file)
    assert again.session.movie.info.stored_axes == "ZYX"
    assert not again.errors


def test_impossible_axes_are_one_sentence(desk, movie_file):
    desk.open(movie_file)
    movie = desk.session.movie
    desk.session.open_with_axes("TCZYX")
    desk.settle()
    assert desk.session.movie is movie
    assert len(desk.errors) == 1
