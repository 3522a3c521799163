"""A whole training run: data, embeddings, the decoder's worth before, training, and its worth after."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from cellsam_desktop import paths
from cellsam_desktop.core.devices import hardware, is_exact
from cellsam_desktop.core.errors import Cancelled, CellSamError
from cellsam_desktop.core.training_messages import Control, Embedded, Event, Finished, Judged, Noticed
from cellsam_desktop.sam.decoder import OnnxDecoder
from cellsam_desktop.sam.embedding_cache import EmbeddingCache
from cellsam_desktop.sam.export import ensure_decoder
from cellsam_desktop.sam.trained import FINISHED
from training.adoption import compare
from training.base import Base
from training.commands import Commands
from training.data import load
from training.embed import Embeddings
from training.encoding import by_lot, encode_in_time
from training.export import write_decoder
from training.judging import Findings, Judge
from training.loop import Budget, End, Task, Trainer
from training.model import TrainableDecoder
from training.planning import counted, planned
from training.report import write_page
from training.request import Request, chosen_device, new_record, request_of
from training.resplit import as_before
from training.run_folder import RunError, RunFolder, RunRecord
from training.scenes import scenes_for
from training.splits import Split, split
from training.team import Team
from training.views import View, held_out_views, views_of

Report = Callable[[Event], None]

_EXPORT_SECONDS = 10.0
_LEAST_SHARE = 0.4
"""Of the time, for steps, even if everything else takes longer than it should on a busy computer."""

_TELL_SECONDS = 0.2


class Run:
    """One run in one folder. ``report`` hears of everything that happens, ``commands`` steer."""

    def __init__(self, folder: RunFolder, request: Request, report: Report, commands: Commands) -> None:
        self._team = Team(None if request.device == "auto" else hardware(chosen_device(request.device)))
        self._folder = folder
        self._request = request
        self._tell_outside: Report = report if self._team.leads else _silent
        self._commands = commands
        self._begun = time.monotonic()
        self._told = 0.0
        self._learned = False
        self._record = new_record(folder, request)
        self._earlier: dict[str, float] = {}  # seconds of the sessions that this one goes on with
        self._spent: dict[str, float] = {}

    @classmethod
    def begin(cls, folder: RunFolder, request: Request, report: Report, commands: Commands) -> Run:
        """A new run; its folder is made when the data have been read.

        Raises:
            RunError: the folder is in use.
        """
        run = cls(folder, request, report, commands)
        if run._team.leads:
            folder.refuse_used()
        return run

    @classmethod
    def resume(cls, folder: RunFolder, report: Report, commands: Commands, cache_gb: float = 20.0) -> Run:
        """Go on with the run that was ended in ``folder``.

        Raises:
            RunError: there is none, it has finished, or another process is at work on it.
            CellSamError: this version cannot go on with it.
        """
        record = folder.read()
        if record.state == FINISHED:
            raise RunError(f"The run in {folder.path} has finished: train again into a new folder.")
        request = request_of(record, cache_gb)
        run = cls(folder, request, report, commands)
        if run._team.leads:
            folder.hold()
        run._record, run._earlier = replace(record, state="training"), dict(record.seconds)
        return run

    def carry_out(self) -> RunRecord:
        """Do it all; what came of it is in the folder, and in the record.

        Raises:
            Cancelled: that was asked for; the run can be gone on with.
            CellSamError: it cannot be done; the sentence is in the record, too.
        """
        try:
            self._carry_out()
        except CellSamError as error:
            known = self._team.leads and self._folder.record.is_file()
            if known and not isinstance(error, Cancelled):
                self._record.state = f"failed: {error}"
                self._folder.write(self._record)
            raise
        finally:
            self._folder.release()
        return self._record

    def _carry_out(self) -> None:
        base = self._base
        frames = load(self._request.data, self._notice)
        held_out = load(self._request.held_out, self._notice) if self._request.held_out else None
        parts = split(frames, self._request.config.seed, held_out)
        if self._record.split:
            parts = as_before(parts, [*frames, *(held_out or ())], self._record.split)
        if not self._team.leads:
            self._learn(TrainableDecoder(base.build()).to(self._team.device), parts)
            return
        self._plan(base, parts)
        judge = Judge(parts.test, self._embeddings, self._request.minutes)
        before = self._judge("before", judge, OnnxDecoder(self._own_decoder()))
        decoder = TrainableDecoder(base.build()).to(self._team.device)
        self._learn(decoder, parts)
        self._learned = True
        with self._timed("export"):
            files = write_decoder(
                base, decoder.state_for_export(), self._folder.path, self._record.manifest()
            )
        after = self._judge("after", judge, OnnxDecoder(files.onnx))
        self._conclude(before, after, judge.views, parts)

    # -- parts -------------------------------------------------------------------------------------

    def _plan(self, base: Base, parts: Split) -> None:
        record, request = self._record, self._request
        record.base, record.split = base.to_json(), parts.summary()
        record.program = {**record.program, "device": self._device}
        self._folder.make()
        self._folder.write(record)
        summary = planned(parts, request.config.preset, self._device)
        self._tell(
            replace(summary, minutes=request.minutes, epochs=request.epochs, folder=str(self._folder.path))
        )

    def _judge(self, when: str, judge: Judge, decoder: OnnxDecoder) -> Findings:
        with self._timed(when):
            found = judge.findings(decoder, self._embedded, self._heed)
        judged = found.whole
        known = {
            "all": judged.scores.to_json(),
            "closer": found.closer.scores.to_json(),
            "data_sets": {name: scores.to_json() for name, scores in judged.by_data_set().items()},
        }
        setattr(self._record, when, known)
        self._folder.write(self._record)
        self._tell(Judged(when, judged.scores))
        return found

    def _learn(self, decoder: TrainableDecoder, parts: Split) -> None:
        config = self._request.config
        with self._timed("embedding"):
            look, overlap = (config.look, config.patch), config.overlap
            validate = held_out_views(parts.validate, *look, config.held_out_cells, overlap)
            views = views_of(parts.train, *look, config.turns, overlap)
            order = by_lot(views, config.seed)
            rehearsed = views_of(scenes_for(self._request.minutes), "whole") if config.rehearsal else []
            count = self._embed(order, validate + rehearsed) if self._team.leads else 0
            encoded = set(order[: int(self._team.agree(count))])
            views = [view for view in views if view in encoded]
            self._embeddings.release()
        task, folder = Task(views, validate, self._embeddings, rehearsed), self._folder.path
        with self._timed("training"):
            how = (config, self._budget(), self._tell, self._commands, folder, self._team)
            outcome = Trainer(decoder, task, *how).run()
        if not self._team.leads:
            return
        self._record.outcome = vars(outcome)
        self._folder.write(self._record)
        if outcome.end is End.CANCELLED:
            raise Cancelled("Training was cancelled.")

    def _embed(self, order: Sequence[View], always: Sequence[View]) -> int:
        """Encode what is looked at in any case, then what there is time for; how many views that is."""
        self._embeddings.ensure(always, self._embedded)
        count = encode_in_time(order, self._embeddings, self._request.minutes, self._embedded, self._notice)
        self._embeddings.warn_of_little_room(count + len(always))
        return count

    def _budget(self) -> Budget:
        """What is left for steps, when the time for judging and exporting is set aside."""
        minutes = self._request.minutes
        if minutes is None:
            return Budget(None, self._request.epochs)
        spent = time.monotonic() - self._begun
        left = minutes * 60 - spent - 1.2 * self._spent.get("before", 0.0) - _EXPORT_SECONDS
        return Budget(max(_LEAST_SHARE * minutes * 60, left), self._request.epochs)

    def _conclude(self, before: Findings, after: Findings, views: Sequence[View], parts: Split) -> None:
        record, folder, seed = self._record, self._folder, self._request.config.seed
        verdict = compare(before.whole, after.whole, before.closer, after.closer, seed)
        record.verdict, record.state = verdict.to_json(), FINISHED
        folder.write_cells({"before": before.whole, "after": after.whole})
        folder.write_manifest(record.manifest())
        notes = [*parts.notes, *record.notices]
        page = write_page(
            record, list(folder.events()), before.whole, after.whole, views, counted(parts), notes
        )
        folder.write_page(page)
        folder.write(record)
        folder.forget_state()
        scores = before.whole.scores, after.whole.scores
        self._tell(Finished(verdict.better, str(folder.path), str(folder.report), *scores, verdict.sentence))

    # -- what all parts need -----------------------------------------------------------------------

    @cached_property
    def _base(self) -> Base:
        return Base.find(self._request.base)

    @cached_property
    def _device(self) -> str:
        return self._team.device.type

    @cached_property
    def _embeddings(self) -> Embeddings:
        cache = EmbeddingCache(paths.embeddings_dir(), int(self._request.cache_gb * 1e9))
        base, asked = self._base, self._request.device
        device = asked if is_exact(asked) else self._device
        return Embeddings(base.checkpoint, base.architecture, device, cache, notice=self._notice)

    def _own_decoder(self) -> Path:
        base = self._base
        return ensure_decoder(base.checkpoint, base.architecture, paths.decoders_dir()).onnx

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self._spent[part] = time.monotonic() - started
            self._record.seconds[part] = self._earlier.get(part, 0.0) + self._spent[part]

    def _tell(self, event: Event) -> None:
        if self._team.leads and self._folder.path.is_dir():
            self._folder.remember(event)
        self._tell_outside(event)

    def _notice(self, sentence: str) -> None:
        if sentence not in self._record.notices:  # a run that is gone on with reads the data once more
            self._record.notices.append(sentence)
        self._tell(Noticed(sentence))

    def _embedded(self, done: int, of: int) -> None:
        now = time.monotonic()
        if done == of or now - self._told > _TELL_SECONDS:
            self._told = now
            self._tell_outside(Embedded(done, of))
        self._heed(done, of)

    def _heed(self, done: int, of: int) -> None:
        """Wait while that is asked for; stopping what has learned already leaves the rest to be done."""
        self._commands.wait_while_paused()
        ending = self._commands.ending
        if ending is not None and not self._learned:
            raise Cancelled("Training was ended before it began.")
        if ending is Control.CANCEL:
            raise Cancelled("Training was cancelled.")


def _silent(_: Event) -> None:
    """Only one of several processes reports."""
