"""Bidirectional Audio-Visual Decoder (AVSAC, section 3.2): two branches with a bridge each way in every layer."""

import torch
from torch import Tensor, nn

from .attention import DeformableAttention, MultiHeadAttention


class BAVDLayer(nn.Module):
    """One layer of both branches.

    F_v   = LN(F_AGV + MSDeformAttn(F_AGV))
    F_AGV = LN(F_v + w * MHA(Q = F_v, K = V = F_VGA))        Eq. 2; w a learned scalar, 1 at the start
    F_VGA = LN(F_VGA + MHA(Q = F_VGA, K = V = new F_AGV))    Eq. 3; the residual is ours, off with `vga_residual=False`
    """

    def __init__(self, width: int, heads: int, points: int, level_shapes: list[tuple[int, int]], vga_residual: bool):
        super().__init__()
        self.vga_residual = vga_residual
        self.deformable = DeformableAttention(width, heads, points, level_shapes)
        self.norm_v = nn.LayerNorm(width)
        self.audio_to_vision = MultiHeadAttention(width, heads)
        self.w = nn.Parameter(torch.ones(()))
        self.norm_agv = nn.LayerNorm(width)
        self.vision_to_audio = MultiHeadAttention(width, heads)
        self.norm_vga = nn.LayerNorm(width)

    def forward(self, agv: Tensor, vga: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """agv [B,L,D], vga [B,Q,D], position [L,D] -> the same two, one layer on."""
        vision = self.norm_v(agv + self.deformable(agv + position, agv))
        agv = self.norm_agv(vision + self.w * self.audio_to_vision(vision, vga))
        read = self.vision_to_audio(vga, agv)
        return agv, self.norm_vga(vga + read if self.vga_residual else read)
