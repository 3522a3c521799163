"""The provenance of masks that are made from other masks."""

from __future__ import annotations

from dataclasses import replace

from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import NO_PROMPTS
from cellsam_desktop.core.records import MaskRecord, Source

Held = tuple[MaskRecord, bool]
"""A mask and whether it is marked as seen."""


def corrected(record: MaskRecord, mask: Mask) -> MaskRecord:
    """The record of a mask after a person changed its shape.

    Its prompts and what the decoder said of it belong to the shape before. One that was propagated is now a
    person's, so that propagation does not overwrite it.
    """
    source = Source.BRUSH if record.source == Source.PROPAGATED else record.source
    return _reshaped(record, mask, source)


def united(one: Held, other: Held) -> Held:
    """Both masks as one, with the provenance of the larger; nobody has seen it yet."""
    record = max(one[0], other[0], key=lambda record: record.mask.area)
    mask = one[0].mask.union(other[0].mask)
    return _reshaped(record, mask, record.source), False


def _reshaped(record: MaskRecord, mask: Mask, source: Source) -> MaskRecord:
    return replace(record, mask=mask, source=source, predicted_iou=None, prompts=NO_PROMPTS, agreement=None)
