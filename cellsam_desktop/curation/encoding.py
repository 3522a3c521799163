"""Which planes the encoder works on, what it has done, and why a click may have to wait."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.jobs.targets import EncodeTarget, MovieRef, WorkerState
from cellsam_desktop.sam.transforms import InputGeometry

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

# The worker is told only the next few targets, so that a step costs the same in a movie of any length.
_QUEUE = 32

# Frames as near as this are named even when they are done: the worker keeps them young in the cache.
_NEAR = 8


class Encoding:
    """The embeddings of the open movie, as the encoder worker reports them.

    ``changed`` is emitted whenever something here changed: the worker's state, the encoded frames, the
    decoder. Keys name embeddings in the cache; they change with contrast and model.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._keys = _ByPlane()
        self._failures = _ByPlane()
        self._waiting: set[PlaneIndex] = set()
        self.decoder_path: Path | None = None
        client = session.jobs.encoder
        self.worker: WorkerState = client.state
        client.state_changed.connect(self._on_state)
        client.encoded.connect(self._on_encoded)
        client.failed.connect(self._on_failed)
        client.decoder_ready.connect(self._on_decoder)
        session.jobs.decoder.missing.connect(self._on_missing)
        session.jobs.decoder.failed.connect(session.notices.error)
        session.movie_changed.connect(self._on_movie)
        session.view.changed.connect(self._on_view)
        session.navigation.contrast_settled.connect(self._on_contrast)

    # -- what others ask ---------------------------------------------------------------------------

    @property
    def model(self) -> str:
        """Name of the model in use."""
        return self._session.settings.model

    @property
    def encoded_frames(self) -> frozenset[int]:
        """Frames encoded for the channel and z position on screen."""
        return frozenset(self._keys.frames(self._session.view.index))

    @property
    def failed_frames(self) -> Mapping[int, str]:
        """Frames that cannot be encoded, for the channel and z position on screen, with the reason."""
        return MappingProxyType(self._failures.frames(self._session.view.index))

    def key(self, index: PlaneIndex) -> str | None:
        """Key of the embedding of a plane, or None while it is not encoded."""
        return self._keys.get(index)

    @property
    def current_key(self) -> str | None:
        """Key of the embedding of the plane on screen, or None while it is not encoded."""
        return None if self._session.movie is None else self._keys.get(self._session.view.index)

    @property
    def geometry(self) -> InputGeometry | None:
        """How the plane on screen lies in the encoder's input; None without a movie."""
        movie = self._session.movie
        return None if movie is None else InputGeometry(movie.frame_region)

    @property
    def message(self) -> str:
        """Why clicking gives no mask at this moment; empty when it does, or without a movie."""
        if self._session.movie is None:
            return ""
        index = self._session.view.index
        frame = f"frame {index.t + 1}"
        if self._keys.get(index):
            return "" if self.decoder_path is not None else self.worker.message or "Preparing the decoder ..."
        if failure := self._failures.get(index):
            return f"{frame.capitalize()} could not be encoded: {failure}"
        match self.worker.kind:
            case "broken":
                return f"{self.worker.message} Showing, editing, saving and exporting still work."
            case "stopped":
                return "The encoder is not running."
            case "starting":
                return "The encoder is starting ..."
            case "loading":
                return "The model is being loaded ..."
            case _:
                return f"Encoding {frame} ..."

    # -- what others tell --------------------------------------------------------------------------

    def set_model(self, name: str) -> None:
        """Use another model from now on; everything is encoded anew (or found in the cache)."""
        self._session.settings.model = name
        self._forget()
        self.decoder_path = None
        self._session.jobs.encoder.set_model(name)
        self._schedule()
        self.changed.emit()

    # -- following the session ---------------------------------------------------------------------

    def _on_movie(self) -> None:
        self._forget()
        if self._session.movie is None:
            self._session.jobs.encoder.close_movie()
        else:
            self._show_movie()
        self.changed.emit()

    def _on_view(self, names: frozenset[str]) -> None:
        if self._session.movie is not None and names & {"t", "c", "z", "play_direction"}:
            self._schedule()
            self.changed.emit()

    def _on_contrast(self, channel: int) -> None:
        self._forget(channel)
        self._show_movie()
        self.changed.emit()

    def _show_movie(self) -> None:
        """Tell the worker what to open and through which contrast to see it."""
        movie, view = self._session.movie, self._session.view
        assert movie is not None
        contrast = tuple(view.contrast[c] for c in range(movie.info.sizes.c))
        self._session.jobs.encoder.open_movie(MovieRef(movie.info.path, movie.axes, contrast))
        self._schedule()

    # -- scheduling --------------------------------------------------------------------------------

    def _schedule(self) -> None:
        """Replace the worker's queue by what is nearest to the plane on screen and not encoded yet."""
        movie, index = self._session.movie, self._session.view.index
        if movie is None:
            return
        # The cache evicts its oldest first, which is the frame on screen: never order more than it holds.
        frames = outward(index.t, movie.info.sizes.t, self._session.view.play_direction)
        frames = frames[: self._session.jobs.cache.capacity]
        missing = frames[~self._done(index, movie.info.sizes.t)[frames]][:_QUEUE]
        self._waiting = {index._replace(t=t) for t in missing.tolist()}
        order = dict.fromkeys([*frames[:_NEAR].tolist(), *missing.tolist()])
        targets = [EncodeTarget(index._replace(t=t), movie.frame_region) for t in order]
        self._session.jobs.encoder.set_queue(targets)

    def _done(self, index: PlaneIndex, frames: int) -> NDArray[np.bool_]:
        """Which frames of the channel and z position of ``index`` are encoded or given up."""
        done = np.zeros(frames, dtype=np.bool_)
        for series in (self._keys.frames(index), self._failures.frames(index)):
            done[np.fromiter(series, dtype=np.intp, count=len(series))] = True
        return done

    # -- what the worker and the decoder say ---------------------------------------------------------

    def _on_state(self, state: WorkerState) -> None:
        self.worker = state
        self.changed.emit()

    def _on_encoded(self, target: EncodeTarget, key: str) -> None:
        self._keys.put(target.index, key)
        self._failures.frames(target.index).pop(target.index.t, None)
        self._settled(target.index)

    def _on_failed(self, target: EncodeTarget, sentence: str) -> None:
        self._failures.put(target.index, sentence)
        self._settled(target.index)

    def _settled(self, index: PlaneIndex) -> None:
        """One target of the queue is done; order more before the worker runs dry."""
        if index in self._waiting:
            self._waiting.discard(index)
            if len(self._waiting) == _QUEUE // 2:
                self._schedule()
        self.changed.emit()

    def _on_decoder(self, path: Path) -> None:
        self.decoder_path = path
        self._session.jobs.decoder.load(path)
        self.changed.emit()

    def _on_missing(self, key: str) -> None:
        """The decoder found an embedding evicted or damaged: have it made again."""
        if self._keys.remove(key):
            self._schedule()
            self.changed.emit()

    def _forget(self, channel: int | None = None) -> None:
        """What was made with another contrast (of one channel) or model is not this movie's any more."""
        self._keys.clear(channel)
        self._failures.clear(channel)


class _ByPlane:
    """A text for each of many planes, quick to ask for all frames of one channel and z position."""

    def __init__(self) -> None:
        self._series: dict[tuple[int, int], dict[int, str]] = {}

    def frames(self, index: PlaneIndex) -> dict[int, str]:
        """The texts by frame, for the channel and z position of ``index``."""
        return self._series.setdefault((index.c, index.z), {})

    def get(self, index: PlaneIndex) -> str | None:
        return self.frames(index).get(index.t)

    def put(self, index: PlaneIndex, text: str) -> None:
        self.frames(index)[index.t] = text

    def remove(self, text: str) -> bool:
        """Forget every plane with this text; whether there was one."""
        found = False
        for series in self._series.values():
            for t in [t for t, known in series.items() if known == text]:
                del series[t]
                found = True
        return found

    def clear(self, channel: int | None) -> None:
        """Forget the planes of a channel, or all."""
        for c, z in list(self._series):
            if channel is None or c == channel:
                del self._series[c, z]


def outward(t: int, frames: int, direction: int) -> NDArray[np.intp]:
    """Every frame of a movie once, nearest to ``t`` first, two ahead in ``direction`` for each one behind.

    In the middle of a movie, forwards: t, t+1, t+2, t-1, t+3, t+4, t-2, ...
    """
    ahead = direction * (np.arange(frames) - t)
    return np.argsort(np.where(ahead < 0, 0.5 - 2 * ahead, ahead))
