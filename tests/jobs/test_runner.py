from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from cellsam_desktop.core.errors import Cancelled, CellSamError, ExchangeError
from cellsam_desktop.jobs.post import PostQueue
from cellsam_desktop.jobs.runner import PERIOD_S, Job, JobRunner, Progress


@pytest.fixture
def runner(post: PostQueue) -> Iterator[JobRunner]:
    runner = JobRunner(post)
    yield runner
    runner.shutdown()


def nothing(_: object) -> None:
    pass


def test_the_result_comes_to_the_main_thread(post, runner):
    results: list[tuple[str, threading.Thread]] = []
    worked_on: list[threading.Thread] = []
    started: list[Job] = []
    runner.started.connect(started.append)

    def work(progress: Progress) -> str:
        worked_on.append(threading.current_thread())
        return "result"

    job = runner.run(
        "Work", work, lambda result: results.append((result, threading.current_thread())), nothing
    )
    assert started == [job]
    assert runner.jobs == (job,)
    assert post.wait_for(lambda: bool(results), 5)
    assert results == [("result", threading.main_thread())]
    assert worked_on[0] is not threading.main_thread()
    assert not job.running
    assert runner.jobs == ()


def test_progress_is_shown_without_flooding_the_main_thread(post, runner):
    shown: list[tuple[float, str]] = []
    reported = threading.Event()
    go_on = threading.Event()

    def work(progress: Progress) -> None:
        for step in range(1000):
            progress(step / 1000, f"step {step}")
        reported.set()
        go_on.wait(5)
        progress(1.0, "last")

    job = runner.run("Work", work, nothing, nothing)
    job.changed.connect(lambda: shown.append((job.fraction, job.text)))
    reported.wait(5)
    assert post.pump() == 1
    assert shown == [(0.999, "step 999")]
    time.sleep(2 * PERIOD_S)
    go_on.set()
    assert post.wait_for(lambda: not job.running, 5)
    assert (1.0, "last") in shown


def test_an_expected_error_goes_to_failed(post, runner):
    errors: list[CellSamError] = []

    def work(progress: Progress) -> None:
        raise ExchangeError("The file is damaged: choose another one.")

    runner.run("Work", work, nothing, errors.append)
    assert post.wait_for(lambda: bool(errors), 5)
    assert isinstance(errors[0], ExchangeError)


def test_an_unexpected_error_is_raised_on_the_main_thread(post, runner):
    def work(progress: Progress) -> None:
        raise ZeroDivisionError("a mistake of ours")

    job = runner.run("Work", work, nothing, nothing)
    with pytest.raises(ZeroDivisionError, match="a mistake of ours"):
        post.wait_for(lambda: False, 5)
    assert not job.running
    assert runner.jobs == ()


def test_cancelling_stops_at_the_next_check(post, runner):
    errors: list[CellSamError] = []
    begun = threading.Event()

    def work(progress: Progress) -> None:
        begun.set()
        while True:
            progress.check()
            time.sleep(0.001)

    job = runner.run("Export", work, nothing, errors.append)
    begun.wait(5)
    job.cancel()
    assert post.wait_for(lambda: bool(errors), 5)
    assert isinstance(errors[0], Cancelled)
    assert str(errors[0]) == "Export was cancelled."


def test_work_done_in_spite_of_a_late_cancel_is_done(post, runner):
    results: list[int] = []
    go_on = threading.Event()

    def work(progress: Progress) -> int:
        go_on.wait(5)
        return 3

    job = runner.run("Work", work, results.append, nothing)
    job.cancel()
    go_on.set()
    assert post.wait_for(lambda: results == [3], 5)


def test_shutdown_is_quick_and_delivers_nothing(post):
    runner = JobRunner(post)
    heard: list[object] = []

    def work(progress: Progress) -> None:
        while True:
            progress(0.5, "on and on")
            time.sleep(0.001)

    for _ in range(3):
        runner.run("Work", work, heard.append, heard.append)
    begun = time.monotonic()
    runner.shutdown()
    assert time.monotonic() - begun < 1
    post.pump()
    assert heard == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("job ")]


def test_shutdown_does_not_wait_for_work_that_never_checks(post):
    runner = JobRunner(post)
    release = threading.Event()
    runner.run("Work", lambda progress: release.wait(10), nothing, nothing)
    begun = time.monotonic()
    runner.shutdown(timeout=0.1)
    assert time.monotonic() - begun < 1
    release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("job "):
            thread.join(5)
