"""The folder of a training run: what was asked for, how it went, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO

from cellsam_desktop import paths
from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.core.training_messages import Event, from_line, to_line
from cellsam_desktop.sam import run_lock
from cellsam_desktop.sam.decoder_files import DecoderFiles
from cellsam_desktop.sam.placement import disk_error
from cellsam_desktop.sam.trained import RECORD, REPORT, STATE
from training.metrics import Judgement


class RunError(CellSamError):
    """A run that cannot be read, begun or gone on with."""


@dataclass
class RunRecord:
    """Everything about a run in plain data; enough to repeat it.

    ``data`` and ``held_out`` are absolute paths, ``split`` what became of them. ``seconds`` are those of each
    part of the run. ``before`` and ``after`` are scores: of ``all`` cells, by ``data_sets``, and from looks
    as close as the window's (``closer``).
    """

    base: Mapping[str, Any]
    config: Mapping[str, Any]
    data: list[str]
    held_out: list[str]
    minutes: float | None
    epochs: int | None
    device: str
    title: str
    started: str
    program: Mapping[str, Any] = field(default_factory=dict)
    state: str = "training"
    split: Mapping[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    outcome: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    verdict: Mapping[str, Any] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    version: int = 1

    @property
    def better(self) -> bool:
        """Whether the decoder is worth adopting."""
        return bool(self.verdict.get("better", False))

    def manifest(self) -> dict[str, Any]:
        """What is to be known about the decoder wherever it goes."""
        return {
            "base": self.base["name"],
            "weights_sha256": self.base["sha256"],
            "title": self.title,
            "config": dict(self.config),
            "data": {"paths": self.data, "held_out": self.held_out, **self.split},
            "before": self.before.get("all"),
            "after": self.after.get("all"),
            "better": self.better,
            "verdict": dict(self.verdict),
            "outcome": dict(self.outcome),
        }


class RunFolder:
    """The files of one run below ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record = path / RECORD
        self.state = path / STATE
        self.history = path / "history.jsonl"
        self.cells = path / "cells.json"
        self.report = path / REPORT
        self.decoder = DecoderFiles(path)
        self._lock: BinaryIO | None = None

    def refuse_used(self) -> None:
        """Raise RunError if there is a run in the folder, or anything else."""
        if self.record.exists():
            raise RunError(
                f"{self.path} holds a training run: go on with it by --resume, or choose a new folder."
            )
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise RunError(f"{self.path} is in use: choose a new or an empty folder.")

    def make(self) -> None:
        """Create the folder if it is not there, and hold it. Raises ModelError if the disk refuses."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(self.path, error) from error
        self.hold()

    def hold(self) -> None:
        """Keep other processes from working on the run, until ``release`` or the end of this one.

        Raises:
            RunError: another process is at work on it.
            ModelError: the disk refuses.
        """
        try:
            self._lock = self._lock or run_lock.take(self.path)
        except OSError as error:
            raise disk_error(self.path, error) from error
        if self._lock is None:
            raise RunError(f"The run in {self.path} is still under way: wait for its end, or end it there.")

    def release(self) -> None:
        """Let other processes work on the run."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def read(self) -> RunRecord:
        """The record of the run.

        Raises:
            RunError: there is none, or this version cannot read it.
        """
        try:
            data = json.loads(self.record.read_text(encoding="utf-8"))
            known = {entry.name for entry in fields(RunRecord)}
            return RunRecord(**{name: value for name, value in data.items() if name in known})
        except FileNotFoundError as error:
            raise RunError(f"{self.path} holds no training run: choose the folder of one.") from error
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise RunError(f"{self.record} cannot be read: train again into a new folder.") from error

    def write(self, record: RunRecord) -> None:
        """Keep the record. Raises ModelError if the disk refuses."""
        self._write(self.record, json.dumps(asdict(record), indent=1) + "\n")

    def write_cells(self, judged: Mapping[str, Judgement]) -> None:
        """Keep what was measured of each cell, ``before`` and ``after``. Raises ModelError."""
        data = {when: [course.to_json() for course in own.courses] for when, own in judged.items()}
        self._write(self.cells, json.dumps(data) + "\n")

    def write_manifest(self, facts: Mapping[str, Any]) -> None:
        """Change what the manifest of the run's decoder says. Raises ModelError."""
        known = json.loads(self.decoder.manifest.read_text(encoding="utf-8"))
        self._write(self.decoder.manifest, json.dumps({**known, **facts}, indent=2) + "\n")

    def write_page(self, page: str) -> None:
        """Keep the page about the run. Raises ModelError."""
        self._write(self.report, page)

    def forget_state(self) -> None:
        """Let go of what only a run that goes on needs. Raises ModelError."""
        try:
            self.state.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(self.state, error) from error

    def remember(self, event: Event) -> None:
        """Add an event to the history. Raises ModelError."""
        try:
            with self.history.open("a", encoding="utf-8") as file:
                file.write(to_line(event) + "\n")
        except OSError as error:
            raise disk_error(self.history, error) from error

    def events(self) -> Iterator[Event]:
        """The history, without a line that a kill cut short."""
        if not self.history.is_file():
            return
        for line in self.history.read_text(encoding="utf-8").splitlines():
            try:
                yield from_line(line)
            except ValueError:
                continue

    def _write(self, path: Path, text: str) -> None:
        try:
            paths.atomic_write_text(path, text)
        except OSError as error:
            raise disk_error(path, error) from error
