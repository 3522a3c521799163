"""Asking as the window does: about the parts of a plane at whose scale a cell fills a sensible part of them.

The regions are those of ``cellsam_desktop.sam.crops``. Of the candidates that several looks give for one
point, the one with the highest predicted IoU is taken. The window ranks them by more than that, which only
``cellsam-desktop segment`` can measure: docs/decisions/0251-what-is-measured.md.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.crops import looks_for
from cellsam_desktop.sam.postprocess import logits_to_mask
from cellsam_desktop.sam.transforms import InputGeometry
from training.evaluate import Ask, Decoder, Embedder, Shown
from training.frames import Frame
from training.views import View

_RESIDENT = 8  # looks prepared for the decoder, some 20 MB each


class Looking:
    """Shows masks on whole planes by looking closer; ``diameters`` are those of the cells by movie."""

    def __init__(
        self, decoder: Decoder, embeddings: Embedder, diameters: Mapping[tuple[str, str], float]
    ) -> None:
        self._decoder = decoder
        self._embeddings = embeddings
        self._diameters = diameters
        self._prepared: OrderedDict[View, Any] = OrderedDict()

    def __call__(self, view: View) -> Ask:
        """What asks about one plane; masks lie in its pixels."""
        diameter = self._diameters.get((view.frame.data_set, view.frame.movie))

        def ask(prompts: Sequence[Prompts], before: Sequence[Shown | None]) -> list[Shown]:
            looks: defaultdict[Region, list[int]] = defaultdict(list)
            hints: list[Any] = [None] * len(prompts)
            for n, (own, last) in enumerate(zip(prompts, before, strict=True)):
                if last is not None and last.region is not None and _inside(own, last.region):
                    looks[last.region].append(n)
                    hints[n] = last.logits
                else:
                    for region in looks_for(view.region, own, diameter):
                        looks[region].append(n)
            found: defaultdict[int, list[tuple[float, Shown]]] = defaultdict(list)
            for region, cells in looks.items():
                shown = self._look(view, region, [prompts[n] for n in cells], [hints[n] for n in cells])
                for n, own_best in zip(cells, shown, strict=True):
                    found[n].append(own_best)
            return [max(found[n], key=lambda best: best[0])[1] for n in range(len(prompts))]

        return ask

    def _look(
        self, view: View, region: Region, prompts: Sequence[Prompts], hints: Sequence[Any]
    ) -> list[tuple[float, Shown]]:
        """The best candidates that one look gives, with their predicted IoU."""
        geometry = InputGeometry(region)
        answers = self._decoder.decode_many(self._prepare(View(view.frame, region)), geometry, prompts, hints)
        best = [answer.candidates[0] for answer in answers]
        return [
            (own.predicted_iou, Shown(logits_to_mask(own.logits, geometry), own.logits, region))
            for own in best
        ]

    def _prepare(self, look: View) -> Any:
        if look not in self._prepared:
            self._prepared[look] = self._decoder.prepare(self._embeddings.get(look))
            while len(self._prepared) > _RESIDENT:
                self._prepared.popitem(last=False)
        self._prepared.move_to_end(look)
        return self._prepared[look]


def planes(frames: Sequence[Frame]) -> list[View]:
    """Whole planes, however large they are: what ``Looking`` asks about."""
    return [View(frame, Region.whole(*frame.shape)) for frame in frames]


def _inside(prompts: Prompts, region: Region) -> bool:
    return all(region.contains(point.x, point.y) for point in prompts.points)
