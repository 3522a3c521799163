"""A whole model in this process, for work without a window: image and prompts in, masks out."""

from __future__ import annotations

import logging
import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop import paths
from cellsam_desktop.analysis.knowledge import NOTHING, Knowledge
from cellsam_desktop.analysis.looking import CandidateMode, Look, propose
from cellsam_desktop.core.errors import WorkerError
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.curation.headless_decoder import decoder_in_use, refuse_foreign, wanted_decoder
from cellsam_desktop.sam.crops import looks_for
from cellsam_desktop.sam.decoder import OnnxDecoder
from cellsam_desktop.sam.decoder_files import DecoderFiles, decoder_path
from cellsam_desktop.sam.digests import digest
from cellsam_desktop.sam.embedding_cache import Embedding, EmbeddingCache, embedding_key
from cellsam_desktop.sam.fetch import fetch
from cellsam_desktop.sam.known_models import ModelSpec
from cellsam_desktop.sam.registry import ModelRegistry
from cellsam_desktop.sam.steady_decoder import open_decoder
from cellsam_desktop.sam.steady_encoder import SteadyEncoder
from cellsam_desktop.sam.transforms import InputGeometry
from cellsam_desktop.settings import Settings

log = logging.getLogger(__name__)

Image = NDArray[np.uint8]


CropMode: TypeAlias = Literal["auto", "none"]

_RESIDENT = 8  # looks prepared for the decoder, some 20 MB each


@dataclass(frozen=True)
class Way:
    """How masks are found: where the encoder looks, and which candidate comes first."""

    crop: CropMode = "auto"
    candidate: CandidateMode = "ranked"


AS_IN_THE_WINDOW = Way()
REFERENCE = Way("none", "predicted-iou")
"""The whole image encoded once and the candidates in the decoder's own order, as in segment-anything."""


@dataclass(frozen=True)
class Found:
    """What the model makes of one cell's prompts; ``mask`` is None when it finds nothing.

    ``crop`` is the part of the image that it was found in, None for all of it.
    """

    mask: Mask | None
    predicted_iou: float
    crop: Region | None = None


class HeadlessModel:
    """Encoder and decoder of one model; each is loaded when it is needed.

    Embeddings pass through float16, as in the cache, so that a second run gives the same masks as the first.
    ``encodes`` counts the looks that were encoded, not found in the cache.
    """

    def __init__(
        self,
        checkpoint: Path,
        architecture: str,
        device: str,
        cache: EmbeddingCache | None,
        threads: int | None = None,
        decoder: Path | None = None,
    ) -> None:
        """``decoder`` is the folder of another decoder than that of ``checkpoint``."""
        self._decoder = decoder
        self._checkpoint = checkpoint
        self._architecture = architecture
        self._device = device
        self._cache = cache
        self._threads = threads
        self._resident: OrderedDict[Region, Look] = OrderedDict()
        self._image: Image | None = None
        self.encodes = 0

    @classmethod
    def load(cls, name: str | None = None, decoder: str | None = None) -> HeadlessModel:
        """The model called ``name``, or the window's; fetched first if it is not on this computer.

        ``decoder`` is to be used in place of its own, see ``headless_decoder.wanted_decoder``. Without
        a ``name``, the model is then the one that it was trained for.

        Raises:
            ModelError: there is no such model or decoder, it cannot be fetched, or they do not fit together.
        """
        settings, registry = Settings.load(), ModelRegistry()
        chosen = wanted_decoder(decoder)
        spec = registry.get(name or (chosen and chosen.base) or settings.model)
        if decoder is None and name is None:
            chosen = decoder_in_use(settings, spec.name)
        checkpoint = registry.path(spec.name) or _fetch(spec, registry)
        if chosen is not None:
            refuse_foreign(chosen, spec.name, checkpoint)
        cache = EmbeddingCache(paths.embeddings_dir(), int(settings.cache_limit_gb * 1e9))
        folder = None if chosen is None else chosen.files.folder
        return cls(checkpoint, spec.architecture, settings.device, cache, decoder=folder)

    def segment(
        self, image: Image, prompts: Iterable[Prompts], way: Way = AS_IN_THE_WINDOW
    ) -> Iterator[Found]:
        """The first candidate for each cell's prompts on an RGB image (height, width, 3).

        Cells found here teach nothing: the answers do not depend on the order of the prompts.

        Raises:
            ModelError: the model cannot be used.
        """
        return (self.find(image, cell, NOTHING, way) for cell in prompts)

    def find(
        self, image: Image, prompts: Prompts, knowledge: Knowledge = NOTHING, way: Way = AS_IN_THE_WINDOW
    ) -> Found:
        """The first candidate for one cell, given what cells accepted before teach.

        Raises:
            ModelError: the model cannot be used.
        """
        plane = Region.whole(*image.shape[:2])
        wanted = (plane,) if way.crop == "none" else looks_for(plane, prompts, knowledge.diameter)
        looks = [self.look(image, region) for region in wanted]
        best = propose(self.decoder, looks, prompts, None, knowledge, way.candidate)[0]
        seen = best.geometry.region
        return Found(best.mask, best.predicted_iou, None if seen == plane else seen)

    def look(self, image: Image, region: Region) -> Look:
        """A part of an image, encoded and ready for the decoder."""
        if self._image is not image:
            self._image = image
            self._resident.clear()
        if region not in self._resident:
            prepared = self.decoder.prepare(self.embedding(np.ascontiguousarray(image[region.slices])))
            self._resident[region] = prepared, InputGeometry(region)
            while len(self._resident) > _RESIDENT:
                self._resident.popitem(last=False)
        self._resident.move_to_end(region)
        return self._resident[region]

    def embedding(self, image: Image) -> Embedding:
        """The embedding (256, 64, 64) of an image, from the cache or encoded now.

        Raises:
            ModelError: the encoder cannot be used.
        """
        if self._cache is None:
            return self._encode(image)
        key = embedding_key(image, digest(self._checkpoint), self._device)
        known = self._cache.get(key)
        if known is not None:
            return known
        embedding = self._encode(image)
        try:
            self._cache.put(key, embedding)
        except WorkerError as error:
            log.warning("%s", error)
        return embedding

    def _encode(self, image: Image) -> Embedding:
        self.encodes += 1
        return self._encoder.encode(image)

    @cached_property
    def _encoder(self) -> SteadyEncoder:
        """It goes on with the CPU when the graphics card does not."""
        return SteadyEncoder(self._checkpoint, self._architecture, self._device, self._threads, _say)

    @cached_property
    def decoder(self) -> OnnxDecoder:
        """The decoder, exported the first time that these weights are used."""
        if self._decoder is not None:
            return open_decoder(DecoderFiles(self._decoder).onnx, self._threads)
        known = decoder_path(self._checkpoint, paths.decoders_dir())
        return open_decoder(known or self._export(), self._threads)

    def _export(self) -> Path:
        from cellsam_desktop.sam.export import ensure_decoder

        return ensure_decoder(self._checkpoint, self._architecture, paths.decoders_dir()).onnx


def _fetch(spec: ModelSpec, registry: ModelRegistry) -> Path:
    size = "" if spec.size is None else f" ({spec.size / 1e6:.0f} MB)"
    _say(f"Fetching the model {spec.name}{size} ...")
    return fetch(spec, registry)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
