"""What the decoder answers from, kept in memory: images prepared once, and its last answers."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.embedding_cache import EmbeddingCache
from cellsam_desktop.sam.transforms import InputGeometry

if TYPE_CHECKING:
    from cellsam_desktop.analysis.candidates import Option
    from cellsam_desktop.sam.decoder import Answer, OnnxDecoder, PreparedImage

RESIDENT_BYTES = 256 * 1024**2
_ANSWERS = 16  # a megabyte each
_MASKS = 32


class PreparedLooks:
    """Looks prepared for one decoder, the least recently used dropped beyond ``limit_bytes``.

    ``prepared`` counts how many had to be.
    """

    def __init__(self, decoder: OnnxDecoder, cache: EmbeddingCache, limit_bytes: int | None = None) -> None:
        self._decoder = decoder
        self._cache = cache
        self._limit = RESIDENT_BYTES if limit_bytes is None else limit_bytes
        self._images: OrderedDict[str, PreparedImage] = OrderedDict()
        self.nbytes = 0
        self.prepared = 0

    def get(self, key: str) -> PreparedImage | None:
        """The look whose embedding has this key; None when it is not in the cache (any more)."""
        if key in self._images:
            self._images.move_to_end(key)
            return self._images[key]
        embedding = self._cache.get(key)
        if embedding is None:
            return None
        image = self._decoder.prepare(embedding)
        self.prepared += 1
        self._images[key] = image
        self.nbytes += image.nbytes
        while self.nbytes > self._limit and len(self._images) > 1:
            self.nbytes -= self._images.popitem(last=False)[1].nbytes
        return image


class AnswerMemory:
    """A decoder that knows its last answers, and their masks: a click where the mouse rests costs nothing.

    ``decodes`` counts the answers that were worked out.
    """

    def __init__(self, decoder: OnnxDecoder) -> None:
        self._decoder = decoder
        self._answers: OrderedDict[tuple[Any, ...], tuple[Answer, PreparedImage | NDArray[Any], Any]] = (
            OrderedDict()
        )
        self._masks: OrderedDict[int, tuple[NDArray[np.float32], Mask | None]] = OrderedDict()
        self.decodes = 0

    def decode(
        self,
        image: PreparedImage | NDArray[Any],
        geometry: InputGeometry,
        prompts: Prompts,
        hint: NDArray[np.float32] | None = None,
    ) -> Answer:
        """The decoder's answer; see ``OnnxDecoder.decode``."""
        # An id names an array as long as it lives, and what is remembered keeps both alive.
        question = (id(image), geometry, prompts, id(hint))
        if question in self._answers:
            self._answers.move_to_end(question)
            return self._answers[question][0]
        answer = self._decoder.decode(image, geometry, prompts, hint)
        self.decodes += 1
        self._answers[question] = (answer, image, hint)
        while len(self._answers) > _ANSWERS:
            self._answers.popitem(last=False)
        return answer

    def mask(self, option: Option) -> Mask | None:
        """The mask of an option; the same object for the same logits."""
        name = id(option.logits)
        if name not in self._masks:
            self._masks[name] = (option.logits, option.mask)
            while len(self._masks) > _MASKS:
                self._masks.popitem(last=False)
        return self._masks[name][1]
