"""One frame of propagation: the decoder is asked, pixels are shared out, and what is no cell is lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cellsam_desktop.analysis.asking import Question, Reply, ask
from cellsam_desktop.analysis.carried import BatchDecoder, Looks, Lost, NextFrame, Placed
from cellsam_desktop.analysis.joint import Claim, Evidence, Obstacle, Resolved, resolve
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask

_LEAST_AREA = 0.3
_LEAST_IOU = 0.3
"""Of what was expected; a cell that changes more within a frame is not believed to be the same."""

_NOTHING = "Nothing like it was found where it was expected."
_CROWDED = "Where it was expected other cells are more likely."


@dataclass(frozen=True, eq=False)
class Step:
    """What is the same for all cells of a frame; see ``propagation.carry``."""

    decoder: BatchDecoder
    looks: Looks
    plane: Region
    fixed: Sequence[Obstacle]
    domain: Mask | None
    evidence: Evidence | None

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        """The decoder's reply to each question."""
        return ask(self.decoder, self.looks, questions)

    def claims(self, expected: Iterable[tuple[int, Mask]]) -> list[Claim]:
        """What each cell claims that is expected somewhere."""
        cells = list(expected)
        replies = self.ask([Question(mask) for _, mask in cells])
        return [Claim(*cell, reply) for cell, reply in zip(cells, replies, strict=True)]

    def resolve(self, claims: Sequence[Claim]) -> list[Resolved]:
        """What each claim keeps."""
        return resolve(claims, self.plane, self.fixed, self.domain, self.evidence)

    def sorted(self, claims: Sequence[Claim], found: Sequence[Resolved]) -> NextFrame:
        """The cells that were found, and those that were lost."""
        result = NextFrame([], [], [])
        for claim, each in zip(claims, found, strict=True):
            mask, expected = each.mask, claim.expected
            if mask is None:
                result.lost.append(Lost(claim.cell_id, _CROWDED))
            elif mask.area < _LEAST_AREA * expected.area or mask.iou(expected) < _LEAST_IOU:
                result.lost.append(Lost(claim.cell_id, _NOTHING))
            else:
                result.placed.append(_placed(claim, mask))
        return result


def _placed(claim: Claim, mask: Mask) -> Placed:
    return Placed(claim.cell_id, mask, claim.reply.predicted_iou, claim.reply.agreement(mask))
