"""What the encoder sees of a frame: a region, possibly turned or mirrored, in pixels of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import BoolArray
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.transforms import InputGeometry
from training.frames import CellTruth, Frame
from training.images import Image

Look = Literal["whole", "crops", "patches"]


@dataclass(frozen=True)
class View:
    """``region`` of a frame's plane, turned by ``turn`` (0 to 7) of the dihedral group.

    ``turn % 4`` quarter turns counter-clockwise, as ``numpy.rot90``; from 4 on mirrored left to right first.
    Pixels of the view count from its own top left.
    """

    frame: Frame
    region: Region
    turn: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the view, after turning."""
        raise NotImplementedError

    @property
    def geometry(self) -> InputGeometry:
        """How the view's pixels lie in the encoder's input."""
        raise NotImplementedError

    @property
    def cells(self) -> tuple[CellTruth, ...]:
        """The cells of which at least half lies within the view."""
        raise NotImplementedError

    def image(self) -> Image:
        """What the encoder sees, (height, width, 3)."""
        raise NotImplementedError

    def truth(self, cell: CellTruth) -> BoolArray:
        """The cell's pixels, (height, width), in the view."""
        raise NotImplementedError

    def unsure(self) -> BoolArray | None:
        """The pixels (height, width) that no loss is to look at; None where there are none."""
        raise NotImplementedError

    def prompts(self, cell: CellTruth) -> tuple[Prompts, ...]:
        """What was really prompted, in the view's pixels; prompts outside the view are left out."""
        raise NotImplementedError


def views_of(frames: Sequence[Frame], look: Look, patch: int = 512, turns: int = 1) -> list[View]:
    """The views of frames that show at least one cell: frame by frame, the first turn of all before the next.

    ``whole`` planes, the ``crops`` that inference would look at for these cells, or square ``patches`` of
    ``patch`` pixels that overlap by a quarter.
    """
    raise NotImplementedError
