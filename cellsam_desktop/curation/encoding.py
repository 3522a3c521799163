"""Which planes and crops are encoded, and why a click may have to wait."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from psygnal import Signal

from cellsam_desktop.core.geometry import PlaneIndex, Region
from cellsam_desktop.jobs.targets import EncodeTarget, MovieRef, WorkerState

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session


class Encoding:
    """The embeddings of the open movie, as the encoder worker reports them.

    ``changed`` is emitted whenever something here changed: the worker's state, the encoded frames, the
    decoder; before it ``settled``, when a look was encoded or given up, and ``forgotten``, when embeddings
    have to be made again. Keys name embeddings in the cache; they change with contrast and model.
    """

    changed = Signal()
    settled = Signal(EncodeTarget)
    forgotten = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._keys = _Keys()
        self._failures: dict[tuple[int, int], dict[int, str]] = {}
        self.decoder_path: Path | None = None
        client = session.jobs.encoder
        self.worker: WorkerState = client.state
        client.state_changed.connect(self._on_state)
        client.encoded.connect(self._on_encoded)
        client.failed.connect(self._on_failed)
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
        """Frames of which the main look is encoded, for the channel and z position on screen."""
        main = self._session.questions.main
        return frozenset(self._keys.frames(self._session.view.index, main) if main is not None else ())

    @property
    def failed_frames(self) -> Mapping[int, str]:
        """Frames that cannot be encoded, for the channel and z position on screen, with the reason."""
        return MappingProxyType(self._failed(self._session.view.index))

    def key(self, index: PlaneIndex, region: Region) -> str | None:
        """Key of the embedding of a region of a plane, or None while it is not encoded."""
        return self._keys.frames(index, region).get(index.t)

    def failure(self, index: PlaneIndex) -> str | None:
        """Why a frame cannot be encoded, or None."""
        return self._failed(index).get(index.t)

    @property
    def current_key(self) -> str | None:
        """Key of the embedding of the main look at the plane on screen, or None while it is not encoded."""
        main = self._session.questions.main
        return None if main is None else self.key(self._session.view.index, main)

    @property
    def message(self) -> str:
        """Why clicking gives no mask at this moment; empty when it does, or without a movie."""
        if self._session.movie is None:
            return ""
        index = self._session.view.index
        frame = f"frame {index.t + 1}"
        if self._session.agenda.answerable:
            return "" if self.decoder_path is not None else self.worker.message or "Preparing the decoder ..."
        if failure := self._failed(index).get(index.t):
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
        self.decoder_path = None
        self._session.jobs.encoder.set_model(name)
        self._clear()
        self.forgotten.emit()
        self.changed.emit()

    def use_decoder(self, path: Path) -> None:
        """Answer with the decoder at ``path`` from now on; what is encoded stays."""
        self.decoder_path = path
        self._session.jobs.decoder.load(path)
        self.changed.emit()

    # -- following the session ---------------------------------------------------------------------

    def _on_movie(self) -> None:
        if self._session.movie is None:
            self._session.jobs.encoder.close_movie()
        else:
            self._show_movie()
        self._clear()
        self.changed.emit()

    def _on_view(self, names: frozenset[str]) -> None:
        if self._session.movie is not None and names & {"t", "c", "z", "viewport"}:
            self.changed.emit()

    def _on_contrast(self, channel: int) -> None:
        self._show_movie()
        self._clear(channel)
        self.forgotten.emit()
        self.changed.emit()

    def _show_movie(self) -> None:
        """Tell the worker what to open and through which contrast to see it."""
        movie, view = self._session.movie, self._session.view
        assert movie is not None
        contrast = tuple(view.contrast[c] for c in range(movie.info.sizes.c))
        self._session.jobs.encoder.open_movie(MovieRef(movie.info.path, movie.axes, contrast))

    # -- what the worker and the decoder say ---------------------------------------------------------

    def _on_state(self, state: WorkerState) -> None:
        self.worker = state
        self.changed.emit()

    def _on_encoded(self, target: EncodeTarget, key: str) -> None:
        self._keys.put(target, key)
        self._failed(target.index).pop(target.index.t, None)
        self.settled.emit(target)
        self.changed.emit()

    def _on_failed(self, target: EncodeTarget, sentence: str) -> None:
        self._failed(target.index)[target.index.t] = sentence
        self.settled.emit(target)
        self.changed.emit()

    def _on_missing(self, key: str) -> None:
        """The decoder found an embedding evicted or damaged: have it made again."""
        if self._keys.remove(key):
            self.forgotten.emit()
            self.changed.emit()

    def _clear(self, channel: int | None = None) -> None:
        """What was made with another contrast (of one channel) or model is not this movie's any more."""
        self._keys.clear(channel)
        for place in [place for place in self._failures if channel is None or place[0] == channel]:
            del self._failures[place]

    def _failed(self, index: PlaneIndex) -> dict[int, str]:
        return self._failures.setdefault((index.c, index.z), {})


class _Keys:
    """A key for each of many looks, quick to ask for all frames of one channel, z position and region."""

    def __init__(self) -> None:
        self._series: dict[tuple[int, int, Region], dict[int, str]] = {}

    def frames(self, index: PlaneIndex, region: Region) -> dict[int, str]:
        """The keys by frame, of one region at the channel and z position of ``index``."""
        return self._series.get((index.c, index.z, region), {})

    def put(self, target: EncodeTarget, key: str) -> None:
        """Note the key of a look."""
        index = target.index
        self._series.setdefault((index.c, index.z, target.region), {})[index.t] = key

    def remove(self, key: str) -> bool:
        """Forget every look with this key; whether there was one."""
        found = False
        for series in self._series.values():
            for t in [t for t, known in series.items() if known == key]:
                del series[t]
                found = True
        return found

    def clear(self, channel: int | None) -> None:
        """Forget the looks at a channel, or all."""
        for series in [series for series in self._series if channel is None or series[0] == channel]:
            del self._series[series]
