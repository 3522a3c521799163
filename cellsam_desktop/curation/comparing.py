"""Decoders measured on the same cells, those of the open project: the only numbers that can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from cellsam_desktop import logs
from cellsam_desktop.core.decoder_scores import Scores
from cellsam_desktop.core.training_messages import Event, Failed, Judged
from cellsam_desktop.curation import training_runs
from cellsam_desktop.jobs.training_process import TrainingProcess

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session


class Comparing:
    """Asks one decoder after the other, in a process beside the window. ``changed`` follows each answer.

    ``results`` are the scores by the decoder's name ("" for the model's own); ``error`` says why there are no
    more. ``command`` is for tests.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._process: TrainingProcess | None = None
        self._waiting: list[str] = []
        self._project = Path()
        self.command: Sequence[str] | None = None
        self.results: dict[str, Scores] = {}
        self.error = ""
        session.movie_changed.connect(self._forget)

    @property
    def running(self) -> bool:
        """Whether a decoder is being asked."""
        return self._process is not None

    def start(self, names: Iterable[str]) -> None:
        """Measure these decoders on the curated cells of the open project."""
        movie = self._session.movie
        if self.running or movie is None:
            return
        self.results, self.error, self._waiting = {}, "", list(names)
        self._project = movie.project_path
        if movie.store is None:
            self._waiting, self.error = [], "There is nothing to compare on yet: accept some masks first."
        self._next()

    def cancel(self) -> None:
        """Ask no more decoders."""
        self._waiting = []
        if self._process is not None:
            self._process.kill()
            self._process = None
            self.changed.emit()

    def _forget(self) -> None:
        """Another project is open: what was measured is not about its cells."""
        self.results, self.error = {}, ""
        self.cancel()
        self.changed.emit()

    def _next(self) -> None:
        self._process = None
        if self._waiting:
            name, session = self._waiting.pop(0), self._session
            decoder = session.decoders.get(name)
            folder = None if decoder is None else decoder.files.folder
            words = training_runs.evaluate_words(self._project, folder, session.settings)
            self._process = TrainingProcess(session.post, words, self.command)
            self._process.said.connect(partial(self._on_event, name))
            self._process.ended.connect(self._on_end)
        self.changed.emit()

    def _on_event(self, name: str, event: Event) -> None:
        if isinstance(event, Judged):
            self.results[name] = event.scores
        elif isinstance(event, Failed):
            self.error = event.text

    def _on_end(self, code: int) -> None:
        if code != 0:
            self._waiting = []
            self.error = self.error or (
                f"The decoder could not be measured (code {code}): {logs.log_file('training')} tells more."
            )
        self._next()
