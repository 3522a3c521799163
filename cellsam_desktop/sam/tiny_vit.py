"""MobileSAM's image encoder: TinyViT-5M at 1024 x 1024 whose last stage keeps 64 x 64.

TinyViT: Wu et al., ECCV 2022; MobileSAM: Zhang et al. 2023. The blocks are timm's, the weights MobileSAM's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from segment_anything.modeling.common import LayerNorm2d
from timm.models.tiny_vit import ConvLayer, PatchEmbed, PatchMerging, TinyVitStage
from torch import Tensor, nn

_WIDTHS = (64, 128, 160, 320)
_DEPTHS = (2, 2, 6, 2)
_HEADS = (2, 4, 5, 10)
_WINDOWS = (7, 7, 14, 7)


class TinyVitEncoder(nn.Module):
    """Images (N, 3, 1024, 1024), normalised, to embeddings (N, 256, 64, 64)."""

    img_size = 1024

    def __init__(self, out_channels: int = 256) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(3, _WIDTHS[0], nn.GELU)
        stages = [
            TinyVitStage(before, width, depth, heads, window, downsample=PatchMerging, act_layer=nn.GELU)
            for before, width, depth, heads, window in zip(
                _WIDTHS[:-1], _WIDTHS[1:], _DEPTHS[1:], _HEADS[1:], _WINDOWS[1:], strict=True
            )
        ]
        # MobileSAM does not halve the resolution before the last stage, so that the grid is SAM's.
        stages[-1].downsample.conv2.conv.stride = (1, 1)
        self.stages = nn.Sequential(ConvLayer(_WIDTHS[0], _DEPTHS[0], nn.GELU), *stages)
        self.neck = nn.Sequential(
            nn.Conv2d(_WIDTHS[-1], out_channels, kernel_size=1, bias=False),
            LayerNorm2d(out_channels),
            nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False),
            LayerNorm2d(out_channels),
        )

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        like_weights = images.to(next(self.parameters()).dtype)
        features: Tensor = self.neck(self.stages(self.patch_embed(like_weights)).float())
        return features

    def use_half(self) -> None:
        """Compute in float16, but for the neck, whose norms square numbers too large for it."""
        self.patch_embed.half()
        self.stages.half()


def from_mobile_sam(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """MobileSAM's encoder weights under the names of ``TinyVitEncoder``.

    MobileSAM keeps each down-sampling at the end of a stage, timm at the beginning of the next; the unused
    classification head is dropped.
    """
    unused = ("norm_head.", "head.")
    return {_rename(name): value for name, value in state.items() if not name.startswith(unused)}


def _rename(name: str) -> str:
    name = name.replace(".c.", ".conv.")
    name = re.sub(r"^patch_embed\.seq\.([02])\.", lambda m: f"patch_embed.conv{int(m[1]) // 2 + 1}.", name)
    name = re.sub(r"^layers\.(\d)\.downsample\.", lambda m: f"stages.{int(m[1]) + 1}.downsample.", name)
    return re.sub(r"^layers\.", "stages.", name)
