from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from pycocotools import mask as coco

from cellsam_desktop.cli import main
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddCell, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source
from cellsam_desktop.project.importers.labels import masks_of
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.store import ProjectStore, everything

HEIGHT, WIDTH, FRAMES = 220, 300, 3
CELLS = {1: (80, 60, 22), 2: (200, 90, 30), 3: (110, 165, 26)}


def disc(cell_id: int, t: int) -> np.ndarray:
    x, y, radius = CELLS[cell_id]
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return (rows - y) ** 2 + (columns - x - 6 * t) ** 2 <= radius**2


def write_movie(path: Path) -> None:
    """Bright discs that move right, 16 bit, with blur and noise."""
    random = np.random.default_rng(3)
    movie = np.empty((FRAMES, HEIGHT, WIDTH), np.uint16)
    for t in range(FRAMES):
        signal = 2000.0 * sum(disc(cell_id, t) for cell_id in CELLS)
        movie[t] = 500 + signal + random.normal(0, 60, signal.shape)
    metadata = {"axes": "TYX", "unit": "um", "finterval": 30.0}
    tifffile.imwrite(path, movie, imagej=True, resolution=(4.0, 4.0), metadata=metadata)


@pytest.fixture
def folder(tmp_path: Path, shared_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a movie, which is the current one."""
    monkeypatch.setenv("CELLSAM_HOME", str(shared_home))
    monkeypatch.chdir(tmp_path)
    write_movie(tmp_path / "movie.tif")
    return tmp_path


def write_prompts(*entries: dict) -> None:
    Path("PROMPTS.json").write_text(json.dumps(entries))


def click(cell_id: int, t: int = 1, **more: object) -> dict:
    x, y, _ = CELLS[cell_id]
    return {"id": cell_id, "frame": t, "points": [{"x": x + 6 * t, "y": y, "label": 1}], **more}


def box(cell_id: int, t: int = 1) -> dict:
    x, y, radius = CELLS[cell_id]
    return {
        "id": cell_id,
        "frame": t,
        "box": [x + 6 * t - radius, y - radius, x + 6 * t + radius, y + radius],
    }


def segment(*more: str) -> int:
    return main(["segment", "movie.tif", "--prompts", "PROMPTS.json", "--out", "labels.tif", *more])


def iou(first: np.ndarray, second: np.ndarray) -> float:
    return np.count_nonzero(first & second) / np.count_nonzero(first | second)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in pycocotools
def test_labels_metrics_and_masks(folder: Path, capsys):
    write_prompts(click(2), box(1), click(3, t=2))
    assert segment("--json", "metrics.json", "--coco", "masks.json") == 0
    labels = tifffile.imread("labels.tif")
    assert (labels.shape, labels.dtype) == ((HEIGHT, WIDTH), np.uint16)
    assert np.unique(labels).tolist() == [0, 1, 2]
    assert all(iou(labels == cell_id, disc(cell_id, 1)) > 0.9 for cell_id in (1, 2))

    metrics = json.loads(Path("metrics.json").read_text())
    assert [entry["id"] for entry in metrics] == [2, 1]
    for entry in metrics:
        rows, columns = np.nonzero(labels == entry["id"])
        assert entry["area"] == rows.size
        assert entry["centroid"] == pytest.approx([columns.mean(), rows.mean()])
        assert entry["box"] == [columns.min(), rows.min(), columns.max(), rows.max()]
        assert 0.8 < entry["predicted_iou"] < 1.1

    masks = json.loads(Path("masks.json").read_text())
    assert masks["images"] == [{"id": 1, "file_name": "movie.tif", "height": HEIGHT, "width": WIDTH}]
    for entry in masks["annotations"]:
        assert np.array_equal(coco.decode(entry["segmentation"]) > 0, labels == entry["id"])

    said = capsys.readouterr()
    assert "2 cells of frame 1" in said.out
    assert "1 of 3 entries" in said.err
    with tifffile.TiffFile("labels.tif") as file:
        numerator, denominator = file.pages[0].tags["XResolution"].value
        assert denominator / numerator == pytest.approx(0.25)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in pycocotools
def test_where_masks_overlap_the_higher_predicted_iou_wins(folder: Path):
    wide = click(2, points=[])
    wide["box"] = [150, 40, 280, 140]
    write_prompts(click(2), {**wide, "id": 70_000})
    assert segment("--json", "metrics.json", "--coco", "masks.json") == 0
    labels = tifffile.imread("labels.tif")
    assert labels.dtype == np.uint32
    found = {entry["id"]: entry["predicted_iou"] for entry in json.loads(Path("metrics.json").read_text())}
    masks = {
        entry["id"]: coco.decode(entry["segmentation"]) > 0
        for entry in json.loads(Path("masks.json").read_text())["annotations"]
    }
    both = masks[2] & masks[70_000]
    assert both.any()
    assert np.unique(labels[both]).tolist() == [max(found, key=found.__getitem__)]
    assert np.array_equal(labels > 0, masks[2] | masks[70_000])


def test_a_second_run_gives_the_same_and_loads_no_torch(folder: Path):
    write_prompts(click(1), click(2))
    assert segment() == 0
    first = tifffile.imread("labels.tif")
    code = (
        "import sys; from cellsam_desktop.cli import main; assert main(sys.argv[1:]) == 0; "
        "sys.exit(10 * ('torch' in sys.modules or 'PySide6' in sys.modules))"
    )
    words = ["segment", "movie.tif", "--prompts", "PROMPTS.json", "--out", "again.tif"]
    assert subprocess.run([sys.executable, "-c", code, *words]).returncode == 0
    assert np.array_equal(tifffile.imread("again.tif"), first)


def test_no_prompts_give_empty_labels(folder: Path):
    write_prompts()
    assert segment("--frame", "2") == 0
    labels = tifffile.imread("labels.tif")
    assert labels.shape == (HEIGHT, WIDTH)
    assert not labels.any()


@pytest.mark.parametrize(
    ("prompts", "more", "words"),
    [
        ("{", [], "not valid JSON"),
        ([click(1), click(1)], [], "cell 1 twice"),
        ([click(1, points=[{"x": WIDTH, "y": 5, "label": 1}])], [], "outside"),
        ([click(1, t=3)], [], "frames 0 to 2"),
        ([click(1)], ["--frame", "3"], "frames 0 to 2"),
        ([click(1)], ["--z", "1"], "z"),
        ([click(1)], ["--channel", "1"], "channel"),
        ([click(1)], ["--model", "nonsense"], "nonsense"),
        ([click(1)], ["--json", "nowhere/metrics.json"], "nowhere"),
    ],
)
def test_mistakes_end_with_code_2_and_one_sentence(folder: Path, capsys, prompts, more, words):
    if isinstance(prompts, str):
        Path("PROMPTS.json").write_text(prompts)
    else:
        write_prompts(*prompts)
    assert segment(*more) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert said.err.count("\n") == 1
    assert said.err.endswith(".\n")
    assert said.out == ""
    assert sorted(path.name for path in folder.iterdir()) == ["PROMPTS.json", "movie.tif"]


def test_missing_files_end_with_code_2(folder: Path, capsys):
    assert segment() == 2
    assert "PROMPTS.json" in capsys.readouterr().err
    write_prompts(click(1))
    Path("movie.tif").unlink()
    assert segment() == 2
    assert "movie.tif" in capsys.readouterr().err


def test_a_real_image_against_its_truth(folder: Path, bbbc039):
    pair, labels = bbbc039[0], Path("labels.tif")
    truth = dict(list(masks_of(tifffile.imread(pair.labels), pair.labels))[:12])
    entries = []
    for cell_id, mask in truth.items():
        region = mask.region
        entries.append({"id": cell_id, "box": [region.x0, region.y0, region.x1 - 1, region.y1 - 1]})
    write_prompts(*entries)
    assert main(["segment", str(pair.image), "--prompts", "PROMPTS.json", "--out", str(labels)]) == 0
    found = dict(masks_of(tifffile.imread(labels), labels))
    assert np.mean([mask.iou(found[cell_id]) for cell_id, mask in truth.items()]) > 0.8


def test_export_of_a_project(folder: Path, capsys):
    document = Document(Calibration(0.25, None, 30.0))
    mask = Mask.from_array(disc(1, 1))
    assert mask is not None
    record = MaskRecord(mask, Source.CLICK, 0.9)
    History(document).commit("one", [AddCell(Cell(4, "AB")), SetMask(4, PlaneKey(1), record)])
    project = Path("movie.tif.cellsam")
    link = MovieLink(folder / "movie.tif", "f", None, (FRAMES, 1, 1, HEIGHT, WIDTH))
    with ProjectStore.create(project, link, document.calibration) as store:
        store.save(document, everything(document))
        assert main(["export", str(project), "--to", "csv", "--out", "cells.csv"]) == 2
        assert "open in another window" in capsys.readouterr().err
    assert main(["export", str(project), "--to", "labels", "--out", "labels.tif"]) == 0
    labels = tifffile.imread("labels.tif")
    assert labels.shape == (FRAMES, HEIGHT, WIDTH)
    assert np.array_equal(labels[1] == 4, disc(1, 1))
    assert not labels[[0, 2]].any()
    assert main(["export", str(project), "--to", "csv", "--out", "cells.csv"]) == 0
    with Path("cells.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["frame"], row["time_s"], row["id"], row["name"]) == ("1", "30.0", "4", "AB")
    assert float(row["centroid_x_um"]) == pytest.approx(86 / 4)
    assert main(["export", "nowhere.cellsam", "--to", "csv", "--out", "cells.csv"]) == 2


def test_demo(folder: Path, capsys):
    assert main(["demo", "--headless", "--out", "results"]) == 0
    said = capsys.readouterr().out
    score = float(said.split("mean IoU with the truth ")[1].split()[0])
    assert score > 0.9
    results = Path("results")
    assert {"demo.cellsam", "labels.tif", "cells.csv", "overlay.png"} <= {p.name for p in results.iterdir()}
    truth = tifffile.imread(results / "embryo_tracks.tif", key=0)
    labels = tifffile.imread(results / "labels.tif", key=0)
    assert set(np.unique(labels)) == set(np.unique(truth))
    with ProjectStore.open(results / "demo.cellsam") as store:
        assert store.link.path == (results / "embryo.tif").resolve()
        assert len(store.load()) == np.unique(truth).size - 1
    made = (results / "embryo.tif").stat().st_mtime_ns
    assert main(["demo", "--headless", "--out", "results"]) == 0
    assert (results / "embryo.tif").stat().st_mtime_ns == made
    assert capsys.readouterr().out in said
