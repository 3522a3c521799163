"""How a training goes, put together from what its process says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from cellsam_desktop.core.decoder_scores import Scores
from cellsam_desktop.core.training_messages import (
    Embedded,
    Event,
    Failed,
    Finished,
    Judged,
    Noticed,
    Planned,
    Stepped,
    Validated,
)


class Phase(StrEnum):
    """What a training is doing."""

    IDLE = "idle"
    PREPARING = "preparing"
    ENCODING = "encoding"
    JUDGING = "judging"
    LEARNING = "learning"
    PAUSED = "paused"
    ENDING = "ending"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    FAILED = "failed"

    @property
    def running(self) -> bool:
        """Whether there is a process at work."""
        return self not in (Phase.IDLE, Phase.FINISHED, Phase.INTERRUPTED, Phase.FAILED)


@dataclass
class Course:
    """Everything that one training has said so far.

    ``losses`` and ``held_out`` are curves of (seconds of training, value); ``best`` the highest value of the
    latter, ``held_out_before`` its value before the first step (None for a resumed run). ``picture`` is a
    PNG, ``error`` a sentence when it failed.
    """

    phase: Phase = Phase.IDLE
    planned: Planned | None = None
    embedded: Embedded | None = None
    before: Scores | None = None
    last: Stepped | None = None
    losses: list[tuple[float, float]] = field(default_factory=list)
    held_out: list[tuple[float, float]] = field(default_factory=list)
    held_out_before: float | None = None
    picture: bytes | None = None
    notices: list[str] = field(default_factory=list)
    finished: Finished | None = None
    error: str = ""

    @property
    def best(self) -> float | None:
        """The best mean IoU on held-out cells so far."""
        return max((value for _, value in self.held_out), default=None)

    @property
    def fraction(self) -> float:
        """How much of the time is spent, 0 to 1; 0 while nobody can tell."""
        if self.phase is Phase.ENCODING and self.embedded is not None:
            return self.embedded.done / max(1, self.embedded.of)
        if self.last is None:
            return 0.0
        return self.last.seconds / max(1e-9, self.last.seconds + self.last.seconds_left)

    def hear(self, event: Event) -> None:
        """Take in what the process says."""
        match event:
            case Planned():
                self.planned = event
                self._go_to(Phase.ENCODING)
            case Embedded():
                self.embedded = event
                then = Phase.JUDGING if self.before is None else Phase.LEARNING
                self._go_to(Phase.ENCODING if event.done < event.of else then)
            case Judged(when="before"):
                self.before = event.scores
                self._go_to(Phase.LEARNING)
            case Stepped():
                self._step(event)
            case Validated():
                self._validate(event)
            case Noticed():
                self.notices.append(event.text)
            case Finished():
                self.finished = event  # the phase changes when the process has ended
            case Failed():
                self.error = event.text

    def _validate(self, event: Validated) -> None:
        value = event.scores.mean_iou
        self.held_out.append((0.0 if self.last is None else self.last.seconds, value))
        if event.step == 0:
            self.held_out_before = value

    def _step(self, event: Stepped) -> None:
        self.last = event
        self.losses.append((event.seconds, event.loss))
        if self.phase in (Phase.ENCODING, Phase.JUDGING):
            self._go_to(Phase.LEARNING)

    def _go_to(self, phase: Phase) -> None:
        """What it was asked to do counts for more than what it is still busy with."""
        if self.phase not in (Phase.PAUSED, Phase.ENDING):
            self.phase = phase
