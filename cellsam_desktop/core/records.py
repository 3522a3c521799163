"""The facts a document keeps: cells, their masks, and the scale of the movie."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import NO_PROMPTS, Prompts


class Source(StrEnum):
    """How a mask came to be."""

    CLICK = "click"
    BOX = "box"
    BRUSH = "brush"
    LASSO = "lasso"
    IMPORTED = "imported"
    PROPAGATED = "propagated"


_BY_A_PERSON = frozenset({Source.CLICK, Source.BOX, Source.BRUSH, Source.LASSO, Source.IMPORTED})


@dataclass(frozen=True, slots=True)
class MaskRecord:
    """A mask with its provenance.

    ``predicted_iou`` is the decoder's own estimate (None for masks without one); ``prompts`` reopens
    the cell for refinement; ``decoder`` names the model that proposed the mask ("" for none);
    ``agreement`` is how like the mask the model's other candidates were, 0 to 1 (None where not compared).
    """

    mask: Mask
    source: Source
    predicted_iou: float | None = None
    prompts: Prompts = NO_PROMPTS
    decoder: str = ""
    agreement: float | None = None


def is_curated(record: MaskRecord, seen: bool) -> bool:
    """Whether a person stands behind a mask, so that nothing automatic may overwrite it.

    ``seen`` says that it was marked as seen, see ``Document.is_seen``.
    """
    return seen or record.source in _BY_A_PERSON


@dataclass(frozen=True, slots=True)
class Cell:
    """An identity over time. ``id`` is positive and never reused; a locked cell refuses changes."""

    id: int
    name: str = ""
    locked: bool = False

    @property
    def title(self) -> str:
        """The name, or "Cell 7" for a cell without one."""
        return self.name or f"Cell {self.id}"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Physical scale: micrometres per pixel, micrometres between planes, seconds between frames."""

    pixel_size_um: float | None = None
    z_step_um: float | None = None
    frame_interval_s: float | None = None

    @property
    def z_step_px(self) -> float:
        """The distance of z positions in pixels; 1 where the scale is not known."""
        if self.z_step_um and self.pixel_size_um:
            return self.z_step_um / self.pixel_size_um
        return 1.0
