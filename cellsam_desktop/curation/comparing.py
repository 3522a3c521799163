"""Decoders measured on the same cells, those of the open project: the only numbers that can be compared."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from cellsam_desktop import logs
from cellsam_desktop.core.decoder_scores import Scores
from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.core.training_messages import Event, Failed
from cellsam_desktop.jobs.training_process import TrainingProcess

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

_CELLS = 24
"""So many cells are asked for at most, evenly spread over the project."""

_CLICKS = 4


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
        self._project: Path | None = None
        self.command: Sequence[str] | None = None
        self.results: dict[str, Scores] = {}
        self.error = ""

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

    def _next(self) -> None:
        self._process = None
        if self._waiting:
            name = self._waiting.pop(0)
            folder = Path(tempfile.mkdtemp(prefix="cellsam-"))
            words = self._words(name, folder / "scores.json")
            self._process = TrainingProcess(self._session.post, words, self.command)
            self._process.said.connect(self._on_event)
            self._process.ended.connect(partial(self._on_end, name, folder / "scores.json"))
        self.changed.emit()

    def _words(self, name: str, out: Path) -> list[str]:
        decoder = self._session.decoders.get(name)
        chosen = [] if decoder is None else ["--decoder", str(decoder.files.folder)]
        words = ["evaluate", str(self._project), "--base", self._session.settings.model, *chosen]
        words += ["--clicks", str(_CLICKS), "--cells", str(_CELLS), "--json", str(out), "--json-lines"]
        device = self._session.settings.device
        return words if device == "auto" else [*words, "--device", device]

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Failed):
            self.error = event.text

    def _on_end(self, name: str, out: Path, code: int) -> None:
        if code == 0:
            self._session.jobs.runner.run(
                "Reading figures", lambda _: _read(out), partial(self._take, name), self._give_up
            )
            return
        self._waiting = []
        self.error = self.error or (
            f"The decoder could not be measured (code {code}): {logs.log_file('training')} tells more."
        )
        self._next()

    def _take(self, name: str, scores: Scores) -> None:
        if self.running:
            self.results[name] = scores
            self._next()

    def _give_up(self, error: CellSamError) -> None:
        self._waiting, self.error = [], str(error)
        self._next()


def _read(out: Path) -> Scores:
    """The scores of all data, whose file is not needed any more."""
    try:
        scores = Scores.from_json(json.loads(out.read_text(encoding="utf-8"))["all"])
        out.unlink()
        out.parent.rmdir()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CellSamError(f"The figures in {out} cannot be read: compare again.") from error
    return scores
