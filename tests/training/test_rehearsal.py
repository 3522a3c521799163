"""What the decoder could do before is kept by rehearsing it on made-up scenes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.training.small import MadeEmbeddings, views
from training.config import Config
from training.embed import Embeddings
from training.learner import Learner
from training.model import TrainableDecoder
from training.prompts import first_prompts
from training.sampling import Sampler
from training.scenes import SCENES, SIDE, scenes, scenes_for
from training.targets import TargetMaker
from training.team import Team
from training.views import views_of

CONFIG = Config(prompts_per_image=4, warm_up=0, half=False, learning_rate=3e-4, average=0.0)


@pytest.fixture(scope="module")
def rehearsed():
    return views_of(scenes(3), "whole")


def test_scenes_are_the_same_for_the_same_seed_and_differ_otherwise():
    first, again, other = scenes(2), scenes(2), scenes(2, seed=1)
    assert all(np.array_equal(a.image(), b.image()) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].image(), first[1].image())
    assert not np.array_equal(first[0].image(), other[0].image())


def test_scenes_show_blobs_of_many_sizes_apart_from_each_other():
    areas = []
    for frame in scenes(12):
        assert frame.image().shape == (SIDE, SIDE, 3)
        assert frame.image().std() > 10
        owners = np.zeros((SIDE, SIDE), int)
        for cell in frame.cells:
            owners[cell.mask.region.slices] += cell.mask.bits
        assert owners.max() == 1
        areas.append(np.median([cell.mask.area for cell in frame.cells]))
    assert max(areas) > 20 * min(areas)


def test_a_short_run_rehearses_fewer_scenes_of_all_sizes():
    every = [scene.name for scene in scenes()]
    for minutes, count in ((0.1, 8), (1, 8), (2.5, 20), (10, SCENES), (None, SCENES)):
        chosen = [every.index(scene.name) for scene in scenes_for(minutes)]
        assert len(chosen) == count
        assert (chosen[0], chosen[-1]) == (0, SCENES - 1)
        assert max(np.diff(chosen)) - min(np.diff(chosen)) <= 1


def test_every_other_step_has_as_many_scenes_as_images_and_twice_their_weight(tmp_path, rehearsed):
    config = replace(CONFIG, rehearsal=0.5)
    drawn = [Sampler(views(tmp_path), config, rehearsed).items(step) for step in range(16)]
    assert all([item.rehearsed for item in items] == [False, False, True, True] for items in drawn[::2])
    assert not any(item.rehearsed for items in drawn[1::2] for item in items)
    assert {(item.weight, len(item.cells)) for items in drawn for item in items[2:]} == {(0.5, 2)}
    assert len({item.view for items in drawn for item in items[2:]}) == 3


def test_boxes_elsewhere_stay_as_they_were_when_they_are_rehearsed(base, tmp_path, rehearsed):
    encoded = Embeddings(base.checkpoint, base.architecture, "cpu")
    embeddings = {view: encoded.get(view) for view in rehearsed}
    kept, changed = (_agreement(base, tmp_path, embeddings, weight) for weight in (3.0, 0.0))
    assert kept > changed + 0.1


def _agreement(base, folder, embeddings, weight):
    """Mean IoU of the masks for boxes on scenes after some steps on other images with those before."""
    decoder, made = TrainableDecoder(base.build()), MadeEmbeddings()
    sampler = Sampler(views(folder), replace(CONFIG, rehearsal=weight), tuple(embeddings) if weight else ())
    learner = Learner(decoder, CONFIG, Team("cpu"), print)
    before = _masks(decoder, embeddings)
    for step in range(16):
        items = sampler.items(step)
        learner.step(step, items, lambda view: embeddings.get(view, made.get(view)), CONFIG.learning_rate)
    after = _masks(decoder, embeddings)
    return float(((before & after).sum(dim=(1, 2)) / (before | after).sum(dim=(1, 2)).clamp(min=1)).mean())


@torch.no_grad()
def _masks(decoder, embeddings):
    return torch.cat([_answers(decoder, view, embedding) > 0 for view, embedding in embeddings.items()])


def _answers(decoder, view, embedding):
    """Logits (N, 256, 256) for boxes around the first cells of a view."""
    prompts = first_prompts(TargetMaker().make(view, view.cells[:6]), 0.0, 0.0, torch.Generator())
    image = decoder.prepare(torch.from_numpy(embedding.astype(np.float32)))
    return decoder(image, prompts, masks=slice(0, 1))[0][:, 0]
