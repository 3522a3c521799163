"""Training as the window sees it: processes that only pretend to learn, real projects and decoders."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.core.training_messages import Finished, Stepped
from cellsam_desktop.curation import training_runs
from cellsam_desktop.curation.project_copy import copier
from cellsam_desktop.curation.training_course import Course, Phase
from cellsam_desktop.curation.training_runs import Choice
from cellsam_desktop.project.store import ProjectStore
from cellsam_desktop.sam import run_lock
from cellsam_desktop.settings import Settings
from tests.curation.conftest import Desk, write_movie
from tests.curation.test_decoders import Write, write_decoder  # noqa: F401  (a fixture)
from training.__main__ import _parser

TRAINEE = Path(__file__).parents[1] / "jobs" / "trainee.py"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


@pytest.fixture
def trainer(desk: Desk, movie_file: Path) -> Desk:
    """A movie with two curated cells, and a training that ends well."""
    desk.open(movie_file)
    desk.add_cell(1)
    desk.add_cell(2, x=30)
    pretend(desk, "better")
    return desk


def pretend(desk: Desk, mode: str) -> None:
    desk.session.training.command = [sys.executable, str(TRAINEE), mode]


def end(desk: Desk) -> Course:
    desk.wait(lambda: not desk.session.training.running)
    desk.settle()
    return desk.session.training.course


def learning(desk: Desk) -> Course:
    course = desk.session.training.course
    desk.wait(lambda: course.phase is Phase.LEARNING and bool(course.held_out))
    return course


def test_better_is_added_and_offered_and_used(trainer: Desk, write_decoder: Write, monkeypatch) -> None:  # noqa: F811
    monkeypatch.setenv("TRAINEE_DECODER", str(write_decoder("learned")))
    training = trainer.session.training
    training.start(Choice())
    assert training.running
    trainer.wait(lambda: training.result is not None)
    course = end(trainer)
    assert course.phase is Phase.FINISHED
    assert (course.losses, course.held_out) == (
        [(1.0, 0.9), (2.0, 0.5)],
        [(1.0, pytest.approx(0.733, abs=1e-3))],
    )
    assert course.finished.before.iou("point") < course.finished.after.iou("point")
    offers = [notice.offer for notice in trainer.notices if notice.offer is not None]
    assert [offer.label for offer in offers] == ["Use now"]
    decoders = trainer.session.decoders
    assert (len(decoders.known), decoders.in_use) == (1, None)
    offers[0].accept()
    assert decoders.in_use == training.result
    assert decoders.title == "movie.tif"


def test_a_decoder_of_a_project_with_a_long_name_is_added(
    desk: Desk,
    tmp_path: Path,
    write_decoder: Write,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRAINEE_DECODER", str(write_decoder("learned")))
    desk.open(write_movie(tmp_path / f"-{'long' * 30}.tif"))
    desk.add_cell(1)
    pretend(desk, "better")
    training = desk.session.training
    training.start(Choice())
    desk.wait(lambda: training.result is not None)
    assert training.result.title == "long" * 20
    end(desk)


def test_worse_is_said_and_nothing_is_offered(trainer: Desk) -> None:
    pretend(trainer, "worse")
    training = trainer.session.training
    training.start(Choice())
    course = end(trainer)
    assert (course.phase, course.finished.better) == (Phase.FINISHED, False)
    assert (training.result, trainer.session.decoders.known) == (None, ())
    assert "The old decoder is kept." in trainer.texts


def test_it_learns_from_a_copy_of_the_project(trainer: Desk, tmp_path: Path) -> None:
    pretend(trainer, "waiting")
    training = trainer.session.training
    training.start(Choice(paths=(tmp_path / "more",), preset="iterative", minutes=2.5))
    learning(trainer)
    trainer.add_cell(3)
    training.stop()
    assert end(trainer).finished is not None
    [copy] = training_runs.runs_dir().glob("*/data/*")
    assert copy.name == "movie.tif.cellsam"
    with ProjectStore.open(copy) as store:
        assert store.load().cell_ids == [1, 2]
        assert store.load_view() == trainer.session.view.to_json()
    words = training_runs.fit_words([copy], Path("run"), Choice(minutes=2.5), "t", trainer.settings)
    assert words[:2] == ["fit", str(copy)]
    assert words[words.index("--minutes") + 1] == "2.5"


def test_a_copy_of_what_is_not_saved_has_its_view(trainer: Desk, tmp_path: Path) -> None:
    session = trainer.session
    session.view.set(t=2, opacity=0.5)
    session.saving.unsaved = True
    copier(session, session.movie)(tmp_path / "copy.cellsam")
    session.saving.unsaved = False
    with ProjectStore.open(tmp_path / "copy.cellsam") as store:
        assert store.load_view() == session.view.to_json()
        assert store.load_view()["t"] == 2


def test_a_training_keeps_to_the_limit_of_the_cache() -> None:
    settings, run = Settings(cache_limit_gb=2.5), Path("run")
    for words in (
        training_runs.fit_words([Path("data")], run, Choice(), "t", settings),
        training_runs.resume_words(run, settings),
        training_runs.evaluate_words(Path("data"), None, settings),
    ):
        assert _parser().parse_args(words).cache_gb == 2.5


def test_it_rests_and_goes_on(trainer: Desk) -> None:
    pretend(trainer, "waiting")
    training = trainer.session.training
    training.start(Choice())
    course = learning(trainer)
    training.pause()
    assert course.phase is Phase.PAUSED
    trainer.wait(lambda: course.last == Stepped(10, 0.1, None, 1.0, 1.0, 1.0))
    assert course.phase is Phase.PAUSED
    training.go_on()
    trainer.wait(lambda: course.last.step == 11)
    assert course.phase is Phase.LEARNING
    training.cancel()
    assert end(trainer).phase is Phase.INTERRUPTED
    assert course.error == ""


@POSIX
def test_killed_it_says_so_and_can_be_resumed_or_removed(trainer: Desk) -> None:
    pretend(trainer, "waiting")
    training = trainer.session.training
    training.start(Choice())
    learning(trainer)
    os.kill(training._process.pid, signal.SIGKILL)
    course = end(trainer)
    assert course.phase is Phase.INTERRUPTED
    assert "the system ended it, perhaps for want of memory" in course.error
    assert "it can be resumed" in trainer.texts[-1]
    [left] = training.unfinished
    assert left.title == "Some cells"
    pretend(trainer, "better")
    training.resume(left)
    assert end(trainer).finished.folder == str(left.folder)
    trainer.wait(lambda: training.unfinished == ())
    training.discard(left)
    trainer.settle()
    assert not left.folder.exists()
    [undo] = [notice.offer for notice in trainer.notices if notice.offer and notice.offer.label == "Undo"]
    undo.accept()
    trainer.settle()
    assert (left.folder / "run.json").is_file()


def test_what_failed_after_it_had_begun_to_learn_can_be_resumed(trainer: Desk) -> None:
    run = training_runs.runs_dir() / "2026-01-02-120000" / "run"
    run.mkdir(parents=True)
    for state, waits in (("failed: The disk is full.", True), ("training", True), ("finished", False)):
        (run / "run.json").write_text(json.dumps({"state": state, "title": "Some cells"}))
        assert training_runs.unfinished() == []
        (run / "state.pt").write_text("how far it was")
        assert bool(training_runs.unfinished()) == waits
        (run / "state.pt").unlink()


def test_a_run_that_another_window_works_on_is_left_alone(trainer: Desk) -> None:
    run = training_runs.runs_dir() / "2026-01-02-120000" / "run"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"state": "training", "title": "Some cells"}))
    (run / "state.pt").touch()
    with run_lock.take(run):
        assert training_runs.unfinished() == []
        with pytest.raises(CellSamError, match="still under way"):
            training_runs.discard(run)
    assert [one.folder for one in training_runs.unfinished()] == [run]


def test_closing_the_window_leaves_a_run_that_can_be_resumed(trainer: Desk, make_desk) -> None:
    pretend(trainer, "waiting")
    trainer.session.training.start(Choice())
    learning(trainer)
    trainer.close()
    again = make_desk()
    again.session.training.look_for_unfinished()
    again.settle()
    [left] = again.session.training.unfinished
    assert (left.folder / "state.pt").read_text() == "how far it was"


def test_what_cannot_be_learned_is_a_sentence(trainer: Desk) -> None:
    pretend(trainer, "failing")
    trainer.session.training.start(Choice())
    course = end(trainer)
    assert (course.phase, course.error) == (
        Phase.FAILED,
        "There is nothing to learn from: accept some masks first.",
    )
    assert trainer.texts[-1] == course.error


def test_stopped_before_it_learned_it_ends_without_a_result(trainer: Desk) -> None:
    pretend(trainer, "hesitating")
    training = trainer.session.training
    training.start(Choice())
    trainer.wait(lambda: training.course.before is not None)
    training.stop()
    course = end(trainer)
    assert (course.phase, course.error) == (Phase.INTERRUPTED, "")


def test_a_decoder_of_another_model_is_not_used(trainer: Desk, write_decoder: Write, monkeypatch) -> None:  # noqa: F811
    monkeypatch.setenv("TRAINEE_DECODER", str(write_decoder("learned")))
    training = trainer.session.training
    training.start(Choice())
    trainer.wait(lambda: training.result is not None)
    end(trainer)
    trainer.settings.model = "vit_b"
    training.use_now()
    assert "answers for the model vit_t, not for vit_b: choose that model" in trainer.texts[-1]
    assert trainer.settings.decoders == {}


def test_nothing_is_begun_without_data(desk: Desk, movie_file: Path, tmp_path: Path) -> None:
    training = desk.session.training
    training.start(Choice())
    assert "nothing to learn from yet" in desk.texts[-1]
    desk.open(movie_file)
    training.start(Choice())
    assert (training.running, "nothing to learn from yet" in desk.texts[-1]) == (False, True)
    pretend(desk, "better")
    training.count(Choice(paths=(tmp_path,)))  # the open movie has no mask, the folder may have
    assert training.planning
    desk.wait(lambda: not training.planning)
    training.start(Choice(paths=(tmp_path,)))
    assert end(desk).finished is not None


def test_no_place_for_a_run_is_a_sentence(trainer: Desk) -> None:
    training_runs.runs_dir().write_text("a file where a folder is to be")
    trainer.session.training.start(Choice())
    course = end(trainer)
    assert course.phase is Phase.FAILED
    assert "There is no place for training" in course.error


def test_data_are_counted_and_the_newest_question_is_answered(trainer: Desk) -> None:
    training = trainer.session.training
    training.count(Choice())
    training.count(Choice(preset="iterative"))
    assert training.planning
    trainer.wait(lambda: not training.planning)
    assert training.plan.data["data_sets"]["movie"]["train"]["cells"] == 8
    pretend(trainer, "failing")
    training.count(Choice())
    trainer.wait(lambda: not training.planning)
    assert (training.plan, training.plan_error[:25]) == (None, "There is nothing to learn")


def test_a_count_that_nobody_waits_for_is_ended(trainer: Desk) -> None:
    training = trainer.session.training
    training.command = [sys.executable, "-c", "import time; time.sleep(600)"]
    counts = []
    for _ in range(2):
        training.count(Choice())
        counts.append(training._planner)
        trainer.wait(lambda: counts[-1].pid is not None)
    trainer.wait(lambda: not counts[0]._thread.is_alive())
    assert counts[1]._thread.is_alive()
    training.shutdown()
    trainer.wait(lambda: not counts[1]._thread.is_alive())


def test_without_a_project_there_is_nothing_to_count(desk: Desk, movie_file: Path) -> None:
    training = desk.session.training
    training.count(Choice())
    assert "nothing to learn from yet" in training.plan_error
    desk.open(movie_file)
    training.count(Choice())
    assert "nothing to learn from yet" in training.plan_error
    assert not training.planning


def test_old_runs_make_room(trainer: Desk) -> None:
    for number in range(9):
        run = training_runs.runs_dir() / f"2026-01-0{number + 1}-120000" / "run"
        run.mkdir(parents=True)
        state = "training" if number == 0 else "finished"
        (run / "run.json").write_text(json.dumps({"state": state, "title": f"{number}"}))
        (run / "state.pt").touch()
    trainer.session.training.start(Choice())
    assert isinstance(end(trainer).finished, Finished)
    left = sorted(place.name[:10] for place in training_runs.runs_dir().iterdir())
    assert left[:-1] == ["2026-01-01", *(f"2026-01-0{day}" for day in (6, 7, 8, 9))]
    assert training_runs.unfinished()[0].begun == "1 January, 12:00"
