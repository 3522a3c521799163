"""``track``: from the masks of one frame to the layout of the Cell Tracking Challenge."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellsam_desktop.cli import main
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.curation.headless_track import Follower
from tests.conftest import Pair

FRAMES = slice(6, 9)


@pytest.fixture
def folder(tmp_path: Path, shared_home: Path, nuclei_movie: Pair, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three frames of nuclei, in which four divide, and the truth of the first."""
    monkeypatch.setenv("CELLSAM_HOME", str(shared_home))
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite("movie.tif", tifffile.imread(nuclei_movie.image)[FRAMES], photometric="minisblack")
    tifffile.imwrite("start.tif", tifffile.imread(nuclei_movie.labels)[FRAMES][0])
    return tmp_path


def truth(movie: Pair, t: int) -> np.ndarray:
    return tifffile.imread(movie.labels)[FRAMES][t]


def best_iou(labels: np.ndarray, mask: np.ndarray) -> float:
    """Of the label that covers most of the mask."""
    covering = np.bincount(labels[mask])
    covering[0] = 0
    if not covering.any():
        return 0.0
    found, true = Mask.from_array(labels == covering.argmax()), Mask.from_array(mask)
    return found.iou(true)


def test_nuclei_are_followed_and_their_divisions_found(folder: Path, nuclei_movie: Pair, capsys):
    words = ["movie.tif", "--start", "start.tif", "--out", "out", "--model", "vit_t", "--json", "e.json"]
    assert main(["track", *words]) == 0
    said = capsys.readouterr()
    assert "Frame 2 of 2" in said.err
    assert sorted(file.name for file in Path("out").iterdir()) == [
        *(f"mask00{t}.tif" for t in range(3)),
        "res_track.txt",
    ]
    assert np.array_equal(tifffile.imread("out/mask000.tif"), truth(nuclei_movie, 0))
    for t in (1, 2):
        true, labels = truth(nuclei_movie, t), tifffile.imread(f"out/mask00{t}.tif")
        ious = [best_iou(labels, true == i) for i in np.unique(true[true > 0])]
        assert np.mean(ious) > 0.9
    table = np.loadtxt("out/res_track.txt", dtype=int)
    mothers = [parent for *_, parent in table if parent]
    assert {6, 14} <= set(mothers)
    assert all(mothers.count(mother) == 2 for mother in mothers)
    divided = [event for event in json.loads(Path("e.json").read_text()) if "daughters" in event]
    assert {event["cell"] for event in divided} == set(mothers)
    assert all(0 < event["confidence"] <= 1 for event in divided)


def test_frames_before_the_start_stay_empty(folder: Path):
    assert (
        main(
            [
                "track",
                "movie.tif",
                "--start",
                "start.tif",
                "--start-frame",
                "2",
                "--out",
                "out",
                "--model",
                "vit_t",
            ]
        )
        == 0
    )
    assert tifffile.imread("out/mask000.tif").max() == 0
    assert tifffile.imread("out/mask002.tif").max() == 15


def test_what_was_followed_is_written_when_an_error_ends_the_way(folder: Path, monkeypatch, capsys):
    real = Follower.go_on

    def go_on(self: Follower, frame: int, image: np.ndarray) -> None:
        if frame == 2:
            raise ModelError("The model is gone: fetch it again.")
        real(self, frame, image)

    monkeypatch.setattr(Follower, "go_on", go_on)
    assert main(["track", "movie.tif", "--start", "start.tif", "--out", "out", "--model", "vit_t"]) == 2
    said = capsys.readouterr().err
    assert "The model is gone: fetch it again. The cells up to frame 1 are written to out." in said
    assert tifffile.imread("out/mask001.tif").any()
    assert not tifffile.imread("out/mask002.tif").any()


def test_a_folder_that_cannot_be_written_is_said_before_the_work(folder: Path, monkeypatch, capsys):
    Path("file").write_text("")
    monkeypatch.setattr(Follower, "go_on", lambda *_: pytest.fail("The work began."))
    assert main(["track", "movie.tif", "--start", "start.tif", "--out", "file/out", "--model", "vit_t"]) == 2
    said = capsys.readouterr().err
    assert "choose another folder" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["movie.tif", "--start", "nowhere.tif"], "nowhere.tif"),
        (["nowhere.tif", "--start", "start.tif"], "nowhere.tif"),
        (["movie.tif", "--start", "start.tif", "--start-frame", "3"], "movie.tif"),
        (["movie.tif", "--start", "start.tif", "--z", "1"], "movie.tif"),
        (["movie.tif", "--start", "small.tif"], "small.tif"),
        (["movie.tif", "--start", "empty.tif"], "empty.tif"),
        (["movie.tif", "--start", "start.tif", "--decoder", "."], "decoder.onnx"),
        (["movie.tif", "--start", "start.tif", "--decoder", "mine"], "mine"),
        (["movie.tif", "--start", "start.tif", "--json", "no/where.json"], "no"),
    ],
)
def test_mistakes_end_with_one_sentence(folder: Path, words, named, capsys):
    tifffile.imwrite("small.tif", np.ones((5, 5), np.uint16))
    tifffile.imwrite("empty.tif", np.zeros_like(tifffile.imread("start.tif")))
    assert main(["track", *words, "--out", "out"]) == 2
    said = capsys.readouterr().err
    assert named in said
    assert said.count("\n") == 1
    assert not Path("out").exists()
