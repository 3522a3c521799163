from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tifffile

from cellsam_desktop.core.edits import AddDivision, AddTrack, ChangeCell
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from tests.analysis.test_relinking import crossed


@pytest.fixture
def labels(tmp_path):
    """Two cells over six frames whose labels change from frame to frame."""
    pixels = np.zeros((6, 48, 64), np.uint16)
    for t in range(6):
        one, two = (1, 2) if t % 2 else (2, 1)
        pixels[t, 4:14, 2 + 3 * t : 12 + 3 * t] = one
        pixels[t, 30:40, 40 - 3 * t : 50 - 3 * t] = two
    tifffile.imwrite(tmp_path / "labels.tif", pixels, imagej=True, metadata={"axes": "TYX"})
    return tmp_path / "labels.tif"


def rows(document, cell):
    return {record.mask.y0 for record in document.track(cell).values()}


def test_imported_labels_are_linked_in_one_step(desk, movie_file, labels):
    desk.open(movie_file)
    desk.session.exchange.import_labels(labels)
    desk.settle()
    document = desk.session.movie.document
    assert rows(document, 1) == {4, 30}
    desk.session.linking.link_all()
    desk.settle()
    assert desk.texts[-1] == "Linked 2 cells with 0 divisions."
    assert document.cell_ids == [1, 2]
    assert len(rows(document, 1)) == len(rows(document, 2)) == 1
    desk.session.linking.link_all()
    desk.settle()
    assert desk.texts[-1] == "Linking finds the cells as they are."
    desk.session.undo()
    assert rows(document, 1) == {4, 30}
    desk.session.redo()
    assert len(rows(document, 1)) == 1


@pytest.mark.parametrize("bright_goes", ["up", "down"])
def test_brightness_tells_cells_apart_that_places_do_not(desk, tmp_path, bright_goes):
    """Both cells are as far from either place on the second frame; places are (y, x)."""
    bright, dark = ((12, 20), (28, 20)) if bright_goes == "up" else ((28, 20), (12, 20))
    pixels, masks = np.zeros((2, 48, 64), np.uint16), np.zeros((2, 48, 64), np.uint16)
    for t, where in enumerate((((20, 12), (20, 28)), (bright, dark))):
        for label, ((y, x), grey) in enumerate(zip(where, (3000, 1000), strict=True), start=1):
            pixels[t, y : y + 10, x : x + 10] = grey
            masks[t, y : y + 10, x : x + 10] = label if t == 0 else 3 - label
    for name, stack in (("movie", pixels), ("labels", masks)):
        tifffile.imwrite(tmp_path / f"{name}.tif", stack, imagej=True, metadata={"axes": "TYX"})
    desk.open(tmp_path / "movie.tif")
    desk.session.exchange.import_labels(tmp_path / "labels.tif")
    desk.settle()
    document = desk.session.movie.document
    desk.session.linking.link_all()
    desk.settle()
    assert [document.record(1, PlaneKey(t)).mask.y0 for t in (0, 1)] == [20, bright[0]]
    assert [document.record(2, PlaneKey(t)).mask.y0 for t in (0, 1)] == [20, dark[0]]


def test_locked_cells_and_families_stay_as_they_are(desk, movie_file, labels):
    desk.open(movie_file)
    desk.session.exchange.import_labels(labels)
    desk.settle()
    document = desk.session.movie.document
    for cell in (11, 12, 13):
        desk.add_cell(cell, PlaneKey(0 if cell == 11 else 1), x=cell)
    desk.session.commit("Divide", [AddDivision(11, (12, 13))])
    desk.session.commit("Lock", [ChangeCell(replace(document.cell(i), locked=True)) for i in (1, 2)])
    desk.session.linking.link_all()
    desk.settle()
    assert "There is nothing to link" in desk.texts[-1]
    assert rows(document, 1) == {4, 30}
    assert document.lineage.daughters(11) == (12, 13)


def test_a_swap_is_mended_from_here_on(desk, movie_file):
    desk.open(movie_file)
    document = desk.session.movie.document
    edits = [
        AddTrack(Cell(cell), {PlaneKey(t): MaskRecord(masks[0], Source.CLICK) for t, masks in track.items()})
        for cell, track in crossed(3, range(6)).items()
    ]
    desk.session.commit("Made", edits)
    desk.session.navigation.go_to(3)
    desk.session.view.set(selection=(1,))
    desk.session.linking.relink_here()
    desk.settle()
    assert rows(document, 1) == {0}
    assert rows(document, 2) == {40}
    assert desk.session.movie.history.undo_name == "Link anew from here"
    desk.session.undo()
    assert rows(document, 1) == {0, 40}


def test_it_can_be_cancelled(desk, movie_file, labels):
    desk.open(movie_file)
    desk.session.exchange.import_labels(labels)
    desk.settle()
    desk.session.jobs.runner.started.connect(lambda job: job.cancel())
    desk.session.linking.link_all()
    desk.settle()
    assert desk.texts[-1] == "Link cells over time was cancelled."
    assert rows(desk.session.movie.document, 1) == {4, 30}


def test_what_changed_meanwhile_is_not_overwritten(desk, movie_file, labels):
    desk.open(movie_file)
    desk.session.exchange.import_labels(labels)
    desk.settle()
    desk.session.linking.link_all()
    desk.session.undo()  # the import, before the job has ended
    desk.settle()
    assert len(desk.session.movie.document) == 0
    assert desk.texts[-1] == "The cells to link are gone by now: nothing was linked."


def test_a_cell_begun_meanwhile_keeps_its_id_to_itself(desk, movie_file, tmp_path):
    """One label for what is one cell at first and another one, far away, from the fourth frame on."""
    pixels = np.zeros((6, 48, 64), np.uint16)
    pixels[:3, 4:14, 4:14] = 1
    pixels[3:, 34:44, 50:60] = 1
    tifffile.imwrite(tmp_path / "one.tif", pixels, imagej=True, metadata={"axes": "TYX"})
    desk.open(movie_file)
    desk.session.exchange.import_labels(tmp_path / "one.tif")
    desk.settle()
    document = desk.session.movie.document
    desk.session.linking.link_all()
    desk.add_cell(2, PlaneKey(0), x=30, y=20)  # before the job has ended
    desk.settle()
    assert desk.texts[-1] == "Linked 2 cells with 0 divisions."
    assert {i: document.frames(i) for i in document.cell_ids} == {1: [0, 1, 2], 2: [0], 3: [3, 4, 5]}


def test_a_refusal_is_all_that_is_said(desk, movie_file, labels):
    desk.open(movie_file)
    desk.session.exchange.import_labels(labels)
    desk.settle()
    desk.session.linking.link_all()
    desk.session.editing.set_locked([1], True)  # before the job has ended
    desk.settle()
    assert "is locked" in desk.texts[-1]
