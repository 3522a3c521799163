"""Which decoder answers the clicks: the model's own, or one that was trained for its embeddings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from psygnal import Signal

from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.curation.notices import Offer
from cellsam_desktop.jobs.runner import Progress
from cellsam_desktop.sam.registry import ModelRegistry
from cellsam_desktop.sam.trained import TrainedDecoder, TrainedDecoders

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

T = TypeVar("T")

OWN = ""
"""Name of the model's own decoder."""

_MOST = 20
"""So many choices are remembered, to go back through them."""


class Decoders:
    """The trained decoders on this computer, and the one in use.

    Another decoder is used without encoding anything again: embeddings are the encoder's. ``changed`` is
    emitted when the list or the choice changed. The choice and those before it are kept in the settings, for
    each model; files are read and written by jobs.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._store = TrainedDecoders()
        self._known: tuple[TrainedDecoder, ...] | None = None
        self._own: tuple[str, Path] | None = None
        self._loaded = False
        session.jobs.encoder.decoder_ready.connect(self._on_own)
        session.jobs.decoder.loaded.connect(self._on_loaded)
        session.jobs.decoder.rejected.connect(self._on_rejected)

    # -- reading -----------------------------------------------------------------------------------

    @property
    def known(self) -> tuple[TrainedDecoder, ...]:
        """Those that fit the weights of the model in use, the newest first; none before ``refresh``."""
        model = self._session.settings.model
        return tuple(decoder for decoder in self._known or () if decoder.base == model)

    @property
    def in_use(self) -> TrainedDecoder | None:
        """The trained decoder in use, None for the model's own."""
        return self.get(self._choice)

    @property
    def label(self) -> str:
        """What masks remember as their decoder: the model, and the trained decoder's name if it is one.

        It is the one that answers: a choice made just now takes a moment to be loaded.
        """
        model, path = self._session.settings.model, self._session.jobs.decoder.path
        answers = (decoder for decoder in self.known if decoder.files.onnx == path)
        return next((f"{model}/{decoder.name}" for decoder in answers), model)

    @property
    def title(self) -> str:
        """What people call the decoder in use, "" for the model's own."""
        return "" if self.in_use is None else self.in_use.title

    @property
    def can_roll_back(self) -> bool:
        """Whether another decoder was in use before."""
        return bool(self._before)

    @property
    def before(self) -> TrainedDecoder | None:
        """What ``roll_back`` would return to, None for the model's own."""
        return self.get(self._before[-1]) if self._before else None

    def get(self, name: str) -> TrainedDecoder | None:
        """The known decoder of this name."""
        return next((decoder for decoder in self.known if decoder.name == name), None)

    # -- choosing ----------------------------------------------------------------------------------

    def use(self, name: str = OWN) -> None:
        """Answer with this decoder from now on; by default with the model's own."""
        if name != self._choice:
            self._choose(name, [*self._before, self._choice])

    def roll_back(self) -> None:
        """Return to the decoder that was in use before."""
        if self._before:
            self._choose(self._before[-1], self._before[:-1])
            self._session.notices.info(f"Back to {self._words()}.")

    # -- the list ----------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look which decoders there are."""
        self._run("Reading the decoders", lambda: None, lambda _: None)

    def adopt(self, folder: Path, title: str, done: Callable[[TrainedDecoder], None]) -> None:
        """Copy the decoder in ``folder`` to the others; ``done`` gets it once it is in the list."""
        self._run(f"Adding {title}", lambda: self._store.add(folder, title), done)

    def bring(self, folder: Path) -> None:
        """Copy a decoder from elsewhere, such as one that a colleague trained."""

        def done(decoder: TrainedDecoder) -> None:
            if self.get(decoder.name) is not None:
                self._session.notices.info(f"{decoder.title} was added.")
            else:
                self._session.notices.warning(
                    f"{decoder.title} was added, but it is offered only with the weights it was trained for"
                    f"{f' (a model called {decoder.base})' if decoder.base else ''}."
                )

        self._run(f"Adding {folder.name}", lambda: self._store.add(folder), done)

    def rename(self, name: str, title: str) -> None:
        """Call a decoder something else; masks keep the name that never changes."""
        self._run(f"Renaming {title}", lambda: self._store.rename(name, title), lambda _: None)

    def remove(self, name: str) -> None:
        """Remove a decoder, which can be undone until another one is removed.

        If it is in use, the one before is used from now on.
        """
        known = self.get(name)
        title = name if known is None else known.title

        def done(_: None) -> None:
            self._session.notices.info(f"{title} was removed.", offer=Offer("Undo", self._restore))

        self._give_up(name)
        self._run("Removing a decoder", lambda: self._store.remove(name), done)

    def export(self, name: str, target: Path) -> None:
        """Copy a decoder to a new or empty folder."""
        self._run(
            f"Exporting to {target.name}",
            lambda: self._store.copy_to(name, target),
            lambda decoder: self._session.notices.info(f"{decoder.title} was written to {target}."),
        )

    # -- behind ------------------------------------------------------------------------------------

    @property
    def _choice(self) -> str:
        return self._session.settings.decoders.get(self._session.settings.model, OWN)

    @property
    def _before(self) -> list[str]:
        return self._session.settings.decoders_before.get(self._session.settings.model, [])

    def _choose(self, name: str, before: list[str]) -> None:
        settings = self._session.settings
        settings.decoders = {**settings.decoders, settings.model: name}
        if name == OWN:
            del settings.decoders[settings.model]
        settings.decoders_before = {**settings.decoders_before, settings.model: before[-_MOST:]}
        try:
            settings.save()
        except CellSamError as error:
            self._session.notices.warning(str(error))
        self._apply()
        self.changed.emit()

    def _give_up(self, name: str) -> None:
        """Choose this one no more, not by going back either."""
        others = [other for other in self._before if other != name]
        if name == self._choice:
            self._choose(others[-1] if others else OWN, others[:-1])
        else:
            self._choose(self._choice, others)

    def _restore(self) -> None:
        """Bring back the decoder that was removed last."""
        self._run(
            "Bringing a decoder back",
            self._store.restore,
            lambda decoder: self._session.notices.info(f"{decoder.title} is back among the decoders."),
        )

    def _words(self) -> str:
        return f"the decoder {self.title}" if self.title else "the model's own decoder"

    def _run(self, name: str, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Do something to the files and read the list again, in the background."""

        def both(_: Progress) -> tuple[T, tuple[TrainedDecoder, ...]]:
            answer = work()
            return answer, _usable(self._store)

        def take(answer: tuple[T, tuple[TrainedDecoder, ...]]) -> None:
            result, self._known = answer
            done(result)
            self._apply()
            self.changed.emit()

        self._session.jobs.runner.run(name, both, take, self._session.notices.failed)

    def _on_own(self, path: Path) -> None:
        """The model in use has its own decoder ready."""
        self._own = self._session.settings.model, path
        if self._choice != OWN and self._known is None:
            self.refresh()
        else:
            self._apply()
            self.changed.emit()

    def _apply(self) -> None:
        """Let the decoder thread load what was chosen, if it is not what it has."""
        if self._own is None or self._own[0] != self._session.settings.model:
            return
        if self._known is not None and self._choice != OWN and self.in_use is None:
            self._session.notices.warning(
                f"The decoder {self._choice} is not on this computer any more: the model's own is used."
            )
            self._choose(OWN, [name for name in self._before if self.get(name) is not None])
            return
        chosen = self.in_use
        path = self._own[1] if chosen is None else chosen.files.onnx
        if path != self._session.encoding.decoder_path:
            self._session.encoding.use_decoder(path)

    def _on_loaded(self, _: str) -> None:
        """The new decoder has no look ready yet, and its own answer to what is being pointed at."""
        session = self._session
        swapped, self._loaded = self._loaded, True
        if swapped:
            session.agenda.make_ready()
            if session.prompting.proposals and not session.prompting.decided:
                session.prompting.ask_anew()

    def _on_rejected(self, path: Path) -> None:
        """The one in use before goes on answering."""
        if self.in_use is not None and path == self.in_use.files.onnx:
            self._give_up(self.in_use.name)


def _usable(store: TrainedDecoders) -> tuple[TrainedDecoder, ...]:
    """Those whose model is known here with the weights they were trained for."""
    digests = {spec.name: spec.sha256 for spec in ModelRegistry().specs()}
    return tuple(one for one in store.entries() if digests.get(one.base) in (None, one.base_sha256))
