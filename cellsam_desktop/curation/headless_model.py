"""A whole model in this process, for work without a window: image and prompts in, masks out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop import paths
from cellsam_desktop.core.errors import WorkerError
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.jobs.embedding_cache import EmbeddingCache, embedding_key
from cellsam_desktop.sam.decoder import Answer, OnnxDecoder
from cellsam_desktop.sam.decoder_files import decoder_path
from cellsam_desktop.sam.digests import digest
from cellsam_desktop.sam.encoder import Encoder, open_encoder
from cellsam_desktop.sam.fetch import fetch
from cellsam_desktop.sam.known_models import ModelSpec
from cellsam_desktop.sam.postprocess import logits_to_mask
from cellsam_desktop.sam.registry import ModelRegistry
from cellsam_desktop.sam.transforms import InputGeometry
from cellsam_desktop.settings import Settings

log = logging.getLogger(__name__)

Image = NDArray[np.uint8]
Embedding = NDArray[np.float16]


@dataclass(frozen=True)
class Found:
    """What the model makes of one cell's prompts; ``mask`` is None when it finds nothing."""

    mask: Mask | None
    predicted_iou: float


class HeadlessModel:
    """Encoder and decoder of one model. Torch is loaded when the first image is not in the cache.

    Embeddings pass through float16, as in the cache, so that a second run gives the same masks as the first.
    """

    def __init__(
        self,
        checkpoint: Path,
        architecture: str,
        device: str,
        cache: EmbeddingCache | None,
        threads: int | None = None,
    ) -> None:
        self._checkpoint = checkpoint
        self._architecture = architecture
        self._device = device
        self._cache = cache
        self._threads = threads

    @classmethod
    def load(cls, name: str | None = None) -> HeadlessModel:
        """The model called ``name``, or the window's; fetched first if it is not on this computer.

        Raises:
            ModelError: there is no such model, or it cannot be fetched.
        """
        settings, registry = Settings.load(), ModelRegistry()
        spec = registry.get(name or settings.model)
        checkpoint = registry.path(spec.name) or _fetch(spec, registry)
        cache = EmbeddingCache(paths.embeddings_dir(), int(settings.cache_limit_gb * 1e9))
        return cls(checkpoint, spec.architecture, settings.device, cache)

    def segment(self, image: Image, prompts: Iterable[Prompts]) -> Iterator[Found]:
        """The first candidate for each cell's prompts on an RGB image (height, width, 3).

        Raises:
            ModelError: the model cannot be used.
        """
        geometry = InputGeometry(Region.whole(*image.shape[:2]))
        for answer in self.answers(self.embedding(image), geometry, prompts):
            best = answer.candidates[0]
            yield Found(logits_to_mask(best.logits, geometry), best.predicted_iou)

    def answers(
        self, embedding: NDArray[Any], geometry: InputGeometry, prompts: Iterable[Prompts]
    ) -> Iterator[Answer]:
        """The decoder's candidates for each cell's prompts."""
        resident = np.asarray(embedding, dtype=np.float32)
        return (self._decoder.decode(resident, geometry, cell) for cell in prompts)

    def embedding(self, image: Image) -> Embedding:
        """The embedding (256, 64, 64) of an image, from the cache or encoded now.

        Raises:
            ModelError: the encoder cannot be used.
        """
        if self._cache is None:
            return self._encoder.encode(image).astype(np.float16)
        key = embedding_key(image, digest(self._checkpoint))
        known = self._cache.get(key)
        if known is not None:
            return known
        embedding = self._encoder.encode(image).astype(np.float16)
        try:
            self._cache.put(key, embedding)
        except WorkerError as error:
            log.warning("%s", error)
        return embedding

    @cached_property
    def _encoder(self) -> Encoder:
        return open_encoder(self._checkpoint, self._architecture, self._device, self._threads)

    @cached_property
    def _decoder(self) -> OnnxDecoder:
        known = decoder_path(self._checkpoint, paths.decoders_dir())
        return OnnxDecoder(known or self._export(), self._threads)

    def _export(self) -> Path:
        from cellsam_desktop.sam.export import ensure_decoder

        return ensure_decoder(self._checkpoint, self._architecture, paths.decoders_dir()).onnx


def _fetch(spec: ModelSpec, registry: ModelRegistry) -> Path:
    size = "" if spec.size is None else f" ({spec.size / 1e6:.0f} MB)"
    print(f"Fetching the model {spec.name}{size} ...", file=sys.stderr, flush=True)
    return fetch(spec, registry)
