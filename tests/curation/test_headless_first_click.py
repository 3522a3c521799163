"""``segment`` looks and chooses as the window does; told to, as the reference does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellsam_desktop.cli import main
from cellsam_desktop.core.errors import ExchangeError
from cellsam_desktop.core.geometry import PlaneIndex, PlaneKey, Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.curation.headless_accepted import Accepted
from cellsam_desktop.curation.headless_model import REFERENCE, HeadlessModel
from cellsam_desktop.curation.headless_segment import read_model_image
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.project.importers.labels import masks_of
from cellsam_desktop.sam.postprocess import logits_to_mask
from cellsam_desktop.sam.transforms import InputGeometry
from tests.conftest import Pair

FRAME = 20


@pytest.fixture
def folder(tmp_path: Path, shared_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CELLSAM_HOME", str(shared_home))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def colony(bacteria_movie: Pair) -> np.ndarray:
    """A crowded frame as the encoder sees it."""
    with open_source(bacteria_movie.image) as source:
        return read_model_image(source, PlaneIndex(FRAME))


@pytest.fixture(scope="session")
def truth(bacteria_movie: Pair) -> dict[int, Mask]:
    return dict(masks_of(tifffile.imread(bacteria_movie.labels, key=FRAME), bacteria_movie.labels))


def click(mask: Mask) -> Prompts:
    """A click in the middle, which the elongated cells here hold."""
    x, y = mask.centroid
    return Prompts((Point(round(x), round(y)),))


def iou(mask: Mask | None, truth: Mask) -> float:
    return 0.0 if mask is None else mask.iou(truth)


def write_prompts(truth: dict[int, Mask], ids: list[int]) -> None:
    entries = [{"id": i, "frame": FRAME, **click(truth[i]).to_json()} for i in ids]
    Path("PROMPTS.json").write_text(json.dumps(entries))


def segment(image: Path, *more: str) -> tuple[int, np.ndarray, list[dict]]:
    words = ["segment", str(image), "--prompts", "PROMPTS.json", "--out", "l.tif", "--json", "m.json", *more]
    code = main(words)
    if code:
        return code, np.empty(0), []
    return code, tifffile.imread("l.tif"), json.loads(Path("m.json").read_text())


def test_the_reference_mode_is_the_decoders_own_answer(folder: Path, colony, truth):
    model = HeadlessModel.load()
    whole = Region.whole(*colony.shape[:2])
    look = model.decoder.prepare(model.embedding(colony))
    box = Prompts((), Box(400, 300, 480, 390))
    for prompts in [*map(click, list(truth.values())[:3]), box]:
        expected = model.decoder.decode(look, InputGeometry(whole), prompts).candidates[0]
        found = model.find(colony, prompts, way=REFERENCE)
        mask = logits_to_mask(expected.logits, InputGeometry(whole))
        assert (found.predicted_iou, found.crop) == (expected.predicted_iou, None)
        assert found.mask.same_pixels(mask)


def test_accepted_cells_and_crops_make_crowded_bacteria_right(folder: Path, bacteria_movie, truth):
    ids, known = list(truth)[:4], list(truth)[4:8]
    write_prompts(truth, ids)
    accepted = np.zeros(tifffile.imread(bacteria_movie.labels, key=FRAME).shape, np.uint16)
    for cell_id in known:
        accepted[truth[cell_id].to_plane(*accepted.shape)] = cell_id
    tifffile.imwrite("accepted.tif", accepted)
    code, plain, plain_metrics = segment(
        bacteria_movie.image, "--crop", "none", "--candidate", "predicted-iou"
    )
    assert code == 0
    code, ours, metrics = segment(bacteria_movie.image, "--accepted", "accepted.tif")
    assert code == 0

    def mean(labels: np.ndarray) -> float:
        return float(np.mean([iou(Mask.from_array(labels == i), truth[i]) for i in ids]))

    assert mean(ours) > mean(plain) + 0.3
    assert all("look" not in entry for entry in plain_metrics)
    for entry in metrics:
        left, top, right, bottom = entry["look"]
        assert (right - left, bottom - top) in ((511, 511), (255, 255))  # at their scale, or closer
        assert left <= entry["box"][0]
        assert entry["box"][2] <= right


def test_each_answer_is_independent_of_the_others(folder: Path, bacteria_movie, truth):
    ids = list(truth)[:3]
    write_prompts(truth, ids)
    _, _, together = segment(bacteria_movie.image)
    write_prompts(truth, ids[::-1])
    _, _, backwards = segment(bacteria_movie.image)
    assert together == backwards[::-1]
    write_prompts(truth, ids[1:2])
    _, _, [alone] = segment(bacteria_movie.image)
    assert alone == together[1]


def labels_movie(path: Path, *shape: int, value: int = 7) -> Path:
    labels = np.zeros(shape, np.uint16)
    labels[..., 10:20, 10:30] = value
    tifffile.imwrite(path, labels)
    return path


def test_accepted_cells_of_one_plane_are_of_the_plane_segmented(tmp_path: Path):
    path = labels_movie(tmp_path / "one.tif", 40, 50)
    accepted = Accepted.read(path, (9, 1, 40, 50), PlaneKey(4))
    assert [facts.area for facts in accepted.facts] == [200]
    assert [mask.area for mask in accepted.knowledge(1).taken] == [200]
    assert accepted.knowledge(7).taken == []
    assert len(accepted.knowledge(7).cells) == 1


def test_accepted_cells_of_a_movie_teach_most_where_they_are_near(tmp_path: Path):
    labels = np.zeros((100, 40, 50), np.uint16)
    for t in range(100):
        labels[t, 5:15, : t // 5 + 1] = 3
    tifffile.imwrite(tmp_path / "all.tif", labels)
    accepted = Accepted.read(tmp_path / "all.tif", (100, 1, 40, 50), PlaneKey(90))
    assert len(accepted.facts) == 64
    assert min(facts.area for facts in accepted.facts) == 10 * (36 // 5 + 1)
    assert [mask.area for mask in accepted.knowledge(1).taken] == [190]


@pytest.mark.parametrize(
    ("shape", "colours", "words"),
    [
        ((40, 51), "minisblack", "51 x 40"),
        ((5, 40, 50), "minisblack", "5 frames"),
        ((40, 50, 3), "rgb", "colour"),
    ],
)
def test_accepted_cells_of_another_image_are_refused(tmp_path: Path, shape, colours, words):
    tifffile.imwrite(tmp_path / "other.tif", np.zeros(shape, np.uint8), photometric=colours)
    with pytest.raises(ExchangeError, match=words):
        Accepted.read(tmp_path / "other.tif", (9, 1, 40, 50), PlaneKey(0))


def test_mistakes_in_the_new_options_end_with_code_2(folder: Path, bacteria_movie, truth, capsys):
    write_prompts(truth, list(truth)[:1])
    labels_movie(folder / "small.tif", 40, 50)
    for more in (["--accepted", "small.tif"], ["--accepted", "nowhere.tif"]):
        assert segment(bacteria_movie.image, *more)[0] == 2
        said = capsys.readouterr()
        assert more[1] in said.err
        assert said.err.count("\n") == 1
    for more in (["--crop", "some"], ["--candidate", "best"]):
        with pytest.raises(SystemExit) as ended:
            segment(bacteria_movie.image, *more)
        assert ended.value.code == 2
    assert not Path("l.tif").exists()
