"""What a run says while it works, to a person or to a program, and the words it listens to meanwhile."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from cellsam_desktop.core.decoder_scores import Scores
from cellsam_desktop.core.training_messages import (
    Control,
    Embedded,
    Event,
    Failed,
    Finished,
    Judged,
    Noticed,
    Pictured,
    Planned,
    Stepped,
    Validated,
    to_line,
)
from training.commands import Commands

_PAUSE_S = 10.0
"""Between lines about the same, where they do not replace each other."""


class Lines:
    """Events as lines of JSON. When nobody reads them any more, training ends as if it were killed."""

    def __init__(self, commands: Commands, out: TextIO) -> None:
        self._commands = commands
        self._out = out
        self._broken = False

    def __call__(self, event: Event) -> None:
        """Write one line."""
        if self._broken:
            return
        try:
            self._out.write(to_line(event) + "\n")
            self._out.flush()
        except OSError:
            self._broken = True
            self._commands.tell(Control.CANCEL)


class Console:
    """Events as text for a person: what is done, on one line that changes where the terminal can."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._redraws = out.isatty()
        self._last: tuple[type[Event] | None, float] = (None, 0.0)
        self._drawn = 0

    def __call__(self, event: Event) -> None:
        """Say what happened."""
        text = words_for(event)
        if isinstance(event, Embedded | Stepped):
            self._progress(event, text)
        elif text:
            self._end_line()
            self._out.write(text + "\n")
        self._out.flush()

    def _progress(self, event: Event, text: str) -> None:
        if self._redraws:
            self._out.write("\r" + text.ljust(self._drawn))
            self._drawn = len(text)
            return
        kind, when = self._last
        now = time.monotonic()
        over = isinstance(event, Embedded) and event.done == event.of
        if kind is not type(event) or now - when >= _PAUSE_S or over:
            self._last = type(event), now
            self._out.write(text + "\n")

    def _end_line(self) -> None:
        if self._drawn:
            self._out.write("\n")
            self._drawn = 0


def words_for(event: Event) -> str:
    """One line about an event, empty where there is nothing to say."""
    match event:
        case Planned():
            return _plan(event)
        case Embedded(done, of):
            return f"Encoding: {done} of {of} views"
        case Judged(when, scores):
            return f"{when.capitalize()}: {scores_in_words(scores)}"
        case Stepped():
            return _step(event)
        case Validated(step, scores, best):
            held = f"Step {step}: IoU {scores.mean_iou:.3f} on {scores.cells} validation cells"
            return held + (", as good as any so far" if best else "")
        case Noticed(text) | Failed(text):
            return text
        case Finished():
            return f"{event.verdict}\nReport: {event.report}"
        case Pictured():
            return ""


def scores_in_words(scores: Scores) -> str:
    """The main figures on one line."""
    parts = [f"{scores.cells} cells"]
    for kind, own in scores.kinds.items():
        after = [f"{own.iou[n]:.3f} after {n}" for n in (1, 3, 7) if n < len(own.iou)]
        corrections = f" ({', '.join(after)} corrections)" if after else ""
        parts.append(f"{kind} {own.iou[0]:.3f}{corrections}")
    return "IoU on " + ", ".join(parts)


def _plan(event: Planned) -> str:
    parts = ", ".join(
        f"{own['cells']} cells on {own['frames']} frames to {verb}"
        for name, verb in (("train", "learn from"), ("validate", "choose by"), ("test", "judge by"))
        if (own := event.data.get(name))
    )
    time_given = f", {event.minutes:g} minutes" if event.minutes else ""
    epochs = f", {event.epochs} epochs" if event.epochs else ""
    notes = "".join(f"\n{note}" for note in event.data.get("notes", ()))
    how = f"Preset {event.preset} on {event.device}{time_given}{epochs}: " if event.preset else ""
    return f"{how}{parts}.{notes}"


def _step(event: Stepped) -> str:
    held = "" if event.held_out is None else f", held-out IoU {event.held_out:.3f}"
    return (
        f"Step {event.step}: loss {event.loss:.3f}{held}, {event.prompts_per_second:.0f} prompts/s, "
        f"{event.seconds_left / 60:.1f} minutes left"
    )


def listen(commands: Commands, descriptor: int = 0) -> bool:
    """Take control words from a pipe, one per line, in the background; its end cancels. False: it is no pipe.

    A terminal or a file does not steer, and no input at all is not the end of a window.
    """
    try:
        if not (stat.S_ISFIFO(mode := os.fstat(descriptor).st_mode) or stat.S_ISSOCK(mode)):
            return False
    except OSError:
        return False
    threading.Thread(target=_hear, args=(commands, descriptor), name="control", daemon=True).start()
    return True


def _hear(commands: Commands, descriptor: int) -> None:
    # Past Python's buffers: a thread that waits in their locks would be in the way when the interpreter ends.
    rest = b""
    while part := os.read(descriptor, 4096):
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            word = line.decode("ascii", "replace").strip()
            if word in list(Control):
                commands.tell(Control(word))
    commands.tell(Control.CANCEL)


@contextmanager
def interrupts(commands: Commands) -> Iterator[None]:
    """Ctrl+C stops and keeps the best, twice ends at once; SIGTERM leaves a run to resume."""

    def on_interrupt(_: int, __: FrameType | None) -> None:
        if commands.ending is not None:
            raise KeyboardInterrupt
        print("\nStopping, and keeping the best. Ctrl+C again ends at once.", file=sys.stderr, flush=True)
        commands.tell(Control.STOP)

    def on_terminate(_: int, __: FrameType | None) -> None:
        commands.tell(Control.CANCEL)

    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # whoever started this decides
        yield
        return
    before = signal.signal(signal.SIGINT, on_interrupt), signal.signal(signal.SIGTERM, on_terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
