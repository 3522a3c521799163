"""Pictures of cells: what the encoder saw, and a mask over it."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy import ndimage

from cellsam_desktop import paths
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.sam.placement import disk_error
from training.metrics import Course, Judgement
from training.views import View

Image = NDArray[np.uint8]

TRUTH, BEFORE, AFTER = (62, 190, 110), (245, 166, 35), (80, 160, 255)
"""Colours that colour-blind people tell apart; the page names them as well."""

SIDE = 176
"""Of one picture, in pixels."""

_ROOM = 0.6
_SMALLEST = 24
_GAP = 4


def cell_picture(
    image: Image, truth: Mask, mask: Mask | None, colour: tuple[int, int, int], side: int = SIDE
) -> Image:
    """The square around a true cell, (side, side, 3), with the outline and a tint of ``mask``.

    ``image`` is the plane (height, width, 3). What lies beyond it is black.
    """
    window = _window(truth)
    part = _cut(image, window)
    picture = np.asarray(
        Pillow.fromarray(part).resize((side, side), Pillow.Resampling.BICUBIC), dtype=np.float32
    )
    if mask is not None:
        bits = Pillow.fromarray(mask.crop(window)).resize((side, side), Pillow.Resampling.NEAREST)
        inside = np.asarray(bits, dtype=np.bool_)
        outline = inside & ~ndimage.binary_erosion(inside, iterations=2)
        tint = np.array(colour, np.float32)
        picture = np.where(inside[..., None], 0.75 * picture + 0.25 * tint, picture)
        picture = np.where(outline[..., None], tint, picture)
    return picture.round().clip(0, 255).astype(np.uint8)


def in_a_row(pictures: Sequence[Image], gap: int = _GAP) -> Image:
    """Pictures of the same height side by side, transparent in between: (height, width, 4)."""
    height = pictures[0].shape[0]
    parts = []
    for picture in pictures:
        opaque = np.full((*picture.shape[:2], 1), 255, np.uint8)
        parts += [np.concatenate([picture, opaque], axis=2), np.zeros((height, gap, 4), np.uint8)]
    return np.concatenate(parts[:-1], axis=1)


def png(picture: Image) -> bytes:
    """A picture as a PNG file."""
    buffer = io.BytesIO()
    Pillow.fromarray(picture).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def inline(picture: Image) -> str:
    """A picture as the address of an image within a page."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode("ascii")


def write_examples(path: Path, judged: Judgement, views: Sequence[View], count: int = 6) -> None:
    """Write a picture of ``count`` cells as the decoder finds them now after one prompt, truth above.

    The cells are an even choice of those that were judged on ``views``, the same ones each time.

    Raises:
        ModelError: the disk refuses.
    """
    found = [course for course in judged.courses if course.kind == judged.courses[0].kind]
    if not found:
        return
    places = sorted(set(np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int).tolist()))
    chosen = [found[place] for place in places]
    rows = [_example(course, views[course.view]) for course in chosen]
    above, below = (in_a_row([row[n] for row in rows]) for n in (0, 1))
    between = np.zeros((_GAP, above.shape[1], 4), np.uint8)
    try:
        paths.atomic_write_bytes(path, png(np.concatenate([above, between, below])))
    except OSError as error:
        raise disk_error(path, error) from error


def truth_of(course: Course, view: View) -> Mask:
    """The true mask of the cell of a course, in the pixels of the view it was asked on."""
    cell = next(cell for cell in view.frame.cells if cell.cell_id == course.key.cell_id)
    truth = Mask.from_array(view.truth(cell))
    assert truth is not None, "a cell that was judged can be seen"
    return truth


def _example(course: Course, view: View) -> tuple[Image, Image]:
    image, truth = view.image(), truth_of(course, view)
    return cell_picture(image, truth, truth, TRUTH), cell_picture(image, truth, course.first, AFTER)


def _window(truth: Mask) -> Region:
    """A square around the mask with some room."""
    box = truth.region
    side = max(_SMALLEST, round(max(box.height, box.width) * (1 + _ROOM)))
    return Region(box.y0 + (box.height - side) // 2, box.x0 + (box.width - side) // 2, side, side)


def _cut(image: Image, window: Region) -> Image:
    part = np.zeros((window.height, window.width, 3), np.uint8)
    inside = window.intersect(Region.whole(*image.shape[:2]))
    if inside is not None:
        y, x = inside.y0 - window.y0, inside.x0 - window.x0
        part[y : y + inside.height, x : x + inside.width] = image[inside.slices]
    return part
