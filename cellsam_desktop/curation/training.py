"""Training a decoder on what was curated, beside the work: begin, watch, pause, end, adopt."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from cellsam_desktop import logs
from cellsam_desktop.core.errors import Cancelled, CellSamError
from cellsam_desktop.core.training_messages import (
    Control,
    Event,
    Failed,
    Finished,
    Noticed,
    Pictured,
    Planned,
)
from cellsam_desktop.curation import training_runs
from cellsam_desktop.curation.notices import Offer
from cellsam_desktop.curation.project_copy import copier
from cellsam_desktop.curation.training_course import Course, Phase
from cellsam_desktop.curation.training_runs import Choice, Unfinished
from cellsam_desktop.jobs.training_process import TrainingProcess
from cellsam_desktop.project.schema import SUFFIX
from cellsam_desktop.sam.trained import TrainedDecoder, title_of

if TYPE_CHECKING:
    from cellsam_desktop.curation.open_movie import OpenMovie
    from cellsam_desktop.curation.session import Session

log = logging.getLogger(__name__)

_NOTHING = "There is nothing to learn from yet: accept some masks, or add a folder."


class Training:
    """One training at a time, in a process of its own; curating goes on.

    ``changed`` follows everything it says, up to some times a second; ``planned`` a new count of the data,
    and ``ended`` its end. ``course`` tells how it goes or went, ``result`` is the decoder it gave, once that
    is among the others; ``choice`` is what was learned from last. ``command`` is for tests.
    """

    changed = Signal()
    planned = Signal()
    ended = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._process: TrainingProcess | None = None
        self._planner: TrainingProcess | None = None
        self._cancelled = False
        self._run: Path | None = None
        self._title = ""
        self.command: Sequence[str] | None = None
        self.course = Course()
        self.plan: Planned | None = None
        self.plan_error = ""
        self.plan_notices: list[str] = []
        self.choice = Choice()
        self.unfinished: tuple[Unfinished, ...] = ()
        self.result: TrainedDecoder | None = None

    @property
    def running(self) -> bool:
        """Whether a training is under way."""
        return self.course.phase.running

    @property
    def planning(self) -> bool:
        """Whether the data are being counted."""
        return self._planner is not None

    # -- before ------------------------------------------------------------------------------------

    def count(self, choice: Choice) -> None:
        """Count the cells and frames of the data and how they split, in the background; see ``planned``."""
        if self._planner is not None:
            self._planner.kill()
            self._planner = None
        movie = self._project_of(choice)
        data = [*([] if movie is None else [movie.project_path]), *choice.paths]
        self.plan, self.plan_error, self.plan_notices = None, "", []
        if not data:
            self.plan_error = _NOTHING
            self.planned.emit()
            return
        words = training_runs.plan_words(data, self._session.settings)
        self._planner = self._started(words, self._on_plan, self._on_plan_end)
        self.planned.emit()

    def look_for_unfinished(self) -> None:
        """Find runs that were interrupted; see ``unfinished``."""
        self._session.jobs.runner.run(
            "Looking for unfinished trainings",
            lambda progress: tuple(training_runs.unfinished()),
            self._take_unfinished,
            self._session.notices.failed,
        )

    def discard(self, unfinished: Unfinished) -> None:
        """Remove an interrupted run; that can be undone until another one is removed."""
        notices, runner = self._session.notices, self._session.jobs.runner

        def undo() -> None:
            back = "Bringing a training back"
            runner.run(
                back, lambda _: training_runs.restore(), lambda _: self.look_for_unfinished(), notices.failed
            )

        def done(_: None) -> None:
            notices.info(f"The training on {unfinished.title} was removed.", offer=Offer("Undo", undo))
            self.look_for_unfinished()

        runner.run(
            "Removing a training", lambda _: training_runs.discard(unfinished.folder), done, notices.failed
        )

    # -- the run -----------------------------------------------------------------------------------

    def start(self, choice: Choice) -> None:
        """Begin; the project is copied first, so that what she does meanwhile does not mix in."""
        if self.running:
            return
        movie, session = self._project_of(choice), self._session
        if movie is None and not choice.paths:
            session.notices.warning(_NOTHING)
            return
        self.choice = choice
        copy, name = None, ""
        if movie is not None:
            session.saving.save_view()
            copy, name = copier(session, movie), movie.project_path.name
        self._begin(name.removesuffix(SUFFIX) or choice.paths[0].stem)

        def go(prepared: tuple[Path, list[Path]]) -> None:
            run, data = prepared
            words = training_runs.fit_words(
                [*data, *choice.paths], run, choice, self._title, session.settings
            )
            self._launch(run, words)

        work = partial(training_runs.prepare, name, copy)
        session.jobs.runner.run("Preparing to train", work, go, self._fail_early)

    def resume(self, unfinished: Unfinished) -> None:
        """Go on with a run that was interrupted."""
        if not self.running:
            self._begin(unfinished.title)
            words = training_runs.resume_words(unfinished.folder, self._session.settings)
            self._launch(unfinished.folder, words)

    def pause(self) -> None:
        """Let it rest, with all it knows in memory."""
        if self.course.phase is Phase.LEARNING:
            self.course.phase = Phase.PAUSED
            self._tell(Control.PAUSE)

    def go_on(self) -> None:
        """Let it go on after a pause."""
        if self.course.phase is Phase.PAUSED:
            self.course.phase = Phase.LEARNING
            self._tell(Control.RESUME)

    def stop(self) -> None:
        """End learning and judge the best weights there were; before it has learned, as ``cancel``."""
        if self.running:
            self._cancelled = self.course.last is None
            self.course.phase = Phase.ENDING
            self._tell(Control.STOP)

    def cancel(self) -> None:
        """End it without a result; it can be resumed if it had begun to learn."""
        if self.running:
            self._cancelled = True
            self.course.phase = Phase.ENDING
            self._tell(Control.CANCEL)

    def use_now(self) -> None:
        """Answer with the new decoder from now on."""
        result, session = self.result, self._session
        if result is None:
            return
        if result.base != session.settings.model:
            session.notices.warning(
                f"{result.title} answers for the model {result.base}, not for {session.settings.model}: "
                "choose that model in the preferences, then the decoder among its decoders."
            )
            return
        session.decoders.use(result.name)
        session.notices.info(f"{result.title} answers from now on. Nothing is encoded again.")

    def shutdown(self) -> None:
        """The window closes: a training under way writes down how far it is, and ends."""
        if self._planner is not None:
            self._planner.kill()
        if self._process is not None:
            self._process.stop()
        self._planner = self._process = None

    def _project_of(self, choice: Choice) -> OpenMovie | None:
        """The open movie, if it is chosen and has anything that could be learned from."""
        movie = self._session.movie
        return movie if choice.this_project and movie is not None and movie.store is not None else None

    # -- what the process says ---------------------------------------------------------------------

    def _begin(self, title: str) -> None:
        self._title = title_of(title)
        self.course, self.result, self._cancelled = Course(Phase.PREPARING), None, False
        self.changed.emit()

    def _launch(self, run: Path, words: list[str]) -> None:
        self._run = run
        if self._cancelled:
            self._end(Phase.IDLE)
            return
        self._process = self._started(words, self._on_event, self._on_end)

    def _started(
        self, words: list[str], hear: Callable[[Event], None], end: Callable[[int], None]
    ) -> TrainingProcess:
        process = TrainingProcess(self._session.post, words, self.command)
        process.said.connect(hear)
        process.ended.connect(end)
        return process

    def _tell(self, word: Control) -> None:
        if self._process is not None:
            self._process.tell(word)
        self.changed.emit()

    def _on_event(self, event: Event) -> None:
        self.course.hear(event)
        self.changed.emit()
        if isinstance(event, Pictured):
            threading.Thread(
                target=self._read_picture, args=(event.path,), name="picture", daemon=True
            ).start()
        elif isinstance(event, Finished) and event.better:
            self._session.decoders.adopt(Path(event.folder), self._title, self._take_result)

    def _read_picture(self, path: str) -> None:
        try:
            picture = Path(path).read_bytes()
        except OSError as error:
            log.warning("The picture %s cannot be read: %s", path, error)
            return
        self._session.post(partial(self._take_picture, self.course, picture))

    def _take_picture(self, course: Course, picture: bytes) -> None:
        course.picture = picture
        self.changed.emit()

    def _on_end(self, code: int) -> None:
        self._process = None
        course = self.course
        if course.finished is not None:
            self._end(Phase.FINISHED)
            self._say_how_it_went(course.finished)
        elif course.error:
            self._end(Phase.FAILED)
            self._session.notices.warning(course.error)
        elif self._cancelled and code == 0:
            self._end(Phase.INTERRUPTED)
        else:
            course.error = (
                f"Training ended unexpectedly ({_why(code)}). If it had begun to learn, it can be resumed; "
                f"{logs.log_file('training')} tells more."
            )
            self._end(Phase.INTERRUPTED)
            self._session.notices.warning(course.error)

    def _end(self, phase: Phase) -> None:
        self.course.phase = phase
        self.changed.emit()
        self.ended.emit()
        self.look_for_unfinished()

    def _say_how_it_went(self, finished: Finished) -> None:
        if not finished.better:
            self._session.notices.info(finished.verdict)

    def _take_result(self, decoder: TrainedDecoder) -> None:
        self.result = decoder
        assert self.course.finished is not None
        self._session.notices.info(self.course.finished.verdict, offer=Offer("Use now", self.use_now))
        self.changed.emit()

    def _on_plan(self, event: Event) -> None:
        if isinstance(event, Planned):
            self.plan = event
        elif isinstance(event, Noticed):
            self.plan_notices.append(event.text)
        elif isinstance(event, Failed):
            self.plan_error = event.text

    def _on_plan_end(self, code: int) -> None:
        self._planner = None
        if self.plan is None and not self.plan_error:
            self.plan_error = (
                f"The data could not be counted ({_why(code)}): {logs.log_file('training')} tells more."
            )
        self.planned.emit()

    def _take_unfinished(self, unfinished: tuple[Unfinished, ...]) -> None:
        self.unfinished = tuple(one for one in unfinished if not self.running or one.folder != self._run)
        self.planned.emit()

    def _fail_early(self, error: CellSamError) -> None:
        self.course.error = "" if isinstance(error, Cancelled) else str(error)
        self._end(Phase.FAILED)


def _why(code: int) -> str:
    if code == -9:
        return "the system ended it, perhaps for want of memory"
    return f"code {code}"
