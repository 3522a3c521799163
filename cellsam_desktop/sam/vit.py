"""SAM's image encoder, a vision transformer with windows (Kirillov et al. 2023; ViTDet: Li et al. 2022).

The same numbers under the same names as ``segment_anything.modeling.ImageEncoderViT``; what differs is how
they are computed. Attention is fused (``scaled_dot_product_attention``), with the decomposed relative
positions as its bias. The blocks' products may run in half precision; norms, the sum that blocks add to, and
the neck stay in float32, whose range they need.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from segment_anything.modeling.common import LayerNorm2d, MLPBlock
from segment_anything.modeling.image_encoder import PatchEmbed, window_partition, window_unpartition
from torch import Tensor, nn

from cellsam_desktop.sam.vit_shapes import VitShape

_EPSILON = 1e-6


class VisionTransformer(nn.Module):
    """Images (N, 3, grid * patch, grid * patch), normalised, to embeddings (N, channels, grid, grid)."""

    def __init__(self, shape: VitShape, channels: int = 256) -> None:
        super().__init__()
        self.img_size = shape.grid * shape.patch
        patch = (shape.patch, shape.patch)
        self.patch_embed = PatchEmbed(kernel_size=patch, stride=patch, embed_dim=shape.width)
        self.pos_embed = nn.Parameter(torch.zeros(1, shape.grid, shape.grid, shape.width))
        self.blocks = nn.ModuleList(
            Block(shape, 0 if number in shape.global_blocks else shape.window)
            for number in range(shape.depth)
        )
        self.neck = nn.Sequential(
            nn.Conv2d(shape.width, channels, kernel_size=1, bias=False),
            LayerNorm2d(channels),
            nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False),
            LayerNorm2d(channels),
        )

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        x = self.patch_embed(images.to(self.patch_embed.proj.weight.dtype)) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        embeddings: Tensor = self.neck(x.permute(0, 3, 1, 2))
        return embeddings

    def use_half(self) -> None:
        """Compute the products of all blocks in float16."""
        for module in (*self.patch_embed.modules(), *self.blocks.modules()):
            if isinstance(module, (nn.Linear, nn.Conv2d)):
                module.half()


class Block(nn.Module):
    """Attention (in windows of side ``window``, 0: everywhere) and a perceptron, each added to its input."""

    def __init__(self, shape: VitShape, window: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(shape.width, eps=_EPSILON)
        self.attn = Attention(shape.width, shape.heads, window or shape.grid)
        self.norm2 = nn.LayerNorm(shape.width, eps=_EPSILON)
        self.mlp = MLPBlock(embedding_dim=shape.width, mlp_dim=4 * shape.width)
        self.window_size = window

    def forward(self, x: Tensor) -> Tensor:
        """From and to (N, height, width, channels)."""
        dtype = self.mlp.lin1.weight.dtype
        x = x + self._attend(self.norm1(x).to(dtype))
        perceived: Tensor = x + self.mlp(self.norm2(x).to(dtype))
        return perceived

    def _attend(self, x: Tensor) -> Tensor:
        attended: Tensor
        if self.window_size == 0:
            attended = self.attn(x)
            return attended
        windows, padded = window_partition(x, self.window_size)
        attended = window_unpartition(self.attn(windows), self.window_size, padded, x.shape[1:3])
        return attended


class Attention(nn.Module):
    """Multi-head attention among ``side`` x ``side`` tokens, with relative positions."""

    steps: Tensor

    def __init__(self, width: int, heads: int, side: int) -> None:
        super().__init__()
        self.num_heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * side - 1, width // heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * side - 1, width // heads))
        # Indices made at each call would have to be sent to the graphics card, which waits for them. They are
        # real numbers also where parameters are only announced (``torch.device("meta")``).
        places = torch.arange(side, device="cpu")
        self.register_buffer("steps", places[:, None] - places + side - 1, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """From and to (N, side, side, width)."""
        count, height, width, _ = x.shape
        qkv = self.qkv(x).view(count, height * width, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        heads = [
            self._attend(query, key, value, height, width)
            for query, key, value in (
                qkv[:, :, some] for some in self._together(count, x.device.type == "cpu")
            )
        ]
        attended = torch.cat(heads, dim=1) if len(heads) > 1 else heads[0]
        projected: Tensor = self.proj(attended.transpose(1, 2).reshape(count, height, width, -1))
        return projected

    def _together(self, count: int, on_cpu: bool) -> list[slice]:
        """The bias is as large as all scores: 800 MB for the base model, unless heads take turns."""
        at_once = 1 if on_cpu and count == 1 else self.num_heads
        return [slice(start, start + at_once) for start in range(0, self.num_heads, at_once)]

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, height: int, width: int) -> Tensor:
        """Some heads: (N, heads, tokens, size) each."""
        bias = self._positions(query, height, width)
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)

    def _positions(self, query: Tensor, height: int, width: int) -> Tensor:
        """What relative positions add to the scores, (N, heads, tokens, tokens): decomposed (MViTv2)."""
        count, heads, tokens, size = query.shape
        rows = query.reshape(count, heads, height, width, size)
        steps_down = self.rel_pos_h[self.steps].to(query.dtype)
        steps_across = self.rel_pos_w[self.steps].to(query.dtype)
        down = rows @ steps_down.transpose(1, 2)
        across = (rows.transpose(2, 3) @ steps_across.transpose(1, 2)).transpose(2, 3)
        bias = query.new_empty(count, heads, height, width, height, width)
        torch.add(down.unsqueeze(-1), across.unsqueeze(-2), out=bias)
        return bias.view(count, heads, tokens, tokens)
