"""Items learned at once give the gradients that they give one after the other."""

import threading
import time
from functools import partial

import pytest
import torch

from tests.training.small import MadeEmbeddings, views
from training.config import Config
from training.crew import Crew
from training.learner import Learner
from training.model import TrainableDecoder
from training.sampling import Sampler
from training.team import Team

CONFIG = Config(images_per_step=3, prompts_per_image=2, half=False)


@pytest.fixture
def learner(base):
    return Learner(TrainableDecoder(base.build()), CONFIG, Team("cpu"), print)


def gradients(learner, crew, items):
    """The losses of the items, and the gradients of all weights in one tensor."""
    learner.optimizer.zero_grad()
    parts = [learner._part(item, MadeEmbeddings().get, 0.5) for item in items]
    learned = crew.run([partial(learner._passes.learn, part=part, at_once=2) for part in parts])
    found = (weight.grad for weight in learner.weights)
    return learned, torch.cat([gradient.flatten() for gradient in found if gradient is not None])


def test_the_gradients_are_those_of_one_item_after_the_other(learner, tmp_path):
    items = Sampler(views(tmp_path), CONFIG).items(0)
    alone, expected = gradients(learner, Crew(learner.decoder, cores=1), items)
    crew = Crew(learner.decoder, cores=2)
    together, found = gradients(learner, crew, items)
    assert [prompts for _, prompts in together] == [prompts for _, prompts in alone]
    assert torch.allclose(
        torch.tensor([loss for loss, _ in together]), torch.tensor([loss for loss, _ in alone]), atol=1e-5
    )
    assert torch.allclose(found, expected, atol=1e-5 * float(expected.abs().max()))
    again, repeated = gradients(learner, crew, items)
    assert again == together
    assert torch.equal(repeated, found)


def test_copies_learn_what_the_decoder_learns(learner):
    crew = Crew(learner.decoder, cores=2)
    crew.run([lambda _: 0, lambda _: 0])
    with torch.no_grad():
        learner.weights[0].add_(1.0)
    shown = crew.run([lambda copy: next(copy.mask_decoder.parameters()).clone()] * 2)
    assert all(torch.equal(weight, learner.weights[0]) for weight in shown)


def test_threads_are_given_back_even_after_an_error(learner):
    before = torch.get_num_threads()

    def fail(_):
        raise ValueError("failed")

    with pytest.raises(ValueError, match="failed"):
        Crew(learner.decoder, cores=2).run([fail, fail])
    assert torch.get_num_threads() == before


def test_what_goes_on_after_an_error_adds_nothing_to_the_next_run(learner):
    crew, failed, ended = Crew(learner.decoder, cores=2), threading.Event(), threading.Event()

    def fail(_):
        failed.set()
        raise torch.OutOfMemoryError("made")

    def late(decoder):
        assert failed.wait(10)
        time.sleep(0.2)  # the error was heard by now, and if nobody waits the next run has begun
        next(decoder.mask_decoder.parameters()).sum().backward()
        ended.set()

    def learn(decoder):
        assert ended.wait(10)
        next(decoder.mask_decoder.parameters()).sum().backward()

    learner.optimizer.zero_grad()
    with pytest.raises(torch.OutOfMemoryError):
        crew.run([fail, late])
    assert learner.weights[0].grad is None
    crew.run([learn, learn])
    assert (learner.weights[0].grad == 2).all()
