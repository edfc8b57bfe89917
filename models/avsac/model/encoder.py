"""Transformer encoder over the visual pyramid (Deformable DETR's encoder layer with GELU)."""

import torch.nn.functional as F
from torch import Tensor, nn

from .attention import DeformableAttention


class EncoderLayer(nn.Module):
    """x = LN(x + MSDeformAttn(x + position, x)); x = LN(x + FFN(x)). Post-norm."""

    def __init__(self, width: int, heads: int, points: int, ffn: int, level_shapes: list[tuple[int, int]]):
        super().__init__()
        self.attention = DeformableAttention(width, heads, points, level_shapes)
        self.norm1 = nn.LayerNorm(width)
        self.linear1 = nn.Linear(width, ffn)
        self.linear2 = nn.Linear(ffn, width)
        self.norm2 = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, position: Tensor) -> Tensor:
        """tokens [B,L,D], position [L,D] -> [B,L,D]."""
        tokens = self.norm1(tokens + self.attention(tokens + position, tokens))
        return self.norm2(tokens + self.linear2(F.gelu(self.linear1(tokens))))
