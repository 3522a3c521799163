from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellsam_desktop import cli
from cellsam_desktop.core.document import Document
from cellsam_desktop.curation import headless_link
from cellsam_desktop.project.ctc_table import read_table
from cellsam_desktop.project.exporters.ctc import TRUTH, export_ctc
from tests.project.made_tracks import SIZES, made_document


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    folder = tmp_path / "01_GT"
    export_ctc(folder / "TRA", made_document(), SIZES, naming=TRUTH)
    return folder


@pytest.fixture
def result(tmp_path: Path) -> Path:
    export_ctc(tmp_path / "01_RES", made_document(), SIZES)
    return tmp_path / "01_RES"


def shuffled(labels: np.ndarray, path: Path) -> Path:
    rng = np.random.default_rng(1)
    out = np.zeros_like(labels)
    for t, plane in enumerate(labels):
        ids = np.unique(plane)[1:]
        for old, new in zip(ids, rng.permutation(len(ids)) + 1, strict=True):
            out[t][plane == old] = new
    tifffile.imwrite(path, out, imagej=True, metadata={"axes": "TYX"})
    return path


def score(*words: object) -> int:
    return cli.main(["score", *map(str, words)])


def test_shuffled_bacteria_are_linked_and_scored(tmp_path, bacteria_movie, bacteria_divisions, capsys):
    labels = shuffled(tifffile.imread(bacteria_movie.labels), tmp_path / "labels.tif")
    out, measures = tmp_path / "res", tmp_path / "score.json"
    assert cli.main(["link", str(labels), "--movie", str(bacteria_movie.image), "--out", str(out)]) == 0
    assert "216 masks on 26 frames are 36 cells with 17 divisions" in capsys.readouterr().out
    words = [
        "--gt",
        bacteria_movie.labels,
        "--gt-lineage",
        bacteria_divisions,
        "--res",
        out,
        "--json",
        measures,
    ]
    assert score(*words) == 0
    assert "LNK          1.0000" in capsys.readouterr().out
    values = json.loads(measures.read_text())
    assert values["DET"] == values["SEG"] == 1.0
    assert values["LNK"] >= 0.99
    assert values["division_f1"] >= 0.9
    assert values["implementation"].startswith("py-ctcmetrics")


def test_a_folder_that_cannot_be_written_is_said_before_linking(tmp_path, nuclei_movie, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(headless_link, "link", lambda *_: pytest.fail("The work began."))
    words = ["link", str(nuclei_movie.labels), "--out", str(tmp_path / "file" / "res")]
    assert cli.main(words) == cli.EXIT_USER_ERROR
    assert "choose another folder" in capsys.readouterr().err


def test_without_a_lineage_divisions_count_neither_way(tmp_path, nuclei_movie):
    labels = shuffled(tifffile.imread(nuclei_movie.labels), tmp_path / "labels.tif")
    assert cli.main(["link", str(labels), "--out", str(tmp_path / "res")]) == 0
    assert sum(row.parent > 0 for row in read_table(tmp_path / "res" / "res_track.txt")) == 12
    assert score("--gt", nuclei_movie.labels, "--res", tmp_path / "res", "--json", tmp_path / "s.json") == 0
    values = json.loads((tmp_path / "s.json").read_text())
    assert values["LNK"] == values["TRA"] == 1.0
    assert values["division_f1"] is None
    assert values["divisions"] == {"right": None, "wrong": None, "missed": None}


def test_folders_are_scored_and_what_is_wrong_costs(tmp_path, truth, result):
    assert score("--gt", truth, "--res", result, "--json", tmp_path / "a.json") == 0
    perfect = json.loads((tmp_path / "a.json").read_text())
    assert (perfect["DET"], perfect["SEG"], perfect["TRA"], perfect["LNK"]) == (1.0, 1.0, 1.0, 1.0)
    assert perfect["divisions"] == {"right": 2, "wrong": 0, "missed": 0}
    table = result / "res_track.txt"
    table.write_text(table.read_text().replace("11 7 7 7", "11 7 7 0").replace("12 6 7 7", "12 6 7 0"))
    assert score("--gt", truth / "TRA", "--res", result, "--json", tmp_path / "b.json") == 0
    worse = json.loads((tmp_path / "b.json").read_text())
    assert worse["division_f1"] == pytest.approx(2 / 3, abs=1e-3)
    assert worse["LNK"] < 1.0


def test_segmentation_truth_is_used_where_there_is_one(tmp_path, truth, result):
    (truth / "SEG").mkdir()
    plane = tifffile.imread(truth / "TRA" / "man_track003.tif")
    plane[:, :30] = 0
    tifffile.imwrite(truth / "SEG" / "man_seg003.tif", np.roll(plane, 1, axis=1))
    assert score("--gt", truth, "--res", result, "--json", tmp_path / "a.json") == 0
    values = json.loads((tmp_path / "a.json").read_text())
    assert values["SEG"] < 1.0
    assert values["TRA"] == 1.0


def test_results_without_tracks_score_nothing(tmp_path, truth):
    export_ctc(tmp_path / "res", Document(), SIZES)
    assert score("--gt", truth, "--res", tmp_path / "res", "--json", tmp_path / "s.json") == 0
    values = json.loads((tmp_path / "s.json").read_text())
    assert [values[name] for name in ("DET", "SEG", "TRA", "LNK", "division_f1")] == [0.0] * 5
    assert values["divisions"] == {"right": 0, "wrong": 0, "missed": 2}


@pytest.mark.parametrize(("frames", "counted"), [(1, "1 frame"), (8, "8 frames")])
def test_a_truth_without_tracks_is_one_sentence(tmp_path, result, capsys, frames, counted):
    document = made_document() if frames == 1 else Document()
    export_ctc(tmp_path / "gt", document, (frames, *SIZES[1:]), naming=TRUTH)
    export_ctc(result, made_document(), (frames, *SIZES[1:]))
    code = score("--gt", tmp_path / "gt", "--res", result, "--json", tmp_path / "s.json")
    assert code == cli.EXIT_USER_ERROR
    assert f"on {counted}: choose one with tracks on two frames" in capsys.readouterr().err


def spoil_table(folder: Path) -> None:
    (folder / "res_track.txt").write_text("2 0 2 0\n2 1 2 0\n")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "mask007.tif").unlink(), "holds 7 frames, up to 6"),
        (lambda folder: (folder / "res_track.txt").unlink(), "neither res_track.txt"),
        (lambda folder: (folder / "mask002.tif").write_bytes(b"text"), "mask002.tif cannot be read"),
        (lambda folder: tifffile.imwrite(folder / "mask002.tif", np.ones((4, 4), np.uint8)), "(4, 4)"),
        (spoil_table, "break the rules"),
        (lambda folder: (folder / "res_track.txt").write_text("2 0 2 99\n"), "names the parent 99"),
        (shutil.rmtree, "holds no masks"),
    ],
)
def test_results_that_cannot_be_scored_are_one_sentence(tmp_path, truth, result, capsys, spoil, words):
    spoil(result)
    assert score("--gt", truth, "--res", result, "--json", tmp_path / "s.json") == cli.EXIT_USER_ERROR
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not (tmp_path / "s.json").exists()


def test_a_missing_package_is_one_sentence(tmp_path, truth, result, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ctc_metrics.scripts", None)
    assert score("--gt", truth, "--res", result, "--json", tmp_path / "s.json") == cli.EXIT_USER_ERROR
    assert "pip install py-ctcmetrics" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("labels", "movie", "words"),
    [
        ("absent.tif", None, "absent.tif does not exist"),
        ("labels.tif", "small.tif", "choose the movie of these labels"),
        ("text.tif", None, "text.tif is not an image"),
    ],
)
def test_what_cannot_be_linked_is_one_sentence(tmp_path, capsys, labels, movie, words):
    tifffile.imwrite(
        tmp_path / "labels.tif", np.ones((3, 9, 9), np.uint8), imagej=True, metadata={"axes": "TYX"}
    )
    tifffile.imwrite(
        tmp_path / "small.tif", np.ones((3, 5, 5), np.uint8), imagej=True, metadata={"axes": "TYX"}
    )
    (tmp_path / "text.tif").write_text("no image")
    words_in = ["link", str(tmp_path / labels), "--out", str(tmp_path / "res")]
    words_in += [] if movie is None else ["--movie", str(tmp_path / movie)]
    assert cli.main(words_in) == cli.EXIT_USER_ERROR
    assert words in capsys.readouterr().err
    assert not (tmp_path / "res").exists()
