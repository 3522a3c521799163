"""The sizes of SAM's vision transformers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VitShape:
    """One size: tokens of ``width`` numbers on ``grid`` x ``grid`` patches of ``patch`` x ``patch`` pixels.

    Attention is among windows of ``window`` x ``window`` tokens, but for the ``global_blocks``.
    """

    width: int
    depth: int
    heads: int
    global_blocks: tuple[int, ...]
    grid: int = 64
    window: int = 14
    patch: int = 16


VIT_SHAPES = {
    "vit_b": VitShape(768, 12, 12, (2, 5, 8, 11)),
    "vit_l": VitShape(1024, 24, 16, (5, 11, 17, 23)),
    "vit_h": VitShape(1280, 32, 16, (7, 15, 23, 31)),
}
