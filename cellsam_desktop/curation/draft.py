"""What the curator is pointing at and has not accepted yet."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.jobs.decode_request import Proposal


@dataclass(frozen=True, eq=False)
class Step:
    """Prompts, and the logits (256, 256) of the answer that they refine, if any, with their look."""

    prompts: Prompts
    hint: NDArray[np.float32] | None = None
    region: Region | None = None

    @classmethod
    def after(cls, proposal: Proposal | None, prompts: Prompts) -> Step:
        """The step that refines ``proposal``, or begins anew when a prompt lies outside its look."""
        fresh = cls(prompts)
        if proposal is None or not fresh.lies_in(proposal.geometry.region):
            return fresh
        return cls(prompts, proposal.logits, proposal.geometry.region)

    def lies_in(self, region: Region) -> bool:
        """Whether there are prompts, all of them within ``region``."""
        corners = self.prompts.corners
        return bool(corners) and all(region.contains(x, y) for x, y in corners)


@dataclass
class Draft:
    """Unaccepted work on one plane; ``target`` is the cell it will replace or continue."""

    steps: list[Step] = field(default_factory=list)
    target: int | None = None

    @property
    def prompts(self) -> Prompts:
        """All prompts given so far."""
        return self.steps[-1].prompts if self.steps else Prompts()
