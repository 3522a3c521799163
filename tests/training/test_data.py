"""Folders of images and labels, movies with labels, folders of the Cell Tracking Challenge."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from benchmarks.data_sets import samples
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.curation.headless_segment import read_model_image
from cellsam_desktop.images.opening import open_source
from training.data import DataError, Frame, load
from training.selection import absolute

HEIGHT, WIDTH = 40, 60


def image(seed: int = 0, shape: tuple[int, ...] = (HEIGHT, WIDTH)) -> NDArray[np.uint16]:
    return np.random.default_rng(seed).integers(100, 5000, shape, dtype=np.uint16)


def labels(*ids: int, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> NDArray[np.uint16]:
    """A square of 5 x 5 pixels for each id, side by side."""
    out = np.zeros(shape, np.uint16)
    for place, cell_id in enumerate(ids):
        out[4:9, 4 + 8 * place : 9 + 8 * place] = cell_id
    return out


def write(
    file: Path, pixels: NDArray[np.generic], photometric: str = "minisblack", **options: object
) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(file, pixels, photometric=photometric, **options)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five images of different sizes and kinds, with labels of the same names."""
    pixels = {
        "grey16": image(1),
        "grey8": image(2, (30, 30)).astype(np.uint8),
        "colour": image(3, (HEIGHT, WIDTH, 3)).astype(np.uint8),
        "float": image(4).astype(np.float32) / 7,
    }
    for name, plane in pixels.items():
        write(
            tmp_path / "images" / f"{name}.tif", plane, photometric="rgb" if plane.ndim == 3 else "minisblack"
        )
        write(tmp_path / "labels" / f"{name}.tif", labels(3, 9, shape=plane.shape[:2]))
    (tmp_path / "images" / "picture.png").write_bytes(imagecodecs.png_encode(image(5).astype(np.uint8)))
    (tmp_path / "labels" / "picture.png").write_bytes(imagecodecs.png_encode(labels(1, 2, 300)))
    return tmp_path


def refusal(*paths: Path) -> str:
    with pytest.raises(DataError) as caught:
        load(paths)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def by_name(frames: list[Frame]) -> dict[str, Frame]:
    return {frame.name: frame for frame in frames}


def test_images_and_labels_of_every_kind(folder: Path):
    said: list[str] = []
    frames = by_name(load([folder], said.append))
    assert list(frames) == ["colour.tif", "float.tif", "grey8.tif", "grey16.tif", "picture.png"]
    assert said == []
    for name, frame in frames.items():
        assert (frame.data_set, frame.movie, frame.complete, frame.unsure) == (folder.name, name, True, None)
        with open_source(folder / "images" / name) as source:
            assert np.array_equal(frame.image(), read_model_image(source, PlaneIndex()))
        assert frame.image().shape == (*frame.shape, 3)
        assert frame.image().dtype == np.uint8
    assert [cell.cell_id for cell in frames["picture.png"].cells] == [1, 2, 300]
    cell = frames["grey16.tif"].cells[1]
    assert (cell.cell_id, cell.mask.x0, cell.mask.y0, cell.mask.area, cell.prompts) == (9, 12, 4, 25, ())


def test_only_the_image_read_last_is_kept(folder: Path):
    frames = load([folder])
    last = frames[0].source.last
    for _ in range(2):
        for frame in frames:
            assert frame.image() is frame.image()
    assert last.reads == 10
    assert {frame.source.last for frame in frames} == {last}


def test_numbered_files_of_one_size_are_a_movie(tmp_path: Path):
    for number in (7, 8, 9, 12):
        write(tmp_path / "images" / f"t{number}.tif", image(number))
        write(tmp_path / "labels" / f"t{number}.tif", labels(1, 2))
    frames = by_name(load([tmp_path]))
    assert [(frame.movie, frame.t) for frame in frames.values()] == [
        ("t7 to t9", 7), ("t7 to t9", 8), ("t7 to t9", 9), ("t12.tif", 0),
    ]  # fmt: skip
    with open_source(tmp_path / "images" / "t9.tif") as source:
        assert np.array_equal(frames["t9.tif"].image(), read_model_image(source, PlaneIndex()))


def test_movies_in_the_folder(tmp_path: Path):
    for name in ("one", "two"):
        write(tmp_path / "images" / f"{name}.tif", image(shape=(4, HEIGHT, WIDTH)), metadata={"axes": "TYX"})
        write(tmp_path / "labels" / f"{name}.tif", np.stack([labels(1), labels(), labels(1, 2), labels(2)]))
    frames = load([tmp_path])
    assert [(frame.movie, frame.t, len(frame.cells)) for frame in frames[:3]] == [
        ("one.tif", 0, 1), ("one.tif", 2, 2), ("one.tif", 3, 1),
    ]  # fmt: skip
    assert frames[1].name == "one.tif, frame 2"
    assert not np.array_equal(frames[0].image(), frames[1].image())


def test_a_movie_beside_its_labels(tmp_path: Path):
    write(tmp_path / "movie.tif", image(shape=(3, HEIGHT, WIDTH)), metadata={"axes": "TYX"})
    write(tmp_path / "tracks.tif", np.stack([labels(1), labels(1, 5), labels(5)]))
    (tmp_path / "man_track.txt").write_text("1 0 1 0\n5 1 2 0\n")
    assert [[cell.cell_id for cell in frame.cells] for frame in load([tmp_path])] == [[1], [1, 5], [5]]
    (only,) = load([Path(f"{tmp_path}@1")])
    assert only.t == 1


def test_data_sets_have_names_of_their_own(folder: Path):
    other = folder / "elsewhere" / folder.name
    write(other / "images" / "a.tif", image())
    write(other / "labels" / "a.tif", labels(1))
    names = [frame.data_set for frame in load([folder, other])]
    assert sorted(set(names)) == [folder.name, f"{folder.name} (2)"]


def test_parts_of_one_path_are_one_set_of_data(folder: Path):
    own = load([folder])
    parts = load([Path(f"{folder}@0-1"), Path(f"{folder / '.'}@1-3")])
    assert [(frame.data_set, frame.name) for frame in parts] == [(f.data_set, f.name) for f in own[:4]]
    assert len(load([folder, Path(f"{folder}@1")])) == len(own)


def test_parts_are_chosen_by_number_or_by_name(folder: Path, tmp_path: Path):
    (tmp_path / "list.txt").write_text("# for judging\ngrey16.tif\npicture  # by its stem\n\n4\n")
    assert [frame.name for frame in load([Path(f"{folder}@0-1,3")])] == [
        "colour.tif",
        "float.tif",
        "grey16.tif",
    ]
    chosen = load([Path(f"{folder}@{tmp_path / 'list.txt'}")])
    assert [frame.name for frame in chosen] == ["grey16.tif", "picture.png"]
    assert chosen[0].data_set == folder.name


def test_a_folder_with_an_at_sign_is_itself(tmp_path: Path):
    folder = tmp_path / "cells@0-1"
    write(folder / "images" / "a.tif", image())
    write(folder / "labels" / "a.tif", labels(1))
    assert len(load([folder])) == 1


def test_a_selection_means_the_same_in_any_folder(folder: Path, tmp_path: Path, monkeypatch):
    (tmp_path / "some.txt").write_text("1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    named = [absolute(Path(f"{folder.relative_to(tmp_path)}{part}")) for part in ("", "@0-1", "@some.txt")]
    expected = [len(load([path])) for path in named]
    monkeypatch.chdir(folder)
    assert [len(load([path])) for path in named] == expected
    assert named[0] == folder


def test_selections_that_select_nothing(folder: Path, tmp_path: Path):
    (tmp_path / "list.txt").write_text("grey61.tif\n")
    (tmp_path / "empty.txt").write_text("# nothing\n")
    assert "holds no cells on the frames 7-9" in refusal(Path(f"{folder}@7-9"))
    assert "holds no 'grey61.tif'" in refusal(Path(f"{folder}@{tmp_path / 'list.txt'}"))
    assert "is empty" in refusal(Path(f"{folder}@{tmp_path / 'empty.txt'}"))
    assert "does not exist; after the @" in refusal(Path(f"{folder}@nowhere.txt"))


def test_black_and_white_masks_are_taken_apart(tmp_path: Path):
    for name in "ab":
        write(tmp_path / "images" / f"{name}.tif", image())
        write(tmp_path / "labels" / f"{name}.tif", np.where(labels(1, 1, 1) > 0, 255, 0).astype(np.uint8))
    said: list[str] = []
    frames = load([tmp_path], said.append)
    assert [[cell.cell_id for cell in frame.cells] for frame in frames] == [[1, 2, 3], [1, 2, 3]]
    assert {cell.mask.area for frame in frames for cell in frame.cells} == {25}
    assert len(said) == 1
    assert "every connected region counts as one cell" in said[0]


def test_one_cell_in_one_image_stays_one(tmp_path: Path):
    write(tmp_path / "images" / "a.tif", image())
    write(tmp_path / "labels" / "a.tif", labels(1))
    (frame,) = load([tmp_path])
    assert [cell.cell_id for cell in frame.cells] == [1]


def test_a_cell_of_one_pixel_is_a_cell(tmp_path: Path):
    plane = labels(7)
    plane[39, 59] = 8
    write(tmp_path / "images" / "a.tif", image())
    write(tmp_path / "labels" / "a.tif", plane)
    (frame,) = load([tmp_path])
    assert [cell.mask.area for cell in frame.cells] == [25, 1]


def test_what_is_of_no_use_is_said(folder: Path):
    write(folder / "images" / "alone.tif", image())
    write(folder / "images" / "empty.tif", image())
    write(folder / "labels" / "empty.tif", labels())
    said: list[str] = []
    assert len(load([folder], said.append)) == 5
    assert len(said) == 2
    assert "without labels: 1 of the files" in said[0]
    assert "alone.tif" in said[0]
    assert "without a cell: 1 of the files" in said[1]
    assert "empty.tif" in said[1]


def test_labels_that_do_not_match_are_one_sentence(folder: Path):
    write(folder / "labels" / "grey16.tif", labels(1, shape=(20, 20)))
    sentence = refusal(folder)
    assert "grey16.tif" in sentence
    assert "20 x 20" in sentence
    write(folder / "labels" / "grey16.tif", image(1, (HEIGHT, WIDTH, 3)).astype(np.uint8), photometric="rgb")
    assert "is a colour image" in refusal(folder)
    write(folder / "labels" / "grey16.tif", image(1).astype(np.float32) / 7)
    assert "holds values that are no cell ids" in refusal(folder)
    write(folder / "labels" / "grey16.tif", labels(1))
    write(folder / "labels" / "gray16.tif", labels(1))
    sentence = refusal(folder)
    assert "gray16.tif belongs to no image" in sentence
    assert "give it the name of its image" in sentence


def test_names_that_occur_twice(folder: Path):
    write(folder / "images" / "picture.tif", image())
    assert "picture.png and picture.tif" in refusal(folder) or "picture.tif and picture.png" in refusal(
        folder
    )


def test_damaged_files_are_one_sentence(folder: Path, tmp_path: Path):
    (folder / "labels" / "colour.tif").write_bytes(b"II*\0")
    assert "colour.tif cannot be learned from" in refusal(folder)
    (folder / "labels" / "colour.tif").unlink()
    (folder / "images" / "float.tif").write_bytes(b"")
    assert "is empty (0 bytes)" in refusal(folder)


def test_folders_without_cells(tmp_path: Path):
    assert "does not exist" in refusal(tmp_path / "nowhere")
    assert "holds no cells to learn from" in refusal(tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    assert "holds no label images" in refusal(tmp_path)
    write(tmp_path / "images" / "a.tif", image())
    assert "holds no label images" in refusal(tmp_path)
    assert "holds no cells to learn from" in refusal(tmp_path / "images" / "a.tif")
    write(tmp_path / "labels" / "a.tif", labels())
    assert "hold no cell" in refusal(tmp_path)


# -- the Cell Tracking Challenge -----------------------------------------------------------------------------


def challenge(
    folder: Path, masks: str = "01_GT/SEG", name: str = "man_seg{:03}.tif", frames: int = 4
) -> Path:
    for t in range(frames):
        write(folder / "01" / f"t{t:03}.tif", image(t))
        write(folder / masks / name.format(t), labels(1, 2) if t else labels(1))
    return folder


@pytest.mark.parametrize("path", ["", "01", "01_GT", "01_GT/SEG"])
def test_a_challenge_folder_wherever_one_points(tmp_path: Path, path: str):
    frames = load([challenge(tmp_path) / path])
    assert [(frame.movie, frame.t, len(frame.cells)) for frame in frames] == [
        ("01", 0, 1), ("01", 1, 2), ("01", 2, 2), ("01", 3, 2),
    ]  # fmt: skip
    assert not any(frame.complete for frame in frames)
    with open_source(tmp_path / "01") as source:
        assert np.array_equal(frames[2].image(), read_model_image(source, PlaneIndex(2)))


def test_gold_truth_is_preferred_and_markers_are_mentioned(tmp_path: Path):
    challenge(tmp_path, "01_GT/TRA", "man_track{:03}.tif")
    said: list[str] = []
    assert len(load([tmp_path], said.append)) == 4
    assert "The markers in" in said[0]
    write(tmp_path / "01_GT" / "SEG" / "man_seg002.tif", labels(4, 5, 6))
    said.clear()
    (frame,) = load([tmp_path], said.append)
    assert (frame.t, len(frame.cells), said) == (2, 3, [])


def test_results_of_a_tracker_and_several_sequences(tmp_path: Path):
    challenge(tmp_path, "01_RES", "mask{:03}.tif")
    (tmp_path / "01_RES" / "res_track.txt").write_text("1 0 3 0\n2 1 3 0\n")
    for t in range(2):
        write(tmp_path / "02" / f"t{t:03}.tif", image(t, (30, 30)))
        write(tmp_path / "02_ST" / "SEG" / f"man_seg{t:03}.tif", labels(1, shape=(30, 30)))
    frames = load([tmp_path])
    assert [frame.movie for frame in frames] == ["01"] * 4 + ["02"] * 2
    assert all(frame.complete for frame in frames)
    (tmp_path / "list.txt").write_text("02/1\n01/3\n")
    assert [(f.movie, f.t) for f in load([Path(f"{tmp_path}@{tmp_path / 'list.txt'}")])] == [
        ("01", 3),
        ("02", 1),
    ]
    assert len(load([tmp_path / "01_RES"])) == 4


def test_single_slices_of_a_volume(tmp_path: Path):
    for t in range(2):
        write(tmp_path / "01" / f"t{t:03}.tif", image(t, (5, HEIGHT, WIDTH)), metadata={"axes": "ZYX"})
    write(tmp_path / "01_GT" / "SEG" / "man_seg_001_003.tif", labels(1, 2))
    (frame,) = load([tmp_path])
    assert (frame.t, frame.z, len(frame.cells)) == (1, 3, 2)
    assert frame.image().shape == (HEIGHT, WIDTH, 3)
    write(tmp_path / "01_GT" / "SEG" / "man_seg_001_007.tif", labels(1, 2))
    assert "man_seg_001_007.tif lies outside the movie" in refusal(tmp_path)


def test_challenge_masks_that_do_not_match(tmp_path: Path):
    challenge(tmp_path, frames=3)
    write(tmp_path / "01_GT" / "SEG" / "man_seg009.tif", labels(1))
    assert "man_seg009.tif" in refusal(tmp_path)
    (tmp_path / "01_GT" / "SEG" / "man_seg009.tif").unlink()
    write(tmp_path / "01_GT" / "SEG" / "man_seg001.tif", labels(1, shape=(20, 20)))
    sentence = refusal(tmp_path)
    assert "man_seg001.tif" in sentence
    assert "20 x 20" in sentence


# -- real data -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "frames", "cells"),
    [
        ("movie_bacteria", 26, 216),
        ("movie_bacteria_trpl", 10, 63),
        ("movie_nuclei_sim", 10, 163),
        ("mito_em_vnc", 14, 269),
        ("cells_cellpose", 21, 2670),
    ],
)
def test_real_data_is_read_as_inference_reads_it(shared_data: Path, name: str, frames: int, cells: int):
    found = load([shared_data / name])
    assert len(found) == frames
    assert sum(len(frame.cells) for frame in found) == cells
    sample = next(samples(shared_data, name, images=1))
    frame = by_name(found).get(sample.name, found[0])
    assert np.array_equal(frame.image(), sample.image)
    assert [cell.cell_id for cell in frame.cells] == sample.ids
    assert all(own.mask.same_pixels(true) for own, true in zip(frame.cells, sample.truth, strict=True))
