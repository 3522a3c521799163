"""Trained decoders among the models of the command line."""

from __future__ import annotations

from cellsam_desktop.core.decoder_scores import KINDS
from cellsam_desktop.sam.trained import TrainedDecoder, TrainedDecoders
from cellsam_desktop.settings import Settings

_HEADS = ("DECODER", "MODEL", "IN USE", "POINT", "BOX", "MADE", "TITLE")


def decoder_rows(store: TrainedDecoders, settings: Settings) -> list[tuple[str, ...]]:
    """A row of words for each adopted decoder, heads first; none without a decoder.

    POINT and BOX are the IoUs on held-out cells before and after training, from the first prompt alone.
    """
    rows = [_row(decoder, settings) for decoder in store.entries()]
    return [_HEADS, *rows] if rows else []


def _row(decoder: TrainedDecoder, settings: Settings) -> tuple[str, ...]:
    in_use = settings.decoders.get(decoder.base) == decoder.name
    gains = [_gain(decoder, kind) for kind in KINDS]
    return (decoder.name, decoder.base, "yes" if in_use else "no", *gains, decoder.made[:10], decoder.title)


def _gain(decoder: TrainedDecoder, kind: str) -> str:
    before = None if decoder.before is None else decoder.before.iou(kind)
    after = None if decoder.after is None else decoder.after.iou(kind)
    return "unknown" if before is None or after is None else f"{before:.3f} -> {after:.3f}"
