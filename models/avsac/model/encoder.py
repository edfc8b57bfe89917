"""Transformer encoder over the visual pyramid (Deformable DETR's encoder layer with GELU)."""

import torch.nn.functional as F
from torch import Tensor, nn

from .attention import DeformableAttention, put_back, token_rows


class EncoderLayer(nn.Module):
    """x = LN(x + MSDeformAttn(x + position, x)); x = LN(x + FFN(x)). Post-norm.

    Tokens of other levels than `changing` stay as they are.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        points: int,
        ffn: int,
        level_shapes: list[tuple[int, int]],
        changing: slice = slice(None),
    ):
        super().__init__()
        self.rows = token_rows(level_shapes, changing)
        self.attention = DeformableAttention(width, heads, points, level_shapes, changing)
        self.norm1 = nn.LayerNorm(width)
        self.linear1 = nn.Linear(width, ffn)
        self.linear2 = nn.Linear(ffn, width)
        self.norm2 = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, position: Tensor) -> Tensor:
        """tokens [B,L,D], position [L,D] -> [B,L,D]."""
        x = tokens[:, self.rows]
        x = self.norm1(x + self.attention(x + position[self.rows], tokens))
        return put_back(tokens, self.rows, self.norm2(x + self.linear2(F.gelu(self.linear1(x)))))
