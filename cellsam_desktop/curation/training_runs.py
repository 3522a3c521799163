"""The folders of training runs that the window began, and the words that begin and resume them."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cellsam_desktop import paths
from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.jobs.runner import Progress
from cellsam_desktop.sam import run_lock
from cellsam_desktop.sam.trained import FINISHED, RECORD, STATE
from cellsam_desktop.settings import Settings

log = logging.getLogger(__name__)

PRESETS = {
    "curator": "Curator: points, boxes and corrections, as you work",
    "cellsam-box": "Boxes only",
    "cellsam-point": "Points only",
    "iterative": "As micro-sam trains, with the encoder frozen",
    "epfl-mitochondria": "As published for EPFL mitochondria",
}
"""The presets of ``cellsam-train`` and what they are for; the first is the default."""

_KEPT = 5
"""So many runs that have ended are kept, with their pages; decoders that were added are copies."""

_CELLS, _CLICKS = 24, 4
"""When decoders are compared so many cells are asked for at most, evenly spread, with so many clicks."""

_RUN, _DATA = "run", "data"
_REMOVED = ".removed"


@dataclass(frozen=True)
class Choice:
    """What to learn from and how: the open project and ``paths`` of others (projects, folders)."""

    this_project: bool = True
    paths: tuple[Path, ...] = ()
    preset: str = "curator"
    minutes: float = 5.0


@dataclass(frozen=True)
class Unfinished:
    """A run that did not finish and can be resumed; ``begun`` is when it began, in words."""

    folder: Path
    title: str
    begun: str


def runs_dir() -> Path:
    """Where the runs of the window lie."""
    return paths.data_dir() / "training"


def fit_words(data: Sequence[Path], run: Path, choice: Choice, title: str, settings: Settings) -> list[str]:
    """What to tell ``cellsam-train`` for a new run in the folder ``run``."""
    words = ["fit", *map(str, data), "--out", str(run), "--title", title, "--preset", choice.preset]
    words += ["--minutes", f"{choice.minutes:g}", "--base", settings.model]
    return [*words, *_device_words(settings), *_cache_words(settings), "--json-lines"]


def resume_words(run: Path, settings: Settings) -> list[str]:
    """What to tell ``cellsam-train`` to go on with a run."""
    return ["fit", "--resume", "--out", str(run), *_cache_words(settings), "--json-lines"]


def plan_words(data: Sequence[Path], settings: Settings) -> list[str]:
    """What to tell ``cellsam-train`` to count the data and say how they split."""
    return ["plan", *map(str, data), "--base", settings.model, "--json-lines"]


def evaluate_words(project: Path, decoder: Path | None, settings: Settings) -> list[str]:
    """What to tell ``cellsam-train`` to measure a decoder, None for the model's own, on some cells."""
    chosen = [] if decoder is None else ["--decoder", str(decoder)]
    words = ["evaluate", str(project), "--base", settings.model, *chosen]
    words += ["--clicks", str(_CLICKS), "--cells", str(_CELLS)]
    return [*words, *_device_words(settings), *_cache_words(settings), "--json-lines"]


def _device_words(settings: Settings) -> list[str]:
    return [] if settings.device == "auto" else ["--device", settings.device]


def _cache_words(settings: Settings) -> list[str]:
    """The room for embeddings, which a training shares with the window."""
    return ["--cache-gb", f"{settings.cache_limit_gb:g}"]


def prepare(name: str, copy: Callable[[Path], None] | None, progress: Progress) -> tuple[Path, list[Path]]:
    """Make a place for a run; returns the folder of the run, and the copy of the project in a list.

    The run learns from a copy, so that a resumed one has the same split although the project went on
    growing. Older runs that ended are removed.

    Raises:
        CellSamError: the disk refuses.
    """
    progress.check()
    _remove_old()
    place = runs_dir() / f"{datetime.now():%Y-%m-%d-%H%M%S}"
    try:
        (place / _DATA).mkdir(parents=True)
    except OSError as error:
        raise CellSamError(
            f"There is no place for training in {runs_dir()} ({error.strerror or error}): make room."
        ) from error
    data = []
    if copy is not None:
        data.append(place / _DATA / name)
        copy(data[0])
    return place / _RUN, data


def unfinished() -> list[Unfinished]:
    """Runs that were interrupted, or failed, after they had begun to learn, the newest first.

    One that a process is at work on, perhaps for another window, is none of them.
    """
    found = []
    for run in _runs():
        record = _record(run)
        waits = record.get("state", FINISHED) != FINISHED and (run / STATE).is_file()
        if waits and not run_lock.is_held(run):
            found.append(Unfinished(run, str(record.get("title", "")), _when(run)))
    return found


def discard(run: Path) -> None:
    """Put a run away with all it has learned, until another one is; see ``restore``.

    Raises:
        CellSamError: a process is at work on it, or the disk refuses.
    """
    if run_lock.is_held(run):
        raise CellSamError(f"The training in {run} is still under way: end it first, in its window.")
    away = runs_dir() / _REMOVED
    try:
        paths.put_away(run.parent, away)
    except OSError as error:
        raise CellSamError(f"{run.parent} cannot be removed: {error.strerror or error}.") from error


def restore() -> None:
    """Bring back the run that was put away last.

    Raises:
        CellSamError: there is none, or the disk refuses.
    """
    away = runs_dir() / _REMOVED
    try:
        places = list(away.glob("*/"))
        for place in places:
            place.replace(runs_dir() / place.name)
    except OSError as error:
        raise CellSamError(f"{away} cannot be brought back: {error.strerror or error}.") from error
    if not places:
        raise CellSamError(f"There is no removed training in {runs_dir()} any more.")


def _runs() -> Iterator[Path]:
    places = sorted(runs_dir().glob("*/"), reverse=True) if runs_dir().is_dir() else []
    yield from (place / _RUN for place in places if place.name != _REMOVED)


def _remove_old() -> None:
    waiting = {one.folder for one in unfinished()}
    ended = [run for run in _runs() if run not in waiting and not run_lock.is_held(run)]
    for run in ended[_KEPT - 1 :]:
        try:
            shutil.rmtree(run.parent)
        except OSError as error:
            log.warning("%s cannot be deleted: %s", run.parent, error)


def _record(run: Path) -> dict[str, Any]:
    try:
        record = json.loads((run / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _when(run: Path) -> str:
    begun = datetime.strptime(run.parent.name, "%Y-%m-%d-%H%M%S")
    return f"{begun.day} {begun:%B, %H:%M}"
