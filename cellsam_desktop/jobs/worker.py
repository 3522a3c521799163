"""What the encoder worker does: one target after the other, from the cache or from the encoder."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.errors import CellSamError, ImageError, WorkerError
from cellsam_desktop.jobs.backlog import Backlog
from cellsam_desktop.jobs.leisure import Leisure
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
from cellsam_desktop.jobs.targets import EncodeTarget, WorkerKind, WorkerState
from cellsam_desktop.jobs.worker_model import (
    DecoderFound,
    EncoderLoaded,
    LoadingFailed,
    ModelEvent,
    WeightsKnown,
    load_model,
)
from cellsam_desktop.jobs.worker_movie import WorkerMovie
from cellsam_desktop.sam.embedding_cache import EmbeddingCache, embedding_key
from cellsam_desktop.sam.steady_encoder import SteadyEncoder

log = logging.getLogger(__name__)

Image = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class _Missing:
    """A target that is not in the cache, and what the encoder sees of it."""

    target: EncodeTarget
    key: str
    image: Image


class Worker:
    """Waits for messages, and works on the queue between them.

    Until the encoder is loaded, and when it cannot be, targets found in the cache are answered and the others
    wait. All methods but ``receive`` run on one thread.
    """

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._send = send
        self._inbox: queue.SimpleQueue[Message | ModelEvent] = queue.SimpleQueue()
        self._number = -1
        self._cache: EmbeddingCache | None = None
        self._digest = self._device = ""
        self._encoder: SteadyEncoder | None = None
        self._trouble = ""
        self._remark = ""
        self._encoding = False
        self._state: WorkerState | None = None
        self._movie: WorkerMovie | None = None
        self._generation = -1
        self._backlog = Backlog()
        self._together = True
        self._keys: dict[EncodeTarget, str] = {}
        self._answered: set[EncodeTarget] = set()
        self._leisure = Leisure()

    def receive(self, message: Message | ModelEvent) -> None:
        """Hand over a message; from any thread."""
        self._inbox.put(message)

    def run(self) -> None:
        """Work for ever; the process ends when its parent closes the pipe."""
        while True:
            self._read_messages()
            target = self._next()
            if target is not None:
                self._leisure.end()
                self._work_on(target)

    def _read_messages(self) -> None:
        """All that have come; waits for one when there is nothing else to do."""
        while True:
            idle = not (self._is_ready() and self._backlog.has_next(self._encoder is not None))
            if idle:
                self._encoding = False
                self._leisure.begin()
                self._report()
            try:
                message = self._inbox.get(block=idle)
            except queue.Empty:
                return
            self._handle(message)

    def _handle(self, message: Message | ModelEvent) -> None:
        if isinstance(message, Configure):
            self._configure(message)
        elif isinstance(message, OpenMovie):
            self._open_movie(message)
        elif isinstance(message, SetQueue):
            self._set_queue(message)
        elif isinstance(message, SetCacheLimit) and self._cache is not None:
            self._cache.limit_bytes = message.limit_bytes
        elif isinstance(message, ModelEvent) and message.number == self._number:
            self._learn(message)

    # -- the model --------------------------------------------------------------------------------------

    def _configure(self, message: Configure) -> None:
        config = message.config
        self._number = message.number
        self._device = config.device
        self._cache = EmbeddingCache(config.embeddings_dir, config.cache_limit_bytes)
        self._digest, self._encoder, self._trouble, self._remark = "", None, "", ""
        self._forget_answers()
        self._leisure.close()
        self._leisure = Leisure()
        task = partial(load_model, message, self.receive, self._leisure)
        threading.Thread(target=task, name="model", daemon=True).start()

    def _learn(self, event: ModelEvent) -> None:
        if isinstance(event, WeightsKnown):
            self._digest = event.digest
        elif isinstance(event, DecoderFound):
            self._send(DecoderReady(event.number, event.path))
        elif isinstance(event, EncoderLoaded):
            self._encoder = event.encoder
        elif isinstance(event, LoadingFailed) and not event.encoder_works:
            self._trouble = event.sentence
        else:
            self._remark = event.sentence
        self._report()

    def _report(self) -> None:
        """Say what is being done, if that is new."""
        kind: WorkerKind = "encoding" if self._encoding else "idle"
        if self._trouble:
            kind = "broken"
        elif self._encoder is None:
            kind = "loading"
        device = "" if self._encoder is None else self._encoder.device
        state = WorkerState(kind, device, self._trouble or self._remark or self._left_out())
        if state != self._state:
            self._state = state
            self._send(StateReport(state))

    def _left_out(self) -> str:
        if self._encoding or self._cache is None or len(self._backlog.queue) <= self._cache.capacity:
            return ""
        return (
            f"The embedding cache holds {self._cache.capacity} frames, so those further away are encoded "
            "when you get near them; the preferences set its size."
        )

    # -- movie and queue ----------------------------------------------------------------------------------

    def _open_movie(self, message: OpenMovie) -> None:
        if self._movie is not None:
            self._movie.close()
        self._movie = None if message.movie is None else WorkerMovie(message.movie)
        self._generation = message.generation
        self._backlog.replace(())
        self._forget_answers()

    def _set_queue(self, message: SetQueue) -> None:
        self._backlog.replace(message.targets)
        self._together = message.together
        self._begin_queue()

    def _forget_answers(self) -> None:
        self._keys.clear()
        self._answered.clear()
        self._begin_queue()

    def _begin_queue(self) -> None:
        self._backlog.begin(0 if self._cache is None else self._cache.capacity)

    def _is_ready(self) -> bool:
        """Whether targets can be looked up."""
        return self._movie is not None and self._cache is not None and bool(self._digest)

    def _next(self) -> EncodeTarget | None:
        return self._backlog.next(self._encoder is not None) if self._is_ready() else None

    # -- one target, or a few together ------------------------------------------------------------------

    def _work_on(self, target: EncodeTarget) -> None:
        """Answer a target, and with it some of those that follow where encoding them together is quicker."""
        batch = self._look_up(target)
        while batch and len(batch) < self._batch(target):
            following = self._next()
            if following is None:
                break
            batch += self._look_up(following)
        if batch:
            self._encode(batch)

    def _batch(self, target: EncodeTarget) -> int:
        """How many to encode together; the frame on the screen waits for no other."""
        alone = not self._together or target in self._backlog.queue[:1]
        return 1 if alone or self._encoder is None else self._encoder.batch

    def _look_up(self, target: EncodeTarget) -> list[_Missing]:
        """Answer a target from the cache; what has to be encoded, if something can encode."""
        assert self._cache is not None
        with self._failing(target):
            if self._is_answered(target):
                return []
            self._send(Working(self._generation, (target,)))
            image: Image | None = None
            if target not in self._keys:
                image = self._render(target)
                self._keys[target] = embedding_key(image, self._digest, self._device)
            key = self._keys[target]
            if self._cache.get(key) is not None:
                self._answer(target, key, hit=True)
            elif self._encoder is None:
                self._backlog.put_aside(target)
                self._send(Working(self._generation, ()))
            else:
                return [_Missing(target, key, self._render(target) if image is None else image)]
        return []

    def _encode(self, batch: list[_Missing]) -> None:
        assert self._cache is not None
        assert self._encoder is not None
        self._encoding = True
        self._send(Working(self._generation, tuple(missing.target for missing in batch)))
        self._report()
        try:
            embeddings = self._encoder.encode_many([missing.image for missing in batch])
        except Exception as error:
            for missing in batch:
                with self._failing(missing.target):
                    raise error
            return
        for missing, embedding in zip(batch, embeddings, strict=True):
            with self._failing(missing.target):
                self._cache.put(missing.key, embedding)
                self._answer(missing.target, missing.key, hit=False)

    @contextmanager
    def _failing(self, target: EncodeTarget) -> Iterator[None]:
        """Answer a target with what went wrong."""
        try:
            yield
        except WorkerError as error:  # the cache cannot be written: the next targets would fare no better
            self._fail(target, str(error))
            self._backlog.give_up()
        except CellSamError as error:
            self._fail(target, str(error))
        except Exception as error:
            log.exception("%s could not be encoded.", target)
            self._fail(target, f"Frame {target.index.t + 1} cannot be encoded ({error}).")

    def _is_answered(self, target: EncodeTarget) -> bool:
        """Whether nothing is left to say; the embedding stays young in the cache."""
        assert self._cache is not None
        if target not in self._answered or not self._cache.has(self._keys[target]):
            return False
        self._cache.touch(self._keys[target])
        return True

    def _render(self, target: EncodeTarget) -> Image:
        if self._movie is None:
            raise ImageError("The movie was closed.")
        return self._movie.image(target)

    def _answer(self, target: EncodeTarget, key: str, *, hit: bool) -> None:
        self._answered.add(target)
        self._send(Encoded(self._generation, target, key, hit))

    def _fail(self, target: EncodeTarget, sentence: str) -> None:
        self._send(Failed(self._generation, target, sentence))
