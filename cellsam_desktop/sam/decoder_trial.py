"""A first decode of every kind with an exported decoder: whether its graphs fit together."""

from __future__ import annotations

import numpy as np

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.sam.decoder import OnnxDecoder
from cellsam_desktop.sam.decoder_files import DecoderFiles
from cellsam_desktop.sam.providers import CPU
from cellsam_desktop.sam.transforms import IMAGE_SIZE, InputGeometry

GEOMETRY = InputGeometry(Region.whole(IMAGE_SIZE, IMAGE_SIZE))  # plane pixels are input pixels
_POINTS = (Point(310.5, 402.0), Point(700.0, 80.0, positive=False), Point(90.0, 950.25))
_BOX = Box(200.0, 350.5, 620.0, 800.0)
CASES = ((Prompts(_POINTS[:1]), False), (Prompts(_POINTS[1:], _BOX), False), (Prompts(_POINTS), True))
"""Prompts of all kinds, each with whether there is a hint."""


def try_decoder(files: DecoderFiles) -> None:
    """Decode all cases once.

    Raises:
        ModelError: a graph cannot be loaded.
        ValueError: the graphs do not run, or give what is no number: the weights are of another shape.
    """
    decoder = OnnxDecoder(files.onnx, providers=[CPU])
    random = np.random.default_rng(0)
    embedding = random.standard_normal((256, 64, 64), dtype=np.float32) * np.float32(0.1)
    hint = random.standard_normal((256, 256), dtype=np.float32)
    for prompts, hinted in CASES:
        try:
            answer = decoder.decode(embedding, GEOMETRY, prompts, hint if hinted else None)
        except Exception as error:  # ONNX Runtime's own exceptions share no base but Exception
            raise ValueError("the graphs do not run") from error
        if not all(np.isfinite(token.logits).all() for token in answer.tokens):
            raise ValueError("the graphs give what is no number")
