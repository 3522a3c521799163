"""MobileSAM's image encoder: TinyViT-5M at 1024 x 1024 whose last stage keeps 64 x 64.

TinyViT: Wu et al., ECCV 2022; MobileSAM: Zhang et al. 2023. The blocks are timm's; the weights are MobileSAM's.
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
        self.stages = nn.Sequential(ConvLayer(_WIDTHS[0], _DEPTHS[0], nn.GELU))
        for before, width, depth, heads, window in zip(
            _WIDTHS[:-1], _WIDTHS[1:], _DEPTHS[1:], _HEADS[1:], _WINDOWS[1:], strict=True
        ):
            self.stages.append(
                TinyVitStage(before, width, depth, heads, window, downsample=PatchMerging, act_layer=nn.GELU)
            )
        # MobileSAM does not halve the resolution before the last stage, so that the grid is SAM's.
        self.stages[-1].downsample.conv2.conv.stride = (1, 1)
        self.neck = nn.Sequential(
            nn.Conv2d(_WIDTHS[-1], out_channels, kernel_size=1, bias=False),
            LayerNorm2d(out_channels),
            nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False),
            LayerNorm2d(out_channels),
        )

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        features: Tensor = self.neck(self.stages(self.patch_embed(images)))
        return features


def from_mobile_sam(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """MobileSAM's encoder weights under the names of ``TinyVitEncoder``.

    MobileSAM keeps each down-sampling at the end of a stage, timm at the beginning of the next; the unused
    classification head is dropped.
    """
    return {_rename(name): value for name, value in state.items() if not name.startswith(("norm_head.", "head."))}


def _rename(name: str) -> str:
    name = re.sub(r"\.c\.", ".conv.", name)
    name = name.replace("patch_embed.seq.0.", "patch_embed.conv1.").replace("patch_embed.seq.2.", "patch_embed.conv2.")
    name = re.sub(r"^layers\.(\d)\.downsample\.", lambda m: f"stages.{int(m[1]) + 1}.downsample.", name)
    return re.sub(r"^layers\.", "stages.", name)
