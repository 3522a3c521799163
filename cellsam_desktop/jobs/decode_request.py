"""What the decoder is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.knowledge import NOTHING, Knowledge
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.transforms import InputGeometry

if TYPE_CHECKING:
    from cellsam_desktop.analysis.looking import CandidateMode


@dataclass(frozen=True)
class EncodedLook:
    """A region of a plane that was encoded by itself: the key of its embedding, and how it lies in it."""

    key: str
    geometry: InputGeometry


@dataclass(frozen=True, eq=False)
class DecodeRequest:
    """One question to the decoder.

    The first of ``looks`` is answered first, alone; then all of them together. ``hint`` holds the logits
    (256, 256) of the answer being refined, which was given on the same, single look. ``knowledge`` and
    ``mode`` decide which candidate comes first. ``token`` is the caller's own and comes back in the result.
    """

    looks: tuple[EncodedLook, ...]
    prompts: Prompts
    hint: NDArray[np.float32] | None = None
    hover: bool = False
    knowledge: Knowledge = NOTHING
    mode: CandidateMode = "ranked"
    token: object = None


@dataclass(frozen=True, eq=False)
class Proposal:
    """A mask the model offers, in plane pixels (None when it is empty).

    ``logits`` (256, 256) lie on the look ``geometry``; they refine it when they come back as a hint.
    """

    mask: Mask | None
    predicted_iou: float
    logits: NDArray[np.float32]
    geometry: InputGeometry


@dataclass(frozen=True, eq=False)
class DecodeResult:
    """An answer: proposals best first, and the milliseconds from the request's beginning to its masks.

    Before the ``final`` one there may be a first answer with the best proposal of the first look. A hover
    gets the best proposal only: a mask takes some milliseconds more than nothing, and nobody cycles through
    the candidates of a hover.
    """

    request: DecodeRequest
    proposals: tuple[Proposal, ...]
    decode_ms: float
    final: bool = True
