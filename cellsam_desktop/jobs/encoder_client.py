"""The window's side of the encoder worker: it keeps what the worker should be doing, and tells it.

The wish (configuration, movie, queue) is kept here whole. Only what changed is sent, in its latest version;
a worker that was started again is sent everything. So nothing the main thread calls waits for the worker.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from psygnal import Signal

from cellsam_desktop import logs
from cellsam_desktop.jobs.at_work import AtWork
from cellsam_desktop.jobs.post import Post
from cellsam_desktop.jobs.protocol import (
    Configure,
    DecoderReady,
    Encoded,
    Failed,
    Message,
    OpenMovie,
    SetCacheLimit,
    SetQueue,
    StateReport,
    Working,
)
from cellsam_desktop.jobs.restarts import Restarts
from cellsam_desktop.jobs.targets import EncodeTarget, MovieRef, WorkerConfig, WorkerState
from cellsam_desktop.jobs.worker_process import WorkerProcess, worker_command

log = logging.getLogger(__name__)

_MAX_DEATHS = 2  # a target during which the worker died so often is not tried again


class EncoderClient:
    """Keeps one encoder worker running and encodes the queue, first target first.

    ``encoded`` gives the key of a target's embedding in the cache. Every target is answered once for each
    movie opened, and again only if its embedding had to be computed again; so a queue may well hold targets
    that are done already. It should hold all frames, nearest first, since the worker uses it to decide which
    embeddings a small cache keeps. ``encodes`` and ``hits`` count the answers that cost work and those that
    did not.
    """

    state_changed = Signal(WorkerState)
    encoded = Signal(EncodeTarget, str)
    failed = Signal(EncodeTarget, str)
    decoder_ready = Signal(Path)

    def __init__(self, post: Post, config: WorkerConfig, command: Sequence[str] | None = None) -> None:
        self._post = post
        self._command = list(command) if command is not None else worker_command()
        self._wake = threading.Condition()
        self._stopping = True
        self._config = config
        self._number = 0
        self._generation = 0
        self._movie: MovieRef | None = None
        self._queue: tuple[EncodeTarget, ...] = ()
        self._unsent: set[type[Message]] = set()
        self._child: WorkerProcess | None = None
        self._at_work = AtWork()
        self._together = True
        self._deaths: Counter[EncodeTarget] = Counter()
        self._threads: list[threading.Thread] = []
        self.state = WorkerState("stopped")
        self.encodes = 0
        self.hits = 0

    @property
    def config(self) -> WorkerConfig:
        """Model, device and folders in use."""
        return self._config

    @property
    def pid(self) -> int | None:
        """The worker's process id while it runs."""
        with self._wake:
            return None if self._child is None else self._child.pid

    def progress(self, targets: Collection[EncodeTarget]) -> float | None:
        """How much of the encoding of one of ``targets`` is done, 0 to 1, going by what the last ones took.

        0 while the worker is busy with other targets; None before anything was encoded.
        """
        with self._wake:
            return self._at_work.progress(targets, time.monotonic())

    def start(self) -> None:
        """Start the worker; harmless while it runs."""
        if any(thread.is_alive() for thread in self._threads):
            return
        self._stopping = False
        self._threads = [
            threading.Thread(target=target, name=name, daemon=True)
            for target, name in ((self._supervise, "encoder-reader"), (self._write, "encoder-writer"))
        ]
        self._set_state(WorkerState("starting"))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the worker, whatever it is doing, within a second; nothing is delivered afterwards."""
        with self._wake:
            self._stopping = True
            child = self._child
            self._wake.notify_all()
        if child is not None:
            child.wait_or_kill()
        for thread in self._threads:
            thread.join(timeout=2)
        self._threads = []
        self._set_state(WorkerState("stopped"))

    def open_movie(self, movie: MovieRef) -> None:
        """Encode this movie from now on, with an empty queue at first; to be called for new contrast too."""
        self._change_movie(movie)

    def close_movie(self) -> None:
        """Encode nothing from now on and let go of the file."""
        self._change_movie(None)

    def set_queue(self, targets: Sequence[EncodeTarget]) -> None:
        """Replace what is to be encoded, first things first; the target being encoded is finished."""
        with self._wake:
            self._queue = tuple(dict.fromkeys(targets))
            self._ask(SetQueue)

    def set_model(self, name: str) -> None:
        """Encode with another model from now on, or load the same one again; the queue is begun anew."""
        self._configure(replace(self._config, model=name))

    def set_device(self, device: str) -> None:
        """Encode on another device (one of ``core.devices.DEVICES``) from now on."""
        self._configure(replace(self._config, device=device))

    def set_cache_limit(self, limit_bytes: int) -> None:
        """Let the cache of embeddings hold so many bytes from now on."""
        with self._wake:
            self._config = replace(self._config, cache_limit_bytes=limit_bytes)
            self._ask(SetCacheLimit)

    # -- the wish -------------------------------------------------------------------------------------

    def _configure(self, config: WorkerConfig) -> None:
        with self._wake:
            self._config = config
            self._number += 1
            self._new_generation()
            self._ask(Configure, OpenMovie, SetQueue)

    def _change_movie(self, movie: MovieRef | None) -> None:
        with self._wake:
            self._movie, self._queue = movie, ()
            self._new_generation()
            self._ask(OpenMovie, SetQueue)

    def _new_generation(self) -> None:
        self._generation += 1
        self._deaths.clear()
        self._together = True

    def _ask(self, *kinds: type[Message]) -> None:
        self._unsent.update(kinds)
        self._wake.notify_all()

    def _take_unsent(self) -> list[Message]:
        """The latest version of everything the worker does not know yet, in the order it needs."""
        targets = tuple(target for target in self._queue if self._deaths[target] < _MAX_DEATHS)
        messages: tuple[Message, ...] = (
            Configure(self._number, self._config),
            OpenMovie(self._generation, self._movie),
            SetCacheLimit(self._config.cache_limit_bytes),
            SetQueue(self._generation, targets, self._together),
        )
        unsent, self._unsent = self._unsent, set()
        return [message for message in messages if type(message) in unsent]

    # -- on the writer thread -------------------------------------------------------------------------

    def _write(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._stopping or (self._child is not None and self._unsent))
                child = self._child
                messages = [] if self._stopping else self._take_unsent()
            if child is not None:
                child.send(messages)
            if self._stopping:
                if child is not None:
                    child.close_input()
                return

    # -- on the reader thread -------------------------------------------------------------------------

    def _supervise(self) -> None:
        while not self._stopping:
            self._keep_running(Restarts())
            self._wait_for_another_choice()

    def _wait_for_another_choice(self) -> None:
        """Given up, until another model or device is chosen."""
        with self._wake:
            number = self._number
            self._wake.wait_for(lambda: self._stopping or self._number != number)

    def _keep_running(self, restarts: Restarts) -> None:
        """Run workers, one after the other; returns when that is of no use any more."""
        delay: float | None = 0.0
        while delay is not None:
            with self._wake:
                if self._wake.wait_for(lambda: self._stopping, timeout=delay):
                    return
            self._post(partial(self._show, StateReport(WorkerState("starting"))))
            try:
                child = WorkerProcess(self._command)
            except OSError as error:
                self._give_up(f"The encoder cannot be started ({error}): install the program again.")
                return
            if self._attach(child):
                for message in child.messages():
                    self._receive(message)
            delay = self._detach(child.finish(), restarts)

    def _attach(self, child: WorkerProcess) -> bool:
        with self._wake:
            if not self._stopping:
                self._child = child
                self._at_work.begin((), time.monotonic())
                self._ask(Configure, OpenMovie, SetQueue)
                return True
        child.close_input()
        return False

    def _detach(self, code: int, restarts: Restarts) -> float | None:
        """After the worker's end: seconds until the next start, None for no more."""
        with self._wake:
            self._child = None
            if self._stopping:
                return None
            suspects, generation = self._at_work.targets, self._generation
            left_out = self._accuse(suspects)
        log.warning("The encoder worker ended with code %d while busy with %s.", code, suspects)
        for target in left_out:
            sentence = f"The encoder stopped twice at this frame ({_why(code)}), so the frame is left out."
            self._post(partial(self._show, Failed(generation, target, sentence)))
        delay = restarts.delay(time.monotonic())
        if delay is None:
            self._give_up(
                f"The encoder keeps stopping: {_why(code)}. Choose a smaller model or another device; "
                f"{logs.log_file('encoder-worker')} tells more."
            )
        return delay

    def _accuse(self, suspects: tuple[EncodeTarget, ...]) -> list[EncodeTarget]:
        """Which targets to leave out; of several nobody knows which it was, so from now on they go alone."""
        if len(suspects) > 1:
            self._together = False
            return []
        self._deaths.update(suspects)
        return [target for target in suspects if self._deaths[target] >= _MAX_DEATHS]

    def _give_up(self, sentence: str) -> None:
        self._post(partial(self._show, StateReport(WorkerState("broken", message=sentence))))

    def _receive(self, message: Message) -> None:
        now = time.monotonic()
        if isinstance(message, Working):
            with self._wake:
                known = message.generation == self._generation
                self._at_work.begin(message.targets if known else (), now)
            return
        if isinstance(message, (Encoded, Failed)):
            encoded = isinstance(message, Encoded) and not message.hit
            with self._wake:
                self._at_work.end(message.target, now, encoded=encoded)
        self._post(partial(self._show, message))

    # -- on the main thread ---------------------------------------------------------------------------

    def _show(self, message: Message) -> None:
        if self._stopping:
            return
        if isinstance(message, StateReport):
            self._set_state(message.state)
        elif isinstance(message, DecoderReady):
            if message.number == self._number:
                self.decoder_ready.emit(message.path)
        elif isinstance(message, Encoded):
            self.hits += message.hit
            self.encodes += not message.hit
            if message.generation == self._generation:
                self.encoded.emit(message.target, message.key)
        elif isinstance(message, Failed) and message.generation == self._generation:
            self.failed.emit(message.target, message.sentence)

    def _set_state(self, state: WorkerState) -> None:
        if state != self.state:
            self.state = state
            self.state_changed.emit(state)


def _why(code: int) -> str:
    if code == -9:
        return "the system ended it, perhaps for want of memory"
    return f"it ended with code {code}"
