"""Masks in the format of COCO (Lin et al. 2014), each mask by itself as a compressed run-length code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco

from cellsam_desktop.core.mask import Mask
from cellsam_desktop.project.exporters.writing import write_json


def annotation(
    cell_id: int, mask: Mask | None, height: int, width: int, predicted_iou: float | None, image_id: int = 1
) -> dict[str, Any]:
    """One annotation: ``segmentation`` as {size: [height, width], counts}, ``bbox`` as [x, y, width, height].

    ``mask`` may be None for a cell of which nothing was found.
    """
    plane = np.zeros((height, width), np.uint8) if mask is None else mask.to_plane(height, width)
    code = coco.encode(np.asfortranarray(plane, dtype=np.uint8))
    return {
        "id": cell_id,
        "image_id": image_id,
        "category_id": 1,
        "segmentation": {"size": [height, width], "counts": code["counts"].decode("ascii")},
        "area": int(coco.area(code)),
        "bbox": [float(value) for value in coco.toBbox(code)],
        "iscrowd": 0,
        "score": predicted_iou,
    }


def write_coco(
    path: Path, images: Sequence[Mapping[str, Any]], annotations: Sequence[Mapping[str, Any]]
) -> None:
    """Write images ({id, file_name, height, width}) and annotations, whole or not at all.

    Raises:
        ExchangeError: it cannot be written; ``path`` is as it was.
    """
    data = {
        "images": list(images),
        "categories": [{"id": 1, "name": "cell"}],
        "annotations": list(annotations),
    }
    write_json(path, data, indent=None)
