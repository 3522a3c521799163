"""PNG, JPEG and BMP images. Nothing stays open between reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.axes import interpret
from cellsam_desktop.images.colours import grey_palette, native
from cellsam_desktop.images.errors import check_plane_size, damaged, unreadable
from cellsam_desktop.images.source import MovieInfo, Plane, PlaneReader

# Our own limit (check_plane_size) replaces Pillow's, which is far below a slide scan.
Image.MAX_IMAGE_PIXELS = None

MAGIC = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"BM": "BMP"}


def kind_of(head: bytes) -> str | None:
    """PNG, JPEG or BMP by the first bytes of a file, or None."""
    return next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)


class BitmapSource(PlaneReader):
    """One image file as a movie of one frame."""

    def __init__(self, path: Path, axes: str | None = None) -> None:
        samples = decode(path)
        letters, shape = ("YXS", samples.shape) if samples.ndim == 3 else ("YX", samples.shape)
        self._layout = interpret(letters, shape, axes, path.name)
        super().__init__(
            MovieInfo(
                path=path,
                format=_kind(path),
                sizes=self._layout.sizes,
                dtype=samples.dtype,
                rgb=self._layout.rgb,
                stored_axes=self._layout.letters,
                channel_names=("red", "green", "blue") if self._layout.stacking else (),
                pixel_size_um=None,
            )
        )

    def _read(self, index: PlaneIndex) -> Plane:
        samples = decode(self.info.path)
        return native(samples[..., index.c]) if self._layout.stacking else samples

    def _release(self) -> None:
        """Nothing is open between reads."""


def header_size(path: Path) -> tuple[int, int]:
    """Height and width without decoding; raises ImageError."""
    with _open(path) as image:
        return image.height, image.width


def decode(path: Path) -> Plane:
    """The pixels, (Y, X) or (Y, X, 3), 8 or 16 bit; transparency is dropped. Raises ImageError."""
    with _open(path) as image:
        check_plane_size(path, image.height, image.width, 8)
        # Damage shows up as almost any exception of the two libraries.
        try:
            if image.format == "PNG" and image.mode != "P":
                # Pillow would cut 16-bit colour down to 8 bits.
                samples = np.asarray(imagecodecs.png_decode(path.read_bytes()))
            else:
                samples = _pillow_samples(image)
        except MemoryError as cause:
            raise unreadable(path, cause) from cause
        except Exception as cause:
            raise damaged(path, f"the {image.format} image is damaged or incomplete") from cause
    if samples.ndim == 3:
        samples = samples[..., :3] if samples.shape[2] >= 3 else samples[..., 0]
    return native(samples)


def _pillow_samples(image: Image.Image) -> np.ndarray[Any, np.dtype[Any]]:
    if image.mode == "P":
        palette = np.asarray(image.getpalette() or [0, 0, 0]).reshape(-1, 3).T
        colours = np.asarray(image.convert("RGB"))
        return colours[..., 0] if grey_palette(palette) else colours
    if image.mode in ("1", "L", "RGB", "I;16"):
        return np.asarray(image)
    return np.asarray(image.convert("RGB"))


def _open(path: Path) -> Image.Image:
    try:
        return Image.open(path, formats=tuple(MAGIC.values()))
    except (OSError, SyntaxError, ValueError) as cause:
        if isinstance(cause, OSError) and cause.errno is not None:
            raise unreadable(path, cause) from cause
        raise damaged(path, "its header is damaged or incomplete") from cause


def _kind(path: Path) -> str:
    with _open(path) as image:
        if image.format is None:
            raise ImageError(f"{path.name} is no PNG, JPEG or BMP image; save it as one of them.")
        return image.format
