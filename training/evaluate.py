"""What a decoder makes of cells whose truth is known: a curator's clicks, and the masks after each of them.

As in segment-anything, the mask for a single point is the one of three with the highest predicted IoU, and
the single mask token's once a box or a second point says what is meant. Corrections are asked with the logits
of the mask before them as a hint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.decoder_scores import KINDS
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.decoder import Answer
from cellsam_desktop.sam.embedding_cache import Embedding
from cellsam_desktop.sam.postprocess import logits_to_mask
from cellsam_desktop.sam.transforms import InputGeometry
from training.curator import correction, first_prompts
from training.frames import CellTruth
from training.metrics import CellKey, Course, Judgement, iou
from training.views import View

CLICKS = 8
"""The first prompt and seven corrections."""

Logits = NDArray[np.float32]


class Decoder(Protocol):
    """What answers: an ``OnnxDecoder``, or the weights of a moment during training."""

    def prepare(self, embedding: NDArray[Any]) -> Any:
        """Do once what depends on the image alone; ``embedding`` is (256, 64, 64)."""
        ...

    def decode_many(
        self,
        image: Any,
        geometry: InputGeometry,
        prompts: Sequence[Prompts],
        hints: Sequence[Logits | None] | None = None,
    ) -> Sequence[Answer]:
        """The candidates for each cell's prompts, best first."""
        ...


class Embedder(Protocol):
    """Where the embeddings of views come from."""

    def get(self, view: View) -> Embedding:
        """The embedding (256, 64, 64) of a view."""
        ...


@dataclass(frozen=True, eq=False)
class Shown:
    """The mask shown for some prompts, and its logits (256, 256): the hint of the next question.

    ``region`` is the part of the plane that was looked at, where there are several.
    """

    mask: Mask | None
    logits: Logits = field(repr=False)
    region: Region | None = None


@dataclass(frozen=True, eq=False)
class Asked:
    """A cell to find: its ``truth``, in the pixels of the plane that is asked about."""

    key: CellKey
    truth: Mask
    unsure: Mask | None = None


Ask = Callable[[Sequence[Prompts], Sequence[Shown | None]], Sequence[Shown]]
"""What shows a mask for each cell's prompts, given what was shown before the last of them."""


def judge(
    decoder: Decoder,
    views: Sequence[View],
    embeddings: Embedder,
    kinds: Sequence[str] = KINDS,
    clicks: int = CLICKS,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Judgement:
    """The courses of the cells on ``views``, of at most ``limit`` cells, evenly spread.

    ``progress`` is told after each view how many cells are done and how many there are.
    """
    return judge_by(partial(asker, decoder, embeddings), views, kinds, clicks, limit, progress)


def judge_by(
    asking: Callable[[View], Ask],
    views: Sequence[View],
    kinds: Sequence[str] = KINDS,
    clicks: int = CLICKS,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Judgement:
    """As ``judge``, with whatever shows the masks on a view."""
    chosen = [list(_asked(view, cells)) for view, cells in zip(views, spread(views, limit), strict=True)]
    courses: list[Course] = []
    done, total = 0, sum(len(cells) for cells in chosen)
    for number, (view, cells) in enumerate(zip(views, chosen, strict=True)):
        if not cells:
            continue
        ask = asking(view)
        for kind in kinds:
            courses += [replace(course, view=number) for course in follow(ask, cells, kind, clicks)]
        done += len(cells)
        if progress is not None:
            progress(done, total)
    return Judgement(tuple(courses))


def asker(decoder: Decoder, embeddings: Embedder, view: View) -> Ask:
    """Asks ``decoder`` about one view; masks lie in the view's own pixels."""
    prepared, geometry = decoder.prepare(embeddings.get(view)), view.geometry

    def ask(prompts: Sequence[Prompts], before: Sequence[Shown | None]) -> list[Shown]:
        hints = [None if shown is None else shown.logits for shown in before]
        best = [a.candidates[0].logits for a in decoder.decode_many(prepared, geometry, prompts, hints)]
        return [Shown(logits_to_mask(logits, geometry), logits) for logits in best]

    return ask


def follow(ask: Ask, cells: Sequence[Asked], kind: str, clicks: int = CLICKS) -> list[Course]:
    """Prompt each cell and correct its mask until ``clicks`` prompts were given or nothing is wrong."""
    prompts = [first_prompts(kind, cell.truth) for cell in cells]
    before: list[Shown | None] = [None] * len(cells)
    ious: list[list[float]] = [[] for _ in cells]
    first: list[Mask | None] = [None] * len(cells)
    open_cells = list(range(len(cells)))
    for click in range(clicks):
        shown = ask([prompts[n] for n in open_cells], [before[n] for n in open_cells])
        left = []
        for n, answer in zip(open_cells, shown, strict=True):
            cell = cells[n]
            ious[n].append(iou(answer.mask, cell.truth, cell.unsure))
            if click == 0:
                first[n] = answer.mask
            point = correction(cell.truth, answer.mask, cell.unsure)
            if point is not None:
                prompts[n], before[n] = prompts[n].with_point(point), answer
                left.append(n)
        open_cells = left
        if not open_cells:
            break
    # A mask without an error stays as it is.
    full = [tuple(own + own[-1:] * (clicks - len(own))) for own in ious]
    results = zip(cells, full, first, strict=True)
    return [Course(cell.key, kind, own, mask) for cell, own, mask in results]


def spread(views: Sequence[View], limit: int | None) -> list[Sequence[CellTruth]]:
    """The cells to ask about on each of ``views``: all, or an even choice of ``limit`` of them."""
    everything: list[Sequence[CellTruth]] = [view.cells for view in views]
    total = sum(map(len, everything))
    if limit is None or total <= limit:
        return everything
    wanted = set(np.linspace(0, total - 1, limit).round().astype(int).tolist())
    chosen: list[Sequence[CellTruth]] = []
    number = 0
    for cells in everything:
        chosen.append([cell for place, cell in enumerate(cells, number) if place in wanted])
        number += len(cells)
    return chosen


def _asked(view: View, cells: Sequence[CellTruth]) -> Iterator[Asked]:
    if not cells:
        return
    frame = view.frame
    doubtful = view.unsure()
    unsure = None if doubtful is None else Mask.from_array(doubtful)
    for cell in cells:
        truth = Mask.from_array(view.truth(cell))
        if truth is not None:
            yield Asked(CellKey(frame.data_set, frame.movie, frame.t, frame.z, cell.cell_id), truth, unsure)
