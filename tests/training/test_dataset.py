from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Point, Prompts
from cellsam_desktop.sam.embedding_cache import EmbeddingCache
from cellsam_desktop.sam.transforms import InputGeometry, preprocess
from training.config import Config
from training.dataset import OneCellDataset, PromptedDataset, at_input_size
from training.embed import Embeddings
from training.frames import CellTruth
from training.prompts import BOTTOM_RIGHT, PADDING, POSITIVE, TOP_LEFT
from training.sampling import Sampler
from training.views import View, views_of

from .small import MadeEmbeddings
from .test_views import HEIGHT, WIDTH, disc, made_frame

CELLS = [CellTruth(1, disc(30, 40, 10)), CellTruth(2, disc(100.5, 20, 6)), CellTruth(3, disc(70, 70, 1))]


@pytest.fixture
def views(tmp_path: Path) -> list[View]:
    return views_of([made_frame(tmp_path, CELLS)], "whole", turns=8)


def test_one_cell_of_each_image_with_its_jittered_box(views: list[View]):
    data = OneCellDataset(views, jitter=0.1, seed=3)
    seen = set()
    for place, view in enumerate(views):
        item = data[place]
        assert item["image"].shape == (3, 1024, 1024)
        assert torch.equal(item["image"], torch.from_numpy(preprocess(view.image())[0]))
        mask = item["mask"]
        (cell,) = [
            c
            for c in CELLS
            if torch.equal(mask, torch.from_numpy(at_input_size(view.truth(c), view.geometry)))
        ]
        seen.add(cell.cell_id)
        rows, columns = torch.nonzero(mask, as_tuple=True)
        tight = np.array([columns.min(), rows.min(), columns.max(), rows.max()], np.float32)
        sides = np.tile(tight[2:] - tight[:2] + 8, 2)
        assert item["labels"].tolist() == [TOP_LEFT, BOTTOM_RIGHT]
        assert (np.abs(item["coords"].flatten().numpy() - tight) <= 0.1 * sides + 8).all()
    assert len(seen) > 1


def test_points_lie_inside_the_cell(views: list[View]):
    data = OneCellDataset(views, "points", points=3)
    for place in range(len(data)):
        item = data[place]
        assert item["labels"].tolist() == [POSITIVE] * 3 + [PADDING]
        for x, y in item["coords"][:3].round().int().tolist():
            assert item["mask"][max(0, y - 4) : y + 5, max(0, x - 4) : x + 5].any()


def test_loaders_stack_items_and_draw_the_same_in_any_process(views: list[View]):
    data = OneCellDataset(views[:4], "points")
    (batch,) = DataLoader(data, batch_size=4)
    assert batch["image"].shape == (4, 3, 1024, 1024)
    assert batch["mask"].shape == (4, 1024, 1024)
    (again,) = DataLoader(OneCellDataset(views[:4], "points"), batch_size=4)
    assert all(torch.equal(batch[name], again[name]) for name in batch)
    data.set_epoch(1)
    assert any(not torch.equal(data[n]["coords"], batch["coords"][n]) for n in range(4))


def test_small_cells_and_views_without_others_are_left_out(views: list[View], tmp_path: Path):
    data = OneCellDataset(views, smallest=16)
    assert {cell.cell_id for _, cells in data.views for cell in cells} == {1, 2}
    specks = made_frame(tmp_path, [CellTruth(1, disc(5, 5, 0))])
    assert len(OneCellDataset(views_of([specks], "whole"), smallest=2)) == 0


def test_a_cell_of_one_pixel_can_be_prompted(tmp_path: Path):
    view = View(made_frame(tmp_path, [CellTruth(1, disc(139, 89, 0))]), Region.whole(HEIGHT, WIDTH))
    for prompt in ("box", "points"):
        item = OneCellDataset([view], prompt)[0]
        assert torch.isfinite(item["coords"]).all()
        assert item["mask"].any()


def test_many_prompts_share_one_embedding(views: list[View], tmp_path: Path, weights: Path):
    embeddings = Embeddings(weights, "vit_t", "cpu", EmbeddingCache(tmp_path / "embeddings", 10**9))
    config = Config(images_per_step=1, prompts_per_image=2, smallest_cell=1)
    data = PromptedDataset(views[:1], embeddings, config)
    assert len(data) == 2  # three cells
    item = data[0]
    assert item.embedding.dtype == torch.float16
    assert len(item.item.cells) == len(item.targets) == len(item.prompts) == 2
    assert len({cell.cell_id for cell in item.item.cells}) == 2
    drawn = set()
    for epoch in range(6):
        data.set_epoch(epoch)
        for loaded in DataLoader(data, batch_size=None):
            drawn |= {cell.cell_id for cell in loaded.item.cells}
    assert drawn == {1, 2, 3}
    assert embeddings.encodes == 1


def test_what_is_drawn_is_what_training_draws(views: list[View]):
    config = Config(smallest_cell=1)
    data = PromptedDataset(views, MadeEmbeddings(), config)
    data.set_epoch(1)
    step = Sampler(views, config).steps_per_epoch
    for place, item in enumerate(Sampler(views, config).items(step)):
        found = data[place].item
        assert (found.view, found.cells, found.seed) == (item.view, item.cells, item.seed)


def test_prompts_that_were_really_placed_are_used(tmp_path: Path):
    real = Prompts((Point(33, 44),))
    own = views_of([made_frame(tmp_path, [CellTruth(1, CELLS[0].mask, (real,))])], "whole")
    item = PromptedDataset(own, MadeEmbeddings(), Config(prompts_per_image=1, real_share=1.0))[0]
    expected = own[0].geometry.to_input(33, 44)
    assert item.prompts.coords[0, 0].tolist() == pytest.approx(expected)


def test_the_recipe_takes_cached_embeddings_too(views: list[View], tmp_path: Path, weights: Path):
    embeddings = Embeddings(weights, "vit_t", "cpu", EmbeddingCache(tmp_path / "embeddings", 10**9))
    item = OneCellDataset(views[:1], embeddings=embeddings)[0]
    assert "image" not in item
    assert np.array_equal(item["embedding"].numpy(), embeddings.get(views[0]))


def test_masks_at_input_size_are_padded():
    bits = np.zeros((3, 6), np.bool_)
    bits[2, 5] = True
    mask = at_input_size(bits, InputGeometry(Region.whole(3, 6)))
    assert mask.shape == (1024, 1024)
    rows, columns = np.nonzero(mask)
    assert (rows.max(), columns.max()) == (511, 1023)
    assert mask.sum() == pytest.approx(171 * 171, rel=0.01)
