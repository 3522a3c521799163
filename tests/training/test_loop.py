import time
from dataclasses import replace

import pytest
import torch

from cellsam_desktop.core.training_messages import Control, Noticed, Stepped, Validated
from cellsam_desktop.sam.trained import STATE
from tests.training.small import MadeEmbeddings, views
from training import checkpoint, passes
from training.answering import TorchDecoder
from training.commands import Commands
from training.config import PRESETS, Config, ConfigError
from training.failures import TrainingError
from training.frames import DataError
from training.learner import Learner
from training.loop import Budget, End, Task, Trainer
from training.metrics import CellKey, Course, Judgement
from training.model import TrainableDecoder
from training.sampling import Sampler
from training.team import Team

QUICK = Config(images_per_step=2, prompts_per_image=2, held_out_cells=2, looks=2, warm_up=2, half=False)


class Heard(list):
    def of(self, kind):
        return [event for event in self if isinstance(event, kind)]


@pytest.fixture
def decoder(base):
    return TrainableDecoder(base.build())


@pytest.fixture
def task(tmp_path):
    own = views(tmp_path, turns=2)
    return Task(own, own[:1], MadeEmbeddings())


def run(decoder, task, folder, config=QUICK, epochs=2, heard=None, commands=None):
    heard = Heard() if heard is None else heard
    how = (config, Budget(None, epochs), heard.append, commands or Commands(), folder)
    return Trainer(decoder, task, *how).run()


def losses(monkeypatch):
    """The loss of each step, as they come."""
    found, step = [], Learner.step

    def noting(*given):
        found.append(step(*given))
        return found[-1]

    monkeypatch.setattr(Learner, "step", noting)
    return found


def test_a_decoder_learns_what_it_is_shown(decoder, task, tmp_path, monkeypatch):
    heard, found = Heard(), losses(monkeypatch)
    config = replace(QUICK, learning_rate=1e-3, corrections=1, average=0.5)
    outcome = run(decoder, task, tmp_path, config, epochs=8, heard=heard)
    assert outcome.end is End.BUDGET
    assert outcome.steps == len(found) == 16
    assert sum(found[-4:]) < 0.8 * sum(found[:4])
    looks = heard.of(Validated)
    assert len(looks) == 3  # before, halfway, in the end
    kept = [look for look in looks if look.best][-1]
    assert (kept.step, kept.scores.mean_iou) == (outcome.best_step, outcome.held_out)
    assert outcome.held_out > outcome.held_out_before


def test_a_resumed_run_goes_on_as_if_nothing_had_happened(base, task, tmp_path, monkeypatch):
    config = replace(QUICK, looks=4)
    found = losses(monkeypatch)
    folders = [tmp_path / name for name in ("whole", "parts")]
    for folder in folders:
        folder.mkdir()
    whole = TrainableDecoder(base.build())
    run(whole, task, folders[0], config)
    expected = list(found)
    found.clear()
    commands = Commands()

    class Ending(Heard):
        def append(self, event):
            if isinstance(event, Validated) and event.step >= 2:
                commands.tell(Control.CANCEL)

    first, second = TrainableDecoder(base.build()), TrainableDecoder(base.build())
    assert run(first, task, folders[1], config, heard=Ending(), commands=commands).end is End.CANCELLED
    assert 0 < len(found) < len(expected)
    outcome = run(second, task, folders[1], config)
    assert found == expected
    assert outcome.steps == len(expected)
    for name, weight in whole.state_for_export().items():
        assert torch.equal(weight, second.state_for_export()[name]), name


def test_one_half_of_what_is_drawn_is_closer(task):
    views = [*task.train, *(replace(view, closer=True) for view in task.train[:1])]
    sampler = Sampler(views, QUICK)
    drawn = [item.view.closer for step in range(300) for item in sampler.items(step)]
    assert 0.4 < sum(drawn) / len(drawn) < 0.6


def test_the_same_seed_gives_the_same_and_another_does_not(task):
    drawn = [Sampler(task.train, replace(QUICK, seed=seed)).items(5) for seed in (1, 1, 2)]
    seeds = [[item.seed for item in items] for items in drawn]
    assert seeds[0] == seeds[1] != seeds[2]


def judgement(*ious):
    return Judgement(
        tuple(Course(CellKey("set", "m", 0, 0, n), "point", (iou,)) for n, iou in enumerate(ious))
    )


@pytest.mark.parametrize(
    ("looks", "best"),
    [
        ([(0.4, 0.5), (0.6, 0.7), (0.7, 0.59)], [True, True, True]),  # one cell gained, the other lost
        ([(0.4, 0.5), (0.6, 0.7), (0.55, 0.64)], [True, True, False]),  # both lost
        ([(0.4, 0.5), (0.5, 0.39), (0.41, 0.5)], [True, False, True]),  # worse than before training
        ([(0.4, 0.5), (0.6,), (0.55, 0.64)], [True, True, True]),  # other cells
    ],
)
def test_of_weights_that_cells_cannot_tell_apart_the_later_are_kept(
    decoder, task, tmp_path, monkeypatch, looks, best
):
    answers = [judgement(*ious) for ious in looks]
    monkeypatch.setattr(Trainer, "_judge", lambda _: answers.pop(0))
    monkeypatch.setattr("training.loop.write_examples", lambda *_: None)
    heard = Heard()
    run(decoder, task, tmp_path, epochs=2, heard=heard)
    assert [look.best for look in heard.of(Validated)] == best


def test_stopping_keeps_the_best(decoder, task, tmp_path):
    commands = Commands()
    commands.tell(Control.STOP)
    before = decoder.state_for_export()
    outcome = run(decoder, task, tmp_path, commands=commands)
    assert (outcome.end, outcome.steps) == (End.STOPPED, 0)
    assert all(torch.equal(value, before[name]) for name, value in decoder.state_for_export().items())


def test_training_ends_when_nothing_is_gained(decoder, task, tmp_path):
    config = replace(QUICK, learning_rate=1e-12, patience=2, looks=8, held_out_cells=1)
    assert run(decoder, task, tmp_path, config, epochs=8).end is End.SATURATED


def test_looks_leave_the_most_of_the_time_to_learning(decoder, task, tmp_path, monkeypatch):
    def slow(_):
        time.sleep(0.5)
        return judgement(0.5, 0.6)

    monkeypatch.setattr(Trainer, "_judge", slow)
    monkeypatch.setattr("training.loop.write_examples", lambda *_: None)
    heard = Heard()
    config = replace(QUICK, looks=50, patience=3)
    outcome = Trainer(decoder, task, config, Budget(4.0), heard.append, Commands(), tmp_path).run()
    assert outcome.end is End.BUDGET
    assert len(heard.of(Validated)) <= 4  # before, twice at most meanwhile, in the end


def test_time_is_a_budget(decoder, task, tmp_path):
    heard = Heard()
    outcome = Trainer(decoder, task, QUICK, Budget(3.0), heard.append, Commands(), tmp_path).run()
    assert outcome.end is End.BUDGET
    assert outcome.steps >= 1
    assert all(event.seconds_left >= 0 for event in heard.of(Stepped))


def test_little_memory_halves_the_batch(decoder, task, tmp_path, monkeypatch):
    heard, learn = Heard(), passes._Lesson._follow

    def full(self, image, targets, *rest):
        if len(targets) > 1:
            raise torch.OutOfMemoryError("made")
        return learn(self, image, targets, *rest)

    monkeypatch.setattr(passes._Lesson, "_follow", full)
    run(decoder, task, tmp_path, epochs=1, heard=heard)
    assert [event.text for event in heard.of(Noticed)] == [
        "Memory ran out, so 1 prompt is computed at once from now on."
    ]
    monkeypatch.setattr(
        passes._Lesson, "_follow", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("made"))
    )
    (tmp_path / STATE).unlink()
    with pytest.raises(TrainingError, match="too little memory"):
        run(decoder, task, tmp_path, epochs=1)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("MPS backend out of memory (made)")])
def test_little_memory_asks_about_fewer_held_out_cells_at_once(decoder, task, tmp_path, monkeypatch, error):
    decode = TorchDecoder._decode

    def full(self, image, geometry, prompts, hints):
        if len(prompts) > 1:
            raise error
        return decode(self, image, geometry, prompts, hints)

    monkeypatch.setattr(TorchDecoder, "_decode", full)
    assert run(decoder, task, tmp_path, epochs=1).steps == 2


def test_a_run_that_fails_in_its_first_look_is_gone_on_with(decoder, task, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(TorchDecoder, "_decode", lambda *_: (_ for _ in ()).throw(MemoryError()))
        with pytest.raises(TrainingError, match="too little memory"):
            run(decoder, task, tmp_path, epochs=1)
    heard = Heard()
    run(decoder, task, tmp_path, epochs=1, heard=heard)
    assert heard.of(Validated)[0].step == 0


def test_more_epochs_can_be_asked_for_than_are_published(decoder, task, tmp_path):
    assert run(decoder, task, tmp_path, replace(QUICK, epochs=1), epochs=2).steps == 4


def test_a_state_of_other_settings_or_damaged_is_refused(decoder, task, tmp_path):
    run(decoder, task, tmp_path, epochs=1)
    with pytest.raises(TrainingError, match="other settings"):
        run(decoder, task, tmp_path, replace(QUICK, seed=9), epochs=1)
    (tmp_path / STATE).write_bytes(b"no state")
    with pytest.raises(TrainingError, match="cannot be read"):
        run(decoder, task, tmp_path, epochs=1)


def test_a_state_that_is_older_than_a_setting_is_gone_on_with(base, tmp_path):
    learner = Learner(TrainableDecoder(base.build()), QUICK, Team("cpu"), print)
    older = {name: value for name, value in QUICK.to_json().items() if name != "clicks_per_round"}
    checkpoint.save(tmp_path, learner, checkpoint.Progress(step=3), older)
    assert checkpoint.load(tmp_path, learner, QUICK.to_json()).step == 3
    with pytest.raises(TrainingError, match="other settings"):
        checkpoint.load(tmp_path, learner, replace(QUICK, clicks_per_round=2).to_json())


def test_a_state_that_cannot_be_written_is_a_sentence(base, task, tmp_path):
    decoder = TrainableDecoder(base.build())
    learner = Learner(decoder, QUICK, Team("cpu"), print)
    with pytest.raises(TrainingError, match="cannot be written"):
        checkpoint.save(tmp_path / "gone", learner, checkpoint.Progress(), QUICK.to_json())


def test_cells_that_are_too_small_are_a_sentence(decoder, task, tmp_path):
    with pytest.raises(DataError, match="5000 pixels"):
        run(decoder, task, tmp_path, replace(QUICK, smallest_cell=5000))


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_trains_and_survives_being_written(name, base, task, tmp_path):
    config = PRESETS[name]
    assert Config.from_json(config.to_json()) == config
    quick = replace(config, images_per_step=1, prompts_per_image=2, corrections=min(1, config.corrections))
    outcome = run(TrainableDecoder(base.build()), task, tmp_path, replace(quick, held_out_cells=1), epochs=1)
    assert outcome.steps == 4


def test_unknown_settings_are_refused():
    with pytest.raises(ConfigError, match="colour"):
        Config.from_json({"colour": 1})
