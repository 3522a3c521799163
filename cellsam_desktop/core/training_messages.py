"""What a training process says, one JSON object per line, and the words it listens to.

Both sides know this module and not each other: ``training`` writes the lines (``--json-lines``), the window
reads them from the process it started and answers with one control word per line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from cellsam_desktop.core.decoder_scores import Scores


class Control(StrEnum):
    """Words on the standard input of the process; its end means that whoever listened is gone.

    ``STOP`` ends training and keeps the best weights so far; ``CANCEL`` ends it and keeps nothing but what a
    resumed run needs.
    """

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    CANCEL = "cancel"


@dataclass(frozen=True)
class Planned:
    """What is about to be done; ``data`` is the summary of the split, with cells and frames of each part."""

    preset: str
    device: str
    data: Mapping[str, Any] = field(default_factory=dict)
    minutes: float | None = None
    epochs: int | None = None
    folder: str = ""


@dataclass(frozen=True)
class Embedded:
    """``done`` of ``of`` views have their embedding."""

    done: int
    of: int


@dataclass(frozen=True)
class Judged:
    """The scores on the test frames, ``when`` is "before" or "after" training, or "now" without one."""

    when: str
    scores: Scores


@dataclass(frozen=True)
class Stepped:
    """How training goes; ``held_out`` is the last mean IoU on held-out frames, None before the first.

    ``seconds`` and ``seconds_left`` are of training time, without pauses.
    """

    step: int
    loss: float
    held_out: float | None
    prompts_per_second: float
    seconds: float
    seconds_left: float


@dataclass(frozen=True)
class Validated:
    """Scores on a sample of the held-out cells; ``best`` says that they are as good as any so far."""

    step: int
    scores: Scores
    best: bool


@dataclass(frozen=True)
class Pictured:
    """A picture (PNG) of example masks as they are now lies at ``path``."""

    path: str


@dataclass(frozen=True)
class Noticed:
    """Something the curator should know, one sentence: the batch was halved, frames were left out."""

    text: str


@dataclass(frozen=True)
class Finished:
    """Training has ended and ``folder`` is complete; ``better`` says whether the decoder is worth adopting.

    ``verdict`` is one sentence for the curator, ``report`` the path of the page with the figures.
    """

    better: bool
    folder: str
    report: str
    before: Scores
    after: Scores
    verdict: str = ""


@dataclass(frozen=True)
class Failed:
    """Training could not begin or go on, one sentence that says what mends it."""

    text: str


Event: TypeAlias = Planned | Embedded | Judged | Stepped | Validated | Pictured | Noticed | Finished | Failed

_KINDS: dict[str, Callable[..., Event]] = {
    kind.__name__.lower(): kind
    for kind in (Planned, Embedded, Judged, Stepped, Validated, Pictured, Noticed, Finished, Failed)
}
_SCORES = ("scores", "before", "after")


def to_line(event: Event) -> str:
    """The event as one line of JSON, without the line's end; ``event`` names its kind."""
    data = {
        name: value.to_json() if isinstance(value, Scores) else value for name, value in vars(event).items()
    }
    return json.dumps({"event": type(event).__name__.lower(), **data})


def from_line(line: str) -> Event:
    """Read what ``to_line`` wrote.

    Raises:
        ValueError: it is no such line.
    """
    try:
        data = json.loads(line)
        kind = _KINDS[data.pop("event")]
        for name in _SCORES:
            if name in data:
                data[name] = Scores.from_json(data[name])
        return kind(**data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a message of training: {line[:200]!r}") from error
