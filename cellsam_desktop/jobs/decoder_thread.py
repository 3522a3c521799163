"""The decoder on its own thread: prompts in, proposals out, the newest request first.

onnxruntime is loaded on the thread; torch never.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from psygnal import Signal

from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.jobs.decode_request import DecodeRequest, DecodeResult, Proposal
from cellsam_desktop.jobs.post import Post
from cellsam_desktop.jobs.prepared_looks import AnswerMemory, PreparedLooks
from cellsam_desktop.jobs.request_box import RequestBox, Ticket
from cellsam_desktop.sam.embedding_cache import EmbeddingCache

if TYPE_CHECKING:
    from cellsam_desktop.analysis.candidates import Option
    from cellsam_desktop.analysis.looking import Look
    from cellsam_desktop.sam.decoder import OnnxDecoder, PreparedImage

log = logging.getLogger(__name__)

_Callback: TypeAlias = Callable[[DecodeResult], None]
_Entry: TypeAlias = tuple[DecodeRequest, _Callback]
_Work: TypeAlias = Callable[["OnnxDecoder", PreparedLooks], Any]
T = TypeVar("T")

_HOVERS_IN_A_ROW = 3
"""After so many hovers without a pause, work that can wait gets a turn."""

_PAINTING_S = 0.008
"""So long the main thread paints the first mask without competition from the next look."""


@dataclass(frozen=True)
class _Desk:
    """A decoder that is loaded, its file, and what it remembers."""

    onnx: Path
    decoder: OnnxDecoder
    looks: PreparedLooks
    memory: AnswerMemory


class DecoderThread:
    """Answers requests one after the other; which ones, says ``RequestBox``.

    Requests submitted before a decoder is loaded wait for it. ``loaded`` gives the provider really in use,
    ``rejected`` the file of a decoder that could not be loaded, ``missing`` the key of an embedding that is
    not in the cache (any more), ``failed`` one sentence. When a graphics card fails, the CPU answers the
    request and decodes from then on.
    ``path`` is the file of the decoder that gave whatever is delivered from now on.
    ``decodes`` counts the decoder's runs, ``dropped`` the requests never answered, ``cut_short`` those of
    which newer ones left only the first look answered.
    """

    loaded = Signal(str)
    rejected = Signal(Path)
    missing = Signal(str)
    failed = Signal(str)

    def __init__(self, post: Post, cache: EmbeddingCache) -> None:
        self._post = post
        self._cache = cache
        self._box: RequestBox[_Entry] = RequestBox()
        self._wake = threading.Condition()
        self._stopping = False
        self._to_load: Path | None = None
        self._ahead: deque[str] = deque()
        self._later: deque[tuple[_Work, Future[Any]]] = deque()
        self._desk: _Desk | None = None
        self._cpu_only = False
        self._decodes = 0
        self._late = 0
        self._in_a_row = 0
        self.cut_short = 0
        self.path: Path | None = None
        self.provider = ""
        self._thread = threading.Thread(target=self._run, name="decoder", daemon=True)
        self._thread.start()

    @property
    def decodes(self) -> int:
        """How often the decoder ran."""
        return self._decodes + (self._desk.memory.decodes if self._desk is not None else 0)

    @property
    def dropped(self) -> int:
        """Requests that were never begun or answered too late."""
        return self._box.dropped + self._late

    def load(self, onnx: Path) -> None:
        """Use the decoder in ``onnx`` from now on; the one in use answers until the new one is ready."""
        with self._wake:
            self._to_load = onnx
            self._wake.notify()

    def submit(self, request: DecodeRequest, callback: Callable[[DecodeResult], None]) -> None:
        """Ask; ``callback`` gets the results, of which the last is final, until a newer request makes them
        stale.
        """
        with self._wake:
            self._box.put((request, callback), hover=request.hover)
            self._wake.notify()

    def prepare(self, keys: Sequence[str]) -> None:
        """Make these embeddings ready while there is nothing to answer; replaces what was to be prepared.

        Those that are not in the cache are passed over.
        """
        with self._wake:
            self._ahead = deque(keys)
            self._wake.notify()

    def run_later(self, work: Callable[[OnnxDecoder, PreparedLooks], T]) -> Future[T]:
        """Run ``work`` on this thread when nobody waits for a mask; it should be short, since a hover that
        comes meanwhile waits for its end. When a graphics card fails at it, it is run once more on the CPU.
        Never answered when the thread is stopped before.
        """
        future: Future[T] = Future()
        with self._wake:
            self._later.append((work, future))
            self._wake.notify()
        return future

    def stop(self) -> None:
        """End the thread; nothing is delivered afterwards."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(timeout=1)

    # -- on the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            ticket = key = later = None
            with self._wake:
                self._wake.wait_for(self._has_work)
                if self._stopping:
                    return
                onnx, self._to_load = self._to_load, None
                if onnx is None:
                    later = self._take_turn()
                    ticket = self._box.take() if later is None else None
                    if not (later or ticket):
                        key = self._ahead.popleft() if self._ahead else None
                        later = self._later.popleft() if key is None and self._later else None
                    self._in_a_row = self._in_a_row + 1 if ticket is not None and ticket.hover else 0
            if onnx is not None:
                self._load(onnx)
            elif ticket is not None:
                self._guard(partial(self._answer, ticket))
            elif key is not None:
                self._guard(partial(self._make_ready, key))
            elif later is not None:
                self._run_now(*later)

    def _has_work(self) -> bool:
        if self._stopping or self._to_load is not None:
            return True
        return self._desk is not None and (not self._box.empty or bool(self._ahead or self._later))

    def _take_turn(self) -> tuple[_Work, Future[Any]] | None:
        """While the mouse moves on and on, other work gets a turn now and then."""
        if self._later and self._in_a_row >= _HOVERS_IN_A_ROW and self._box.only_hover:
            return self._later.popleft()
        return None

    def _run_now(self, work: _Work, future: Future[Any]) -> None:
        try:
            future.set_result(self._work_out(work))
        except BaseException as error:  # noqa: BLE001 - raised again where the result is waited for
            future.set_exception(error)

    def _work_out(self, work: _Work) -> Any:
        """What the work gives; it is begun again when the graphics card fails at it."""
        assert self._desk is not None
        try:
            return work(self._desk.decoder, self._desk.looks)
        except CellSamError:
            raise
        except Exception:
            if not self._leave_card():
                raise
        return work(self._desk.decoder, self._desk.looks)

    def _load(self, onnx: Path) -> None:
        try:
            self._use(onnx)
        except CellSamError as error:
            self._reject(onnx, str(error))
        except Exception as error:
            log.exception("The decoder %s could not be loaded.", onnx)
            self._reject(onnx, f"The decoder {onnx.name} cannot be used ({error}): choose the model again.")

    def _use(self, onnx: Path) -> None:
        from cellsam_desktop.sam.steady_decoder import open_decoder

        decoder = open_decoder(onnx, cpu_only=self._cpu_only)
        self._decodes = self.decodes
        self._desk = _Desk(onnx, decoder, PreparedLooks(decoder, self._cache), AnswerMemory(decoder))
        self._deliver(partial(self._set_loaded, onnx, decoder.provider))

    def _leave_card(self) -> bool:
        """Let the CPU decode from now on, if a graphics card did; whether that is so."""
        if self._desk is None or self._desk.decoder.on_cpu:
            return False
        log.warning("The CPU decodes from now on.", exc_info=True)
        self._cpu_only = True
        try:
            self._use(self._desk.onnx)
        except Exception:
            log.exception("The decoder %s could not be loaded on the CPU.", self._desk.onnx)
            return False
        self._fail("The graphics card failed, so the processor decodes from now on.")
        return True

    def _guard(self, work: Callable[[], object]) -> None:
        try:
            work()
        except CellSamError as error:
            self._fail(str(error))
        except Exception as error:
            log.exception("Decoding failed.")
            if self._leave_card():
                self._guard(work)
            else:
                self._fail(f"The mask could not be computed ({error}): click again, or choose another model.")

    def _make_ready(self, key: str) -> None:
        self._looks.get(key)  # of whichever decoder is in use when this runs

    def _answer(self, ticket: Ticket[_Entry]) -> None:
        request, callback = ticket.request
        begun = time.perf_counter()
        for number, (proposals, final) in enumerate(self._proposals(ticket)):
            result = DecodeResult(request, proposals, 1000 * (time.perf_counter() - begun), final)
            with self._wake:
                self._box.answered(ticket)
            self._deliver(partial(self._hand_over, ticket, callback, result, first=number == 0))

    def _proposals(self, ticket: Ticket[_Entry]) -> Iterator[tuple[tuple[Proposal, ...], bool]]:
        """The best of the first look; then, if nothing newer is asked, what all looks together offer."""
        request, _ = ticket.request
        looks: list[Look] = []
        for look in request.looks:
            if looks and self._overtaken(ticket, _PAINTING_S):
                return
            image = self._prepared(look.key)
            if image is None:
                continue
            looks.append((image, look.geometry))
            self._memory.decode(*looks[-1], request.prompts, request.hint)
            if len(looks) == 1:
                only = request.hover and look is request.looks[-1]
                yield self._offer(request, looks, 1, insist=only), only
                if only:
                    return
        if looks:
            yield self._offer(request, looks, 1 if request.hover else None), True

    def _offer(
        self, request: DecodeRequest, looks: Sequence[Look], count: int | None, *, insist: bool = True
    ) -> tuple[Proposal, ...]:
        from cellsam_desktop.analysis.looking import propose

        asked = request.prompts, request.hint, request.knowledge, request.mode
        options = propose(self._memory, looks, *asked, insist=insist)
        return tuple(self._proposal(option) for option in options[:count])

    def _proposal(self, option: Option) -> Proposal:
        return Proposal(self._memory.mask(option), option.predicted_iou, option.logits, option.geometry)

    def _prepared(self, key: str) -> PreparedImage | None:
        """A look ready to be asked; None, and ``missing``, when its embedding is gone."""
        image = self._looks.get(key)
        if image is None:
            self._deliver(partial(self.missing.emit, key))
        return image

    @property
    def _looks(self) -> PreparedLooks:
        assert self._desk is not None
        return self._desk.looks

    @property
    def _memory(self) -> AnswerMemory:
        assert self._desk is not None
        return self._desk.memory

    def _overtaken(self, ticket: Ticket[_Entry], patience: float) -> bool:
        """Whether something newer was asked, or is within so many seconds."""
        with self._wake:
            overtaken = self._wake.wait_for(
                lambda: self._stopping or self._box.is_overtaken(ticket), timeout=patience
            )
        self.cut_short += overtaken
        return overtaken

    # -- to the main thread ---------------------------------------------------------------------------

    def _hand_over(
        self, ticket: Ticket[_Entry], callback: _Callback, result: DecodeResult, *, first: bool
    ) -> None:
        with self._wake:
            stale = self._box.is_stale(ticket)
            self._late += stale and first
        if not stale:
            callback(result)

    def _set_loaded(self, onnx: Path, provider: str) -> None:
        self.path, self.provider = onnx, provider
        self.loaded.emit(provider)

    def _reject(self, onnx: Path, sentence: str) -> None:
        self._fail(sentence)
        self._deliver(partial(self.rejected.emit, onnx))

    def _fail(self, sentence: str) -> None:
        self._deliver(partial(self.failed.emit, sentence))

    def _deliver(self, function: Callable[[], object]) -> None:
        def run() -> None:
            if not self._stopping:
                function()

        self._post(run)
