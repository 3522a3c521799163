"""A decoder that has decoded once: on the CPU where the graphics card does not."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Point, Prompts
from cellsam_desktop.sam.decoder import OnnxDecoder
from cellsam_desktop.sam.embedding_cache import SHAPE
from cellsam_desktop.sam.providers import CPU, usable_providers
from cellsam_desktop.sam.transforms import IMAGE_SIZE, InputGeometry

log = logging.getLogger(__name__)

_EVERYTHING = InputGeometry(Region.whole(IMAGE_SIZE, IMAGE_SIZE))
_CENTRE = Prompts((Point(IMAGE_SIZE / 2, IMAGE_SIZE / 2),))


def open_decoder(onnx: Path, threads: int | None = None, *, cpu_only: bool = False) -> OnnxDecoder:
    """The exported decoder ``onnx``, warm; ``threads`` are those used (None: all cores).

    Raises:
        ModelError: one of its graphs cannot be loaded.
    """
    wanted = [CPU] if cpu_only else usable_providers()
    if wanted != [CPU]:
        try:
            return _warm(OnnxDecoder(onnx, threads, wanted))
        except Exception as error:  # ONNX Runtime's own exceptions share no base but Exception
            log.warning("The graphics card cannot decode, so the CPU does.", exc_info=error)
    return _warm(OnnxDecoder(onnx, threads, [CPU]))


def _warm(decoder: OnnxDecoder) -> OnnxDecoder:
    """The first run of a session allocates and tunes; on a graphics card it shows whether it can run."""
    hint = None if decoder.on_cpu else np.zeros((256, 256), np.float32)
    decoder.decode(np.zeros(SHAPE, np.float32), _EVERYTHING, _CENTRE, hint)
    return decoder
