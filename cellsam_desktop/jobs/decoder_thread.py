"""The decoder on its own thread: prompts in, proposals out, the newest request first.

onnxruntime is loaded on the thread; torch never.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Point, Prompts
from cellsam_desktop.jobs.embedding_cache import SHAPE, EmbeddingCache
from cellsam_desktop.jobs.post import Post
from cellsam_desktop.jobs.request_box import RequestBox, Ticket
from cellsam_desktop.sam.transforms import IMAGE_SIZE, InputGeometry

if TYPE_CHECKING:
    from cellsam_desktop.sam.decoder import OnnxDecoder

log = logging.getLogger(__name__)

_RESIDENT = 8  # embeddings kept in float32, 4 MB each


@dataclass(frozen=True, eq=False)
class DecodeRequest:
    """One question to the decoder.

    ``key`` names the embedding, ``geometry`` the region it shows; ``hint`` holds the logits (256, 256) of the
    answer being refined. ``token`` is the caller's own and comes back in the result.
    """

    key: str
    geometry: InputGeometry
    prompts: Prompts
    hint: NDArray[np.float32] | None
    hover: bool
    token: object = None


@dataclass(frozen=True, eq=False)
class Proposal:
    """A mask the model offers, in plane pixels (None when it is empty), with its logits (256, 256)."""

    mask: Mask | None
    predicted_iou: float
    logits: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DecodeResult:
    """The answer: proposals best first, and the milliseconds from the request's beginning to its masks.

    A hover gets the best proposal only: a mask takes some milliseconds more than nothing, and nobody cycles
    through the candidates of a hover.
    """

    request: DecodeRequest
    proposals: tuple[Proposal, ...]
    decode_ms: float


_Callback: TypeAlias = Callable[[DecodeResult], None]
_Entry: TypeAlias = tuple[DecodeRequest, _Callback]


class DecoderThread:
    """Answers requests one after the other; which ones, says ``RequestBox``.

    Requests submitted before a decoder is loaded wait for it. ``loaded`` gives the provider really in use,
    ``missing`` the key of an embedding that is not in the cache (any more), ``failed`` one sentence.
    ``decodes`` and ``dropped`` count the work done and the requests never answered.
    """

    loaded = Signal(str)
    missing = Signal(str)
    failed = Signal(str)

    def __init__(self, post: Post, cache: EmbeddingCache) -> None:
        self._post = post
        self._cache = cache
        self._box: RequestBox[_Entry] = RequestBox()
        self._wake = threading.Condition()
        self._stopping = False
        self._to_load: Path | None = None
        self._decoder: OnnxDecoder | None = None
        self._resident: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._late = 0
        self.decodes = 0
        self.provider = ""
        self._thread = threading.Thread(target=self._run, name="decoder", daemon=True)
        self._thread.start()

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
        """Ask; ``callback`` gets the result unless a newer request makes it stale."""
        with self._wake:
            self._box.put((request, callback), hover=request.hover)
            self._wake.notify()

    def stop(self) -> None:
        """End the thread; nothing is delivered afterwards."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(timeout=1)

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(self._has_work)
                if self._stopping:
                    return
                onnx, self._to_load = self._to_load, None
                ticket = self._box.take() if onnx is None else None
            if onnx is not None:
                self._load(onnx)
            if ticket is not None:
                self._answer(ticket)

    def _has_work(self) -> bool:
        if self._stopping or self._to_load is not None:
            return True
        return self._decoder is not None and not self._box.empty

    def _load(self, onnx: Path) -> None:
        from cellsam_desktop.sam.decoder import OnnxDecoder

        try:
            decoder = OnnxDecoder(onnx)
            _warm_up(decoder)
        except CellSamError as error:
            self._fail(str(error))
        except Exception as error:
            log.exception("The decoder %s could not be loaded.", onnx)
            self._fail(f"The decoder {onnx.name} cannot be used ({error}): choose the model again.")
        else:
            self._decoder = decoder
            self._deliver(partial(self._set_provider, decoder.provider))

    def _answer(self, ticket: Ticket[_Entry]) -> None:
        request, callback = ticket.request
        try:
            result = self._decode(request)
        except CellSamError as error:
            self._fail(str(error))
        except Exception as error:
            log.exception("Decoding failed.")
            self._fail(f"The mask could not be computed ({error}): click again, or choose another model.")
        else:
            if result is not None:
                with self._wake:
                    self._box.answered(ticket)
                self._deliver(partial(self._hand_over, ticket, callback, result))

    def _decode(self, request: DecodeRequest) -> DecodeResult | None:
        from cellsam_desktop.sam.postprocess import logits_to_mask

        begun = time.perf_counter()
        embedding = self._embedding(request.key)
        if embedding is None:
            self._deliver(partial(self.missing.emit, request.key))
            return None
        assert self._decoder is not None
        answer = self._decoder.decode(embedding, request.geometry, request.prompts, request.hint)
        self.decodes += 1
        shown = answer.candidates[:1] if request.hover else answer.candidates
        proposals = tuple(
            Proposal(
                logits_to_mask(candidate.logits, request.geometry), candidate.predicted_iou, candidate.logits
            )
            for candidate in shown
        )
        return DecodeResult(request, proposals, 1000 * (time.perf_counter() - begun))

    def _embedding(self, key: str) -> NDArray[np.float32] | None:
        if key in self._resident:
            self._resident.move_to_end(key)
            return self._resident[key]
        stored = self._cache.get(key)
        if stored is None:
            return None
        self._resident[key] = stored.astype(np.float32)
        while len(self._resident) > _RESIDENT:
            self._resident.popitem(last=False)
        return self._resident[key]

    def _hand_over(self, ticket: Ticket[_Entry], callback: _Callback, result: DecodeResult) -> None:
        with self._wake:
            stale = self._box.is_stale(ticket)
            self._late += stale
        if not stale:
            callback(result)

    def _set_provider(self, provider: str) -> None:
        self.provider = provider
        self.loaded.emit(provider)

    def _fail(self, sentence: str) -> None:
        self._deliver(partial(self.failed.emit, sentence))

    def _deliver(self, function: Callable[[], object]) -> None:
        def run() -> None:
            if not self._stopping:
                function()

        self._post(run)


def _warm_up(decoder: OnnxDecoder) -> None:
    """The first run of a session allocates and tunes; do it before the first hover."""
    geometry = InputGeometry(Region.whole(IMAGE_SIZE, IMAGE_SIZE))
    decoder.decode(np.zeros(SHAPE, np.float32), geometry, Prompts((Point(512.0, 512.0),)))
