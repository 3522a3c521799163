"""Embeddings of views, from the window's cache or encoded once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path

from cellsam_desktop.core.errors import WorkerError
from cellsam_desktop.sam.digests import digest
from cellsam_desktop.sam.embedding_cache import Embedding, EmbeddingCache, embedding_key
from cellsam_desktop.sam.steady_encoder import SteadyEncoder
from training.frames import Frame
from training.images import Image
from training.views import View

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Gets how many are there and of how many; may raise ``Cancelled``."""


def _log(sentence: str) -> None:
    log.warning("%s", sentence)


class Embeddings:
    """The embeddings that one model makes of views.

    They are found in ``cache``, which the window shares; without one, or when its disk is full, they stay in
    memory, 2 MiB each. ``encodes`` counts the views that were encoded, not found. One that was evicted is
    encoded again when it is asked for.
    """

    def __init__(
        self,
        checkpoint: Path,
        architecture: str,
        device: str = "auto",
        cache: EmbeddingCache | None = None,
        threads: int | None = None,
        notice: Callable[[str], None] = _log,
    ) -> None:
        """``device`` is ``auto``, ``cpu``, ``cuda`` or ``mps``; ``notice`` gets sentences for the user."""
        self._checkpoint = checkpoint
        self._architecture = architecture
        self._device = device
        self._cache = cache
        self._threads = threads
        self._notice = notice
        self._keys: dict[View, str] = {}
        self._kept: dict[str, Embedding] = {}
        self._full = False
        self.encodes = 0

    def get(self, view: View) -> Embedding:
        """The embedding (256, 64, 64) of a view, read-only.

        Raises:
            ImageError: its image cannot be read.
            ModelError: the encoder cannot be used.
        """
        found = self._find(self._key(view))
        if found is not None:
            return found
        (encoded,) = self._encode([view])
        return encoded

    def ensure(self, views: Iterable[View], progress: Progress | None = None) -> None:
        """See to it that the embeddings of all views are there; what was encoded stays when it is cancelled.

        The views of a frame follow each other, so that its image is read once.

        Raises:
            ImageError, ModelError: see ``get``.
            Cancelled: ``progress`` raised it.
        """
        wanted = _by_frame(views)
        self.warn_of_little_room(len(wanted))
        missing: list[View] = []
        done = 0
        for number, view in enumerate(wanted, start=1):
            if self._has(self._key(view)):
                done += 1
            else:
                missing.append(view)
            if missing and (len(missing) == self._encoder.batch or number == len(wanted)):
                self._encode(missing)
                done += len(missing)
                missing = []
            if progress is not None:
                progress(done, len(wanted))

    def has(self, view: View) -> bool:
        """Whether the view need not be encoded. Raises ImageError."""
        return self._has(self._key(view))

    def release(self) -> None:
        """Let the encoder's memory go, after ``ensure``; it is loaded again if it is needed."""
        self.__dict__.pop("_encoder", None)

    @cached_property
    def _encoder(self) -> SteadyEncoder:
        """Loaded when the first view has to be encoded; it goes on with the CPU when the GPU does not."""
        return SteadyEncoder(self._checkpoint, self._architecture, self._device, self._threads, self._notice)

    def _key(self, view: View) -> str:
        """By the pixels, as in the window, so that what was encoded there is found here."""
        key = self._keys.get(view)
        if key is None:
            key = self._keys[view] = embedding_key(view.image(), digest(self._checkpoint), self._device)
        return key

    def _has(self, key: str) -> bool:
        return key in self._kept or (self._cache is not None and self._cache.has(key))

    def _find(self, key: str) -> Embedding | None:
        kept = self._kept.get(key)
        return self._cache.get(key) if kept is None and self._cache is not None else kept

    def _encode(self, views: Sequence[View]) -> list[Embedding]:
        images: list[Image] = [view.image() for view in views]
        embeddings = self._encoder.encode_many(images)
        self.encodes += len(views)
        for view, embedding in zip(views, embeddings, strict=True):
            embedding.setflags(write=False)
            self._store(self._key(view), embedding)
        return embeddings

    def _store(self, key: str, embedding: Embedding) -> None:
        if self._cache is not None and not self._full:
            try:
                self._cache.put(key, embedding)
                return
            except WorkerError as error:
                self._full = True
                self._notice(f"{error} Until then embeddings stay in memory.")
        self._kept[key] = embedding

    def warn_of_little_room(self, count: int) -> None:
        """Tell the user if the cache cannot hold so many embeddings at once."""
        if self._cache is not None and count > self._cache.capacity:
            self._notice(
                f"{count} embeddings are wanted and the cache holds {self._cache.capacity}: "
                "allow it more room in the settings, or training will encode again and again."
            )


def _by_frame(views: Iterable[View]) -> list[View]:
    """Each view once, in the order of their frames."""
    order: dict[Frame, int] = {}
    return sorted(dict.fromkeys(views), key=lambda view: order.setdefault(view.frame, len(order)))
