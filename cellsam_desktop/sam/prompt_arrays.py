"""Prompts as the arrays that the decoder takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.errors import PromptError
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.transforms import InputGeometry

_NEGATIVE, _POSITIVE, _BOX_TOP_LEFT, _BOX_BOTTOM_RIGHT, _PADDING = 0.0, 1.0, 2.0, 3.0, -1.0


def prompt_arrays(
    prompts: Prompts, geometry: InputGeometry
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Coordinates (1, N, 2) as (x, y) in input pixels, and labels (1, N), as SAM expects them.

    Points come first, then the box's corners; without a box a padding point follows the points.

    Raises:
        PromptError: there is no prompt.
    """
    if prompts.empty:
        raise PromptError("Nothing was prompted: give at least one point or a box.")
    corners = [(point.x, point.y) for point in prompts.points]
    labels = [_POSITIVE if point.positive else _NEGATIVE for point in prompts.points]
    if prompts.box is not None:
        corners += [(prompts.box.x0, prompts.box.y0), (prompts.box.x1, prompts.box.y1)]
        labels += [_BOX_TOP_LEFT, _BOX_BOTTOM_RIGHT]
    coords = [geometry.to_input(x, y) for x, y in corners]
    if prompts.box is None:
        coords.append((0.0, 0.0))
        labels.append(_PADDING)
    return np.array([coords], dtype=np.float32), np.array([labels], dtype=np.float32)
