"""From looks at a plane to the masks offered for one set of prompts; the window and ``segment`` share it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.candidates import Option, rank
from cellsam_desktop.analysis.knowledge import NOTHING, Knowledge
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.transforms import InputGeometry

if TYPE_CHECKING:  # the window imports this long before it needs ONNX Runtime
    from cellsam_desktop.sam.decoder import Answer, PreparedImage

CandidateMode: TypeAlias = Literal["ranked", "predicted-iou"]

_OFFERED = 3

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
    image: NDArray[np.uint8] | None = None,
    mode: CandidateMode = "ranked",
) -> tuple[Option, ...]:
    """The masks to offer for ``prompts``, best first, from at least one look.

    ``hint`` is the logits (256, 256) of an earlier answer on the same, single look. Only an ambiguous
    question (one point, no hint) is ranked; the decoder's own order holds for the others, as it does in the
    mode ``predicted-iou``. The masks are worked out when they are read (``Option.mask``).

    Raises:
        PromptError: there is no prompt.
    """
    options = [
        Option(candidate.logits, geometry, candidate.predicted_iou)
        for image_tensors, geometry in looks
        for candidate in decoder.decode(image_tensors, geometry, prompts, hint).candidates
    ]
    if not ambiguous(prompts, hint):
        return tuple(options[:_OFFERED])
    if mode == "predicted-iou":
        return tuple(sorted(options, key=lambda option: -option.predicted_iou)[:_OFFERED])
    return tuple(rank(options, prompts, knowledge, image)[:_OFFERED])


def ambiguous(prompts: Prompts, hint: NDArray[np.float32] | None = None) -> bool:
    """Whether the prompts leave open what is meant: one point, which may mean a part or the whole."""
    return prompts.box is None and len(prompts.points) == 1 and hint is None
