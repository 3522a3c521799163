"""Projects as training data: who stands behind which mask, which image, which prompts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddCell, MarkComplete, MarkSeen, SetMask
from cellsam_desktop.core.geometry import PlaneIndex, PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.images.contrast import Contrast, model_image
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.store import ProjectStore, everything
from training.data import load
from training.frames import DataError, Frame

SHAPE = (4, 2, 40, 60)  # T, C, Y, X
CLICKED = Prompts((Point(8, 8), Point(30, 30, positive=False)), Box(3, 3, 14, 13))

HOLD = """
import sys
from pathlib import Path
from cellsam_desktop.project.store import ProjectStore
with ProjectStore.open(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.read()
"""


def square(x0: int, y0: int = 4, side: int = 8) -> Mask:
    return Mask(y0, x0, np.ones((side, side), np.bool_))


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    file = tmp_path / "movie.tif"
    pixels = np.random.default_rng(0).integers(0, 3000, SHAPE, dtype=np.uint16)
    tifffile.imwrite(file, pixels, photometric="minisblack", metadata={"axes": "TCYX"})
    return file


Make = Callable[..., Path]


@pytest.fixture
def make(movie: Path, tmp_path: Path) -> Make:
    """Writes a project with these masks; ``seen`` and ``complete`` are marks."""

    def write(
        masks: dict[tuple[int, int], MaskRecord],
        seen: tuple[tuple[int, int], ...] = (),
        complete: tuple[int, ...] = (),
        view: dict[str, Any] | None = None,
        sizes: tuple[int, ...] = (4, 2, 1, 40, 60),
    ) -> Path:
        document = Document()
        edits: list[Any] = [AddCell(Cell(cell_id)) for cell_id in sorted({cell_id for cell_id, _ in masks})]
        edits += [SetMask(cell_id, PlaneKey(t), record) for (cell_id, t), record in masks.items()]
        edits += [MarkSeen(cell_id, frozenset({PlaneKey(t)})) for cell_id, t in seen]
        edits.append(MarkComplete(frozenset(map(PlaneKey, complete))))
        History(document).commit("make", edits)
        path = tmp_path / "movie.tif.cellsam"
        with ProjectStore.create(path, MovieLink(movie, "f", None, sizes), document.calibration) as store:
            store.save(document, everything(document))
            store.save_view(view or {})
        return path

    return write


@pytest.fixture
def curated(make: Make) -> Path:
    """Frame 0: 1 clicked, 2 propagated, 3 propagated and seen. Frame 1: propagated. Frame 2: complete."""
    propagated = Source.PROPAGATED
    masks = {
        (1, 0): MaskRecord(square(4), Source.CLICK, 0.9, CLICKED, "vit_t"),
        (2, 0): MaskRecord(square(10), propagated, 0.8),
        (3, 0): MaskRecord(square(40), propagated, 0.8),
        (1, 1): MaskRecord(square(4), propagated, 0.9, CLICKED),
        (1, 2): MaskRecord(square(4), propagated, 0.9),
        (4, 2): MaskRecord(square(50), Source.BRUSH),
    }
    return make(masks, seen=((3, 0),), complete=(2, 3))


def ids(frame: Frame) -> list[int]:
    return [cell.cell_id for cell in frame.cells]


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        load([path])
    sentence = str(caught.value)
    assert path.name in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_only_what_a_person_stands_behind_is_true(curated: Path):
    first, complete = load([curated])
    assert (first.data_set, first.movie, first.t, first.z, first.shape) == (
        "movie.tif",
        "movie.tif",
        0,
        0,
        (40, 60),
    )
    assert ids(first) == [1, 3]
    assert not first.complete
    assert first.unsure is not None
    assert first.unsure.region == Mask(4, 12, np.ones((8, 6), np.bool_)).region  # less what belongs to cell 1
    assert (complete.t, ids(complete), complete.complete, complete.unsure) == (2, [1, 4], True, None)


def test_the_prompts_she_placed_are_there(curated: Path):
    first, complete = load([curated])
    assert first.cells[0].prompts == (CLICKED,)
    assert first.cells[1].prompts == ()
    assert [cell.prompts for cell in complete.cells] == [(), ()]


def test_prompts_of_a_propagated_mask_are_not_hers(make: Make):
    record = MaskRecord(square(4), Source.PROPAGATED, 0.9, CLICKED)
    (frame,) = load([make({(1, 0): record}, seen=((1, 0),))])
    assert frame.cells[0].prompts == ()


def test_the_image_is_that_of_the_window(make: Make, movie: Path):
    contrast = Contrast(100.0, 900.0, 0.7)
    view = {"c": 1, "contrast": {"0": Contrast(0, 1).to_json(), "1": contrast.to_json()}}
    (frame,) = load([make({(1, 2): MaskRecord(square(4), Source.BRUSH)}, view=view)])
    with open_source(movie) as source:
        expected = model_image(source.read_plane(PlaneIndex(2, 1)), contrast)
    assert np.array_equal(frame.image(), expected)


def test_a_damaged_view_gives_the_measured_contrast(make: Make):
    view = {"c": "x", "contrast": {"0": {"low": "?"}}}
    (frame,) = load([make({(1, 2): MaskRecord(square(4), Source.BRUSH)}, view=view)])
    assert frame.source.chosen is None
    assert frame.source.channel == 0
    assert frame.image().max() == 255


def test_a_project_that_a_window_has_open(curated: Path):
    command = [sys.executable, "-c", HOLD, str(curated)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as window:
        assert window.stdout is not None
        assert window.stdout.readline() == "open\n"
        assert [ids(frame) for frame in load([curated])] == [[1, 3], [1, 4]]
        window.communicate("")
    assert window.returncode == 0


def test_frames_are_chosen(curated: Path):
    (frame,) = load([Path(f"{curated}@1-2")])
    assert frame.t == 2
    with pytest.raises(DataError, match="holds no cells on the frames 1"):
        load([Path(f"{curated}@1")])


def test_masks_outside_the_images_are_cut_or_left_out(make: Make):
    masks = {
        (1, 0): MaskRecord(square(56), Source.BRUSH),
        (2, 0): MaskRecord(square(80), Source.BRUSH),
        (3, 9): MaskRecord(square(4), Source.BRUSH),
    }
    said: list[str] = []
    (frame,) = load([make(masks)], said.append)
    assert ids(frame) == [1]
    assert frame.cells[0].mask.area == 8 * 4
    assert said == ["Left out of movie.tif.cellsam, because outside the images: 2 masks."]


def test_without_a_curated_cell(make: Make):
    sentence = refusal(make({(1, 0): MaskRecord(square(4), Source.PROPAGATED)}))
    assert "holds no cell that somebody drew, accepted or marked as seen: curate some first" in sentence


def test_an_empty_project(make: Make):
    assert "holds no cell" in refusal(make({}))


def test_a_missing_movie(curated: Path, movie: Path):
    movie.unlink()
    assert "The movie of movie.tif.cellsam cannot be read" in refusal(curated)


def test_another_movie_in_its_place(curated: Path, movie: Path):
    tifffile.imwrite(
        movie, np.zeros((4, 2, 30, 60), np.uint16), photometric="minisblack", metadata={"axes": "TCYX"}
    )
    assert "is not the movie that movie.tif.cellsam was made for" in refusal(curated)


def test_a_channel_that_is_not_there(make: Make, movie: Path):
    path = make({(1, 0): MaskRecord(square(4), Source.BRUSH)}, view={"c": 5})
    assert "has 2 channels" in refusal(path)
