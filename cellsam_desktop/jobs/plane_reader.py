"""Planes read on their own thread: the one asked for last, then those fetched ahead."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from psygnal import Signal

from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.source import ImageSource, Plane
from cellsam_desktop.jobs.post import Post

log = logging.getLogger(__name__)

DEFAULT_LIMIT_BYTES = 512 * 1024**2


class PlaneReader:
    """Reads planes of the open movie; a newer request replaces an older one not yet begun.

    ``plane_ready`` and ``failed`` answer requests; prefetched planes only fill the cache, no more of them
    than fit beside the one asked for. A read under way is finished and delivered although a newer request
    waits, so that something shows while scrubbing. Planes are read-only. ``reads`` counts planes read.
    """

    plane_ready = Signal(PlaneIndex, np.ndarray)
    failed = Signal(PlaneIndex, str)

    def __init__(self, post: Post, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self._post = post
        self._limit = limit_bytes
        self._wake = threading.Condition()
        self._stopping = False
        self._source: ImageSource | None = None
        self._generation = 0
        self._wanted: PlaneIndex | None = None
        self._prefetch: deque[PlaneIndex] = deque()
        self._planes: OrderedDict[PlaneIndex, Plane] = OrderedDict()
        self._bytes = 0
        self._plane_bytes = 0
        self.reads = 0
        self._thread = threading.Thread(target=self._run, name="plane-reader", daemon=True)
        self._thread.start()

    def open(self, source: ImageSource | None) -> None:
        """Read from ``source`` from now on (None: from nothing); closing it stays with the caller."""
        with self._wake:
            self._source = source
            self._generation += 1
            self._wanted = None
            self._prefetch.clear()
            self._planes.clear()
            self._bytes = self._plane_bytes = 0

    def request(self, index: PlaneIndex, prefetch: Sequence[PlaneIndex] = ()) -> None:
        """Ask for one plane, and for others afterwards, into the cache."""
        with self._wake:
            self._wanted = index
            self._prefetch = deque(prefetch)
            self._drop_what_would_not_fit()
            self._wake.notify()

    def cached(self, index: PlaneIndex) -> Plane | None:
        """The plane if it is in memory."""
        with self._wake:
            return self._look_up(index)

    def stop(self) -> None:
        """End the thread; nothing is delivered afterwards. A slow read is waited for at most a second."""
        with self._wake:
            self._stopping = True
            self._generation += 1
            self._wake.notify()
        self._thread.join(timeout=1)

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._stopping or self._has_work())
                if self._stopping:
                    return
                source, generation, (index, wanted) = self._source, self._generation, self._next()
                plane = self._look_up(index)
            assert source is not None
            try:
                if plane is None:
                    plane = self._read(source, index, generation)
            except CellSamError as error:
                self._report(wanted, generation, partial(self.failed.emit, index, str(error)))
            except Exception as error:
                log.exception("Plane %s could not be read.", index)
                sentence = f"Frame {index.t + 1} of {source.info.path.name} cannot be read ({error})."
                self._report(wanted, generation, partial(self.failed.emit, index, sentence))
            else:
                self._report(wanted, generation, partial(self.plane_ready.emit, index, plane))

    def _has_work(self) -> bool:
        return self._source is not None and (self._wanted is not None or bool(self._prefetch))

    def _next(self) -> tuple[PlaneIndex, bool]:
        """The plane to read next and whether it was asked for (or else is fetched ahead)."""
        if self._wanted is None:
            return self._prefetch.popleft(), False
        wanted, self._wanted = self._wanted, None
        return wanted, True

    def _read(self, source: ImageSource, index: PlaneIndex, generation: int) -> Plane:
        plane = source.read_plane(index)
        plane.setflags(write=False)
        with self._wake:
            self.reads += 1
            if generation == self._generation:
                self._planes[index] = plane
                self._bytes += plane.nbytes
                self._plane_bytes = plane.nbytes
                self._drop_what_would_not_fit()
                while self._bytes > self._limit and len(self._planes) > 1:
                    self._bytes -= self._planes.popitem(last=False)[1].nbytes
        return plane

    def _drop_what_would_not_fit(self) -> None:
        """Reading more ahead would push out the planes nearer by."""
        if self._plane_bytes:
            room = max(0, self._limit // self._plane_bytes - 1)
            while len(self._prefetch) > room:
                self._prefetch.pop()

    def _look_up(self, index: PlaneIndex) -> Plane | None:
        if index in self._planes:
            self._planes.move_to_end(index)
        return self._planes.get(index)

    def _report(self, wanted: bool, generation: int, emit: Callable[[], object]) -> None:
        if not wanted:
            return

        def run() -> None:
            if generation == self._generation:
                emit()

        self._post(run)
