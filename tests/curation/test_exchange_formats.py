from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellsam_desktop import cli
from cellsam_desktop.core.edits import AddDivision, AddTrack
from cellsam_desktop.core.errors import ExchangeError
from cellsam_desktop.curation.formats import FORMATS, recognise
from cellsam_desktop.project.importers.ctc import import_ctc
from cellsam_desktop.project.importers.tracks import document_of
from tests.project.made_tracks import assert_same, made_document

SIZES = (8, 1, 48, 64)
WITH_LINEAGE = ("ctc", "geff", "trackmate", "csv")


@pytest.fixture
def movie(movie_writer, tmp_path):
    return movie_writer(tmp_path / "movie.tif", frames=8)


def fill(desk) -> None:
    """The cells of the made document, in one step."""
    made = made_document()
    edits = [AddTrack(made.cell(cell), dict(made.track(cell))) for cell in made.cell_ids]
    edits += [AddDivision(mother, daughters) for mother, daughters in made.lineage.divisions()]
    assert desk.session.commit("Made", edits)


@pytest.mark.parametrize("name", WITH_LINEAGE)
def test_an_export_read_again_is_the_same_document(desk, make_desk, movie, tmp_path, name):
    desk.open(movie)
    fill(desk)
    path = tmp_path / f"out{FORMATS[name].ending}"
    desk.session.exchange.export_tracks(path, name)
    desk.settle()
    assert desk.texts[-1] == f"Cells written to {path}."
    document = desk.session.movie.document
    desk.session.undo()
    assert len(document) == 0
    desk.session.exchange.import_tracks(path)
    desk.settle()
    assert_same(document, made_document(), names=name != "ctc")
    assert desk.texts[-1] == f"Imported 7 cells with 22 masks and 2 divisions from {path.name}."
    desk.session.undo()
    assert len(document) == 0
    desk.session.redo()
    assert_same(document, made_document(), names=name != "ctc")


@pytest.mark.parametrize("name", WITH_LINEAGE)
def test_into_a_document_with_cells_they_come_under_new_ids(desk, movie, tmp_path, name):
    desk.open(movie)
    fill(desk)
    path = tmp_path / f"out{FORMATS[name].ending}"
    desk.session.exchange.export_tracks(path, name)
    desk.settle()
    desk.session.exchange.import_tracks(path)
    desk.settle()
    document = desk.session.movie.document
    assert len(document) == 14
    assert len(list(document.lineage.divisions())) == 4
    assert all(document.track(cell) for cell in document.cell_ids)
    assert "7 of them got new ids" in desk.texts[-1]


@pytest.mark.parametrize("name", FORMATS)
def test_a_cancelled_export_leaves_nothing(desk, movie, tmp_path, name):
    desk.open(movie)
    fill(desk)
    before = sorted(entry.name for entry in tmp_path.iterdir())
    desk.session.jobs.runner.started.connect(lambda job: job.cancel())
    desk.session.exchange.export_tracks(tmp_path / "out", name)
    desk.settle()
    assert desk.texts[-1] == "Exporting out was cancelled."
    assert sorted(entry.name for entry in tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", FORMATS)
def test_a_cancelled_import_changes_nothing(desk, movie, tmp_path, name):
    desk.open(movie)
    fill(desk)
    path = tmp_path / f"out{FORMATS[name].ending}"
    desk.session.exchange.export_tracks(path, name)
    desk.settle()
    desk.session.undo()
    desk.session.jobs.runner.started.connect(lambda job: job.cancel())
    desk.session.exchange.import_tracks(path)
    desk.settle()
    assert desk.texts[-1] == f"Importing {path.name} was cancelled."
    assert len(desk.session.movie.document) == 0


def test_what_holds_no_cells_is_one_sentence(desk, movie, tmp_path):
    desk.open(movie)
    (tmp_path / "notes.docx").write_text("")
    (tmp_path / "empty.csv").write_text("frame,id,x,y\n")
    (tmp_path / "folder").mkdir()
    for name in ("notes.docx", "empty.csv", "folder"):
        desk.session.exchange.import_tracks(tmp_path / name)
        desk.settle()
    assert "notes.docx is in no format that holds cells" in desk.texts[0]
    assert desk.texts[1] == "empty.csv holds no cells: choose another file."
    assert "folder holds no masks of the Cell Tracking Challenge" in desk.texts[2]
    assert len(desk.session.movie.document) == 0


def test_formats_are_recognised(tmp_path):
    (tmp_path / "a.geff").mkdir()
    (tmp_path / "a.geff" / ".zattrs").write_text('{"geff": {}}')
    names = {
        "a.geff": "geff",
        "x.XML": "trackmate",
        "b.csv": "csv",
        "c.TIF": "labels",
        "res_track.txt": "ctc",
    }
    assert {name: recognise(tmp_path / name).name for name in names} == names
    assert recognise(tmp_path).name == "ctc"
    with pytest.raises(ExchangeError, match="in no format"):
        recognise(tmp_path / "movie.mp4")


@pytest.mark.parametrize("name", FORMATS)
def test_a_project_is_exported_without_a_window(desk, movie, tmp_path, capsys, name):
    desk.open(movie)
    fill(desk)
    project = desk.session.movie.project_path
    desk.close()
    path = tmp_path / f"out{FORMATS[name].ending}"
    assert cli.main(["export", str(project), "--to", name, "--out", str(path)]) == 0
    assert "7 cells written to" in capsys.readouterr().out
    if name == "ctc":
        assert_same(document_of(import_ctc(path, SIZES)), made_document(), names=False)
    elif name == "labels":
        assert set(np.unique(tifffile.imread(path))) == {0, 2, 7, 9, 11, 12, 20, 31}
    else:
        assert path.exists()
