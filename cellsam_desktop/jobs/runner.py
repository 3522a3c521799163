"""Long work with progress and cancellation, one thread per job."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from psygnal import Signal

from cellsam_desktop.core.errors import Cancelled, CellSamError
from cellsam_desktop.jobs.post import Post

log = logging.getLogger(__name__)

T = TypeVar("T")

PERIOD_S = 0.05
"""Progress is shown at most once in so many seconds."""


class Job:
    """One piece of work as the main thread sees it. ``changed`` follows progress and the end."""

    changed = Signal()

    def __init__(self, name: str) -> None:
        self.name = name
        self.fraction = 0.0
        self.text = ""
        self.running = True
        self._cancel = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Whether the user asked to stop it."""
        return self._cancel.is_set()

    def cancel(self) -> None:
        """Ask the work to stop; it does at its next ``check``, and ``failed`` gets ``Cancelled``."""
        self._cancel.set()


class Progress:
    """What the work calls, on its own thread."""

    def __init__(self, job: Job, post: Post) -> None:
        self._job = job
        self._post = post
        self._lock = threading.Lock()
        self._latest = (0.0, "")
        self._posted = False
        self._due = 0.0

    def __call__(self, fraction: float, text: str = "") -> None:
        """Report how much is done, 0 to 1, and on what; raises Cancelled like ``check``."""
        self.check()
        with self._lock:
            self._latest = (fraction, text)
            # Work that reports faster than anybody can look must not flood the main thread.
            if self._posted or time.monotonic() < self._due:
                return
            self._posted, self._due = True, time.monotonic() + PERIOD_S
        self._post(self._show)

    def check(self) -> None:
        """Raise Cancelled if the user asked to stop."""
        if self._job.cancelled:
            raise Cancelled(f"{self._job.name} was cancelled.")

    def _show(self) -> None:
        with self._lock:
            self._posted = False
            self._job.fraction, self._job.text = self._latest
        if self._job.running:
            self._job.changed.emit()


class JobRunner:
    """Starts jobs. ``started`` gives each new job, for a place that shows them."""

    started = Signal(Job)

    def __init__(self, post: Post) -> None:
        self._post = post
        self._threads: dict[Job, threading.Thread] = {}
        self._closed = False

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs still running, oldest first."""
        return tuple(self._threads)

    def run(
        self,
        name: str,
        work: Callable[[Progress], T],
        done: Callable[[T], None],
        failed: Callable[[CellSamError], None],
    ) -> Job:
        """Run ``work`` on a thread, then ``done`` with its result, or ``failed`` with its error.

        ``failed`` gets the errors meant for the user, ``Cancelled`` among them. Any other exception of the
        work is raised on the main thread, where the program's one exception hook sees it.
        """
        job = Job(name)
        thread = threading.Thread(
            target=self._work, args=(job, work, done, failed), name=f"job {name}", daemon=True
        )
        self._threads[job] = thread
        self.started.emit(job)
        thread.start()
        return job

    def shutdown(self, timeout: float = 0.8) -> None:
        """Cancel all jobs and wait for them; nothing is delivered afterwards."""
        self._closed = True
        deadline = time.monotonic() + timeout
        for job in self.jobs:
            job.cancel()
        for job, thread in self._threads.items():
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                log.warning("The job %r did not stop in time.", job.name)
        self._threads.clear()

    def _work(
        self,
        job: Job,
        work: Callable[[Progress], T],
        done: Callable[[T], None],
        failed: Callable[[CellSamError], None],
    ) -> None:
        end: Callable[[], None]
        try:
            end = partial(done, work(Progress(job, self._post)))
        except CellSamError as error:
            end = partial(failed, error)
        except BaseException as error:  # noqa: BLE001 - raised again on the main thread
            end = partial(_raise, error)
        self._post(partial(self._finish, job, end))

    def _finish(self, job: Job, end: Callable[[], None]) -> None:
        if self._closed:
            return
        self._threads.pop(job).join()
        job.running = False
        job.changed.emit()
        end()


def _raise(error: BaseException) -> None:
    raise error
