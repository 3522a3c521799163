"""From looks at a plane to the masks offered for one set of prompts; the window and ``segment`` share it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.candidates import Option, rank
from cellsam_desktop.analysis.knowledge import NOTHING, Knowledge, Size
from cellsam_desktop.analysis.traits import Traits, traits_of
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.sam.transforms import InputGeometry

if TYPE_CHECKING:  # the window imports this long before it needs ONNX Runtime
    from cellsam_desktop.sam.decoder import Answer, PreparedImage

CandidateMode: TypeAlias = Literal["ranked", "predicted-iou"]

_OFFERED = 3

_measured: WeakKeyDictionary[Answer, Sequence[Traits | None]] = WeakKeyDictionary()
"""A click asks again what the hover before it asked, and all looks what the first one was asked: as long as
somebody remembers an answer, its candidates are measured once.
"""

_MISFIT = 1.0
"""So many spreads from the expected size, the best candidate may be none: the model is told the size, too."""

Look: TypeAlias = "tuple[PreparedImage | NDArray[Any], InputGeometry]"
"""What the decoder answers from, and the region it shows."""


class Decoder(Protocol):
    """What answers: an ``OnnxDecoder``, or one that remembers."""

    def decode(
        self,
        image: PreparedImage | NDArray[Any],
        geometry: InputGeometry,
        prompts: Prompts,
        hint: NDArray[np.float32] | None = None,
    ) -> Answer:
        """The candidates for ``prompts`` on one look."""
        ...


def propose(
    decoder: Decoder,
    looks: Sequence[Look],
    prompts: Prompts,
    hint: NDArray[np.float32] | None = None,
    knowledge: Knowledge = NOTHING,
    mode: CandidateMode = "ranked",
    *,
    insist: bool = True,
) -> tuple[Option, ...]:
    """The masks to offer for ``prompts``, best first, from at least one look.

    ``hint`` is the logits (256, 256) of an earlier answer on the same, single look. Only an ambiguous
    question (one point, no hint) is ranked; the decoder's own order holds for the others, as it does in the
    mode ``predicted-iou``. Where no candidate has the size that is expected, the looks are asked again, and
    told it; a trained decoder is not, nor any without ``insist``, which takes less time. The masks are
    worked out when they are read (``Option.mask``).

    Raises:
        PromptError: there is no prompt.
    """
    if mode == "ranked" and ambiguous(prompts, hint):
        return tuple(_ranked(decoder, looks, prompts, knowledge, insist)[:_OFFERED])
    options = [
        Option(candidate.logits, geometry, candidate.predicted_iou)
        for image, geometry in looks
        for candidate in decoder.decode(image, geometry, prompts, hint).candidates
    ]
    if ambiguous(prompts, hint):
        options.sort(key=lambda option: -option.predicted_iou)
    return tuple(options[:_OFFERED])


def ambiguous(prompts: Prompts, hint: NDArray[np.float32] | None = None) -> bool:
    """Whether the prompts leave open what is meant: one point, which may mean a part or the whole."""
    return prompts.box is None and len(prompts.points) == 1 and hint is None


def options_of(decoder: Decoder, look: Look, prompts: Prompts, box: Box | None = None) -> list[Option]:
    """All four candidates that one look gives for one click, with their traits; ``box`` is given as well."""
    image, geometry = look
    answer = decoder.decode(image, geometry, prompts.with_box(box))
    traits = _traits_of(answer, geometry, prompts.points[0])
    return [
        Option(
            candidate.logits,
            geometry,
            candidate.predicted_iou,
            number,
            found,
            boxed=box is not None,
            trained=answer.trained,
        )
        for number, (candidate, found) in enumerate(zip(answer.tokens, traits, strict=True))
    ]


def _traits_of(answer: Answer, geometry: InputGeometry, click: Point) -> Sequence[Traits | None]:
    """The traits of all candidates of an answer, which was given to one click on one look."""
    if answer not in _measured:
        _measured[answer] = traits_of([token.logits for token in answer.tokens], geometry, click)
    return _measured[answer]


def _ranked(
    decoder: Decoder, looks: Sequence[Look], prompts: Prompts, knowledge: Knowledge, insist: bool
) -> list[Option]:
    options = [option for look in looks for option in options_of(decoder, look, prompts)]
    ranked = rank(options, knowledge)
    size = knowledge.size
    if not insist or size is None or ranked[0].trained or fits(ranked[0], size):
        return ranked  # what a decoder was trained for it finds better by the click than by an expected box
    box = expected_box(prompts.points[0], size)
    told = [option for look in looks for option in options_of(decoder, look, prompts, box)]
    return rank([*options, *told], knowledge)


def fits(option: Option, size: Size) -> bool:
    """Whether an option has about the size that is expected."""
    return option.traits is not None and abs(size.area.gap(option.traits.area)) < _MISFIT


def expected_box(click: Point, size: Size) -> Box:
    """The square around a click that a cell of the expected size would fill."""
    half = size.extent / 2
    return Box(click.x - half, click.y - half, click.x + half, click.y + half)
