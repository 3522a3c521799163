"""Between the pixels of a plane's region and the 1024 x 1024 input of the image encoder.

The arithmetic is that of ``ResizeLongestSide`` and ``Sam.preprocess`` in segment-anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.geometry import Region

IMAGE_SIZE = 1024
PREPROCESSING = "sam-1024-pil-v1"

MEAN = np.array([123.675, 116.28, 103.53], dtype=np.float32)
STD = np.array([58.395, 57.12, 57.375], dtype=np.float32)


@dataclass(frozen=True)
class InputGeometry:
    """How ``region`` of a plane lies in the encoder's input: scaled, at the top left, padded with zeros."""

    region: Region

    @property
    def scale(self) -> float:
        """Input pixels per plane pixel, before rounding to whole pixels."""
        return IMAGE_SIZE / max(self.region.height, self.region.width)

    @property
    def input_height(self) -> int:
        """Rows of the input that hold the image."""
        return max(1, int(self.region.height * self.scale + 0.5))

    @property
    def input_width(self) -> int:
        """Columns of the input that hold the image."""
        return max(1, int(self.region.width * self.scale + 0.5))

    def to_input(self, x: float, y: float) -> tuple[float, float]:
        """A plane position in input pixels, as ``ResizeLongestSide.apply_coords`` gives it."""
        return (
            (x - self.region.x0) * (self.input_width / self.region.width),
            (y - self.region.y0) * (self.input_height / self.region.height),
        )


def resize(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An RGB image (height, width, 3) as large as the encoder's input holds it."""
    from PIL import Image  # the window knows geometries and never prepares an image

    geometry = InputGeometry(Region.whole(*image.shape[:2]))
    size = (geometry.input_width, geometry.input_height)
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


def preprocess(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The encoder's input (1, 3, 1024, 1024) for an RGB image (height, width, 3), as in ``SamPredictor``."""
    resized = resize(image)
    height, width = resized.shape[:2]
    out = np.zeros((1, 3, IMAGE_SIZE, IMAGE_SIZE), dtype=np.float32)
    out[0, :, :height, :width] = ((resized - MEAN) / STD).transpose(2, 0, 1)
    return out
