"""Which decoder works without a window: one that was named, or the one that the window uses."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.digests import digest
from cellsam_desktop.sam.trained import TrainedDecoder, TrainedDecoders, read_decoder
from cellsam_desktop.settings import Settings

log = logging.getLogger(__name__)

OWN = "none"
"""Instead of a decoder's name: the model's own."""


def wanted_decoder(wanted: str | None) -> TrainedDecoder | None:
    """The decoder in a folder (a training run, an exported one), or the adopted one of that name.

    None for ``OWN`` and for no wish. That training found a decoder no better is said on stderr.

    Raises:
        ModelError: there is no such decoder.
    """
    if wanted is None or wanted == OWN:
        return None
    if not Path(wanted).is_dir():
        return TrainedDecoders().get(wanted)
    found = read_decoder(Path(wanted))
    if found.after is not None and not found.better:
        print(f"The decoder in {wanted} was found no better than the model's own.", file=sys.stderr)
    return found


def decoder_in_use(settings: Settings, model: str) -> TrainedDecoder | None:
    """The trained decoder that the window uses for ``model``, None for the model's own."""
    name = settings.decoders.get(model)
    if not name:
        return None
    try:
        return TrainedDecoders().get(name)
    except ModelError as error:
        log.warning("The model's own decoder is used: %s", error)
        return None


def refuse_foreign(decoder: TrainedDecoder, model: str, checkpoint: Path) -> None:
    """Raise ModelError if the decoder was trained on the embeddings of other weights than ``checkpoint``."""
    if decoder.base_sha256 != digest(checkpoint):
        of = f"the model {decoder.base}" if decoder.base and decoder.base != model else "other weights"
        raise ModelError(
            f"The decoder {decoder.title} was trained for {of} and cannot be used with {model}: "
            "choose the model it belongs to, or another decoder."
        )
