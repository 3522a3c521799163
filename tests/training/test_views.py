from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.sam.crops import looks_for
from training.frames import CellTruth, Frame
from training.images import TrainingMovie
from training.views import View, diameters, held_out_views, views_of

HEIGHT, WIDTH = 90, 140


def disc(x: float, y: float, radius: float, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> Mask:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    mask = Mask.from_array((rows - y) ** 2 + (columns - x) ** 2 <= radius**2)
    assert mask is not None
    return mask


def made_frame(
    folder: Path, cells: list[CellTruth], unsure: Mask | None = None, shape: tuple[int, int] = (HEIGHT, WIDTH)
) -> Frame:
    file = folder / "image.tif"
    tifffile.imwrite(file, np.random.default_rng(0).integers(0, 4000, shape, dtype=np.uint16))
    return Frame("set", "movie", "image", 0, 0, shape, tuple(cells), False, unsure, TrainingMovie(file), 0)


@pytest.fixture
def frame(tmp_path: Path) -> Frame:
    prompts = (Prompts((Point(30, 40), Point(60, 41, positive=False)), Box(20, 28, 42, 55)),)
    return made_frame(
        tmp_path,
        [
            CellTruth(1, disc(30, 40, 10), prompts),
            CellTruth(2, disc(100.5, 20, 6)),
            CellTruth(3, disc(139, 89, 0)),
        ],
        disc(70, 60, 8),
    )


@pytest.mark.parametrize("turn", range(8))
def test_a_turned_view_is_the_same_scene(frame: Frame, turn: int):
    """A cell painted into the image lies on its truth after turning, and so do its prompts."""
    straight, view = View(frame, Region(5, 10, 80, 120)), View(frame, Region(5, 10, 80, 120), turn)
    cell = frame.cells[0]
    image, truth = view.image(), view.truth(cell)
    assert image.shape == (*view.shape, 3)
    assert truth.shape == view.shape == ((120, 80) if turn % 2 else (80, 120))
    assert view.geometry.region == Region.whole(*view.shape)
    inside = np.sort(straight.image()[straight.truth(cell)], axis=0)
    assert np.array_equal(np.sort(image[truth], axis=0), inside)
    for y, x in ((5, 10), (40, 30), (84, 129), (17, 64)):
        column, row = view.place(x, y)
        assert np.array_equal(image[round(row), round(column)], frame.image()[y, x])


@pytest.mark.parametrize("turn", range(8))
def test_prompts_turn_with_the_view(frame: Frame, turn: int):
    view = View(frame, Region.whole(HEIGHT, WIDTH), turn)
    (prompts,) = view.prompts(frame.cells[0])
    truth = view.truth(frame.cells[0])
    positive, negative = prompts.points
    assert truth[round(positive.y), round(positive.x)]
    assert not truth[round(negative.y), round(negative.x)]
    assert (positive.positive, negative.positive) == (True, False)
    assert prompts.box is not None
    rows, columns = np.nonzero(truth)
    assert prompts.box.x0 <= columns.min()
    assert columns.max() <= prompts.box.x1
    assert prompts.box.y0 <= rows.min()
    assert rows.max() <= prompts.box.y1
    assert {prompts.box.x1 - prompts.box.x0, prompts.box.y1 - prompts.box.y0} == {22, 27}


def test_the_eight_turns_are_all_different(frame: Frame):
    images = [View(frame, Region(0, 0, 60, 60), turn).image().tobytes() for turn in range(8)]
    assert len(set(images)) == 8


def test_prompts_beyond_the_view_are_left_out(frame: Frame):
    assert View(frame, Region(0, 0, 90, 50)).prompts(frame.cells[0]) == ()
    (kept,) = View(frame, Region(0, 10, 90, 60)).prompts(frame.cells[0])
    assert kept.points[0] == Point(20, 40)


def test_truth_is_cut_at_the_border_and_half_a_cell_counts(frame: Frame):
    left, right = View(frame, Region(0, 0, 90, 31)), View(frame, Region(0, 32, 90, 60))
    assert [cell.cell_id for cell in left.cells] == [1]
    assert left.truth(frame.cells[0]).sum() > 0.5 * frame.cells[0].mask.area
    assert right.cells == ()
    assert right.truth(frame.cells[0]).any()


def test_doubtful_pixels_are_those_of_the_view(frame: Frame):
    whole, elsewhere = View(frame, Region.whole(HEIGHT, WIDTH), 3), View(frame, Region(0, 0, 40, 40))
    unsure = whole.unsure()
    assert unsure is not None
    assert unsure.shape == (WIDTH, HEIGHT)
    assert frame.unsure is not None
    assert unsure.sum() == frame.unsure.area
    assert elsewhere.unsure() is None


def test_whole_planes_then_their_turns(frame: Frame):
    views = views_of([frame, frame], "whole", turns=3)
    assert [view.turn for view in views] == [0, 0, 2, 2, 1, 1]
    assert {view.region for view in views} == {Region.whole(HEIGHT, WIDTH)}


def test_a_plane_too_large_to_be_seen_whole(tmp_path: Path):
    """Each cell is seen once, in the look that a click on it takes."""
    shape = (3000, 4000)
    places = [(100, 100), (150, 90), (2000, 1500), (3900, 2900)]
    cells = [CellTruth(n, Mask(y, x, np.ones((9, 9), np.bool_))) for n, (x, y) in enumerate(places)]
    views = views_of([made_frame(tmp_path, cells, shape=shape)], "whole", turns=2)
    assert {max(view.shape) for view in views} == {2048}
    assert [cell.cell_id for view in views[:3] for cell in view.cells] == [0, 1, 2, 3]
    assert [view.turn for view in views] == [0, 0, 0, 2, 2, 2]
    for view in views:
        assert all(view.truth(cell).sum() == 81 for cell in view.cells)
        click = Prompts((Point(*view.cells[0].mask.centroid),))
        assert view.region == looks_for(Region.whole(*shape), click, None)[0]


def test_patches_cover_the_plane_and_overlap(tmp_path: Path):
    everywhere = [
        CellTruth(n, disc(x, y, 4, (300, 500)))
        for n, (x, y) in enumerate((x, y) for x in range(10, 500, 20) for y in range(10, 300, 20))
    ]
    frame = made_frame(tmp_path, everywhere, shape=(300, 500))
    regions = [view.region for view in views_of([frame], "patches", patch=128)]
    assert {(region.height, region.width) for region in regions} == {(128, 128)}
    assert len(set(regions)) == len(regions) == 3 * 5
    covered = np.zeros((300, 500), np.int64)
    for region in regions:
        covered[region.slices] += 1
    assert covered.min() == 1
    columns = sorted({region.x0 for region in regions})
    assert max(np.diff(columns)) <= 96
    apart = views_of([frame], "patches", patch=100, overlap=0)
    assert len(apart) == 15
    assert sum(view.region.height * view.region.width for view in apart) == 300 * 500


def test_patches_larger_than_the_plane_and_without_cells(frame: Frame):
    (only,) = views_of([frame], "patches", patch=256)
    assert only.region == Region.whole(HEIGHT, WIDTH)
    small = views_of([frame], "patches", patch=32, overlap=0.25)
    assert all(view.cells for view in small)
    assert len(small) < 20


def test_crops_are_those_of_inference(tmp_path: Path):
    shape = (1200, 1600)
    cells = [CellTruth(1, disc(200, 300, 12, shape)), CellTruth(2, disc(1400, 900, 14, shape))]
    frame = made_frame(tmp_path, cells, shape=shape)
    regions = [view.region for view in views_of([frame], "crops")]
    plane, known = Region.whole(*shape), diameters([frame])["set", "movie"]
    assert known == pytest.approx(26, abs=1)
    for cell in cells:
        click = Prompts((Point(*cell.mask.centroid),))
        for diameter in (None, known):
            assert set(looks_for(plane, click, diameter)) <= set(regions)
    assert len(regions) == len(set(regions))
    assert regions[0] == looks_for(plane, Prompts((Point(200, 300),)), None)[0]


def test_the_window_looks_at_the_plane_and_closer(tmp_path: Path):
    shape = (1200, 1600)
    cells = [CellTruth(1, disc(200, 300, 12, shape)), CellTruth(2, disc(1400, 900, 14, shape))]
    frame = made_frame(tmp_path, cells, shape=shape)
    views = views_of([frame], "window", turns=2)
    straight = [view for view in views if view.turn == 0]
    overview = [view.region for view in views_of([frame], "whole")]
    assert [view.region for view in straight if not view.closer] == overview
    assert {view.region for view in straight} == {view.region for view in views_of([frame], "crops")} | set(
        overview
    )
    assert any(view.closer for view in straight)
    assert len(views) == 2 * len(straight)


def test_held_out_cells_are_looked_at_both_ways(tmp_path: Path):
    shape = (1200, 1600)
    places = [(x, y) for x in range(100, 1600, 200) for y in (200, 600, 1000)]
    cells = [CellTruth(n, disc(x, y, 14, shape)) for n, (x, y) in enumerate(places, start=1)]
    views = held_out_views([made_frame(tmp_path, cells, shape=shape)], "window", 512, 16)
    for closer in (False, True):
        asked = [view.asked for view in views if view.closer is closer]
        assert sum(len(view.cells) for view in views if view.closer is closer) == 8
        assert len(frozenset().union(*asked)) == 8
    assert held_out_views([views[0].frame], "whole", 512, 16) == views_of([views[0].frame], "whole")


def test_a_cell_of_one_pixel_in_the_corner_is_seen(frame: Frame):
    corner = frame.cells[2]
    assert corner.mask.area == 1
    for view in views_of([frame], "crops", turns=8):
        if corner in view.cells:
            assert view.truth(corner).sum() == 1
    assert any(corner in view.cells for view in views_of([frame], "patches", patch=32))
