"""Bidirectional Audio-Visual Decoder (AVSAC, section 3.2): two branches with a bridge each way in every layer."""

import torch
from torch import Tensor, nn

from .attention import DeformableAttention, MultiHeadAttention, put_back, token_rows
from .config import ModelConfig
from .feed_forward import FeedForward


class BAVDLayer(nn.Module):
    """One layer of both branches.

    F_v   = LN(F_AGV + MSDeformAttn(F_AGV))
    F_AGV = LN(F_v + w * MHA(Q = F_v, K = V = F_VGA))        Eq. 2; w learned, 1 at the start, a scalar or one a channel
    F_VGA = LN(F_VGA + MHA(Q = F_VGA, K = V = new F_AGV))    Eq. 3; the residual is ours, off with `vga_residual=False`

    Table 3 takes one bridge away: "audio-to-vision" has the VGA branch read the encoder's output in every layer,
    "vision-to-audio" leaves F_AGV = F_v. `bavd_ffn` ends each branch with a feed-forward block.
    """

    def __init__(self, config: ModelConfig, level_shapes: list[tuple[int, int]], changing: slice = slice(None)):
        super().__init__()
        self.rows = token_rows(level_shapes, changing)
        width, heads = config.width, config.heads
        self.audio_bridge = config.decoder != "vision-to-audio"
        self.vision_bridge = config.decoder != "audio-to-vision"
        self.vga_residual = config.vga_residual
        self.deformable = DeformableAttention(width, heads, config.points, level_shapes, changing)
        self.norm_v = nn.LayerNorm(width)
        if self.audio_bridge:
            self.audio_to_vision = MultiHeadAttention(width, heads)
            self.w = nn.Parameter(torch.ones(() if config.audio_weight == "scalar" else width))
            self.norm_agv = nn.LayerNorm(width)
        self.vision_to_audio = MultiHeadAttention(width, heads)
        self.norm_vga = nn.LayerNorm(width)

        def ffn() -> nn.Module:
            return FeedForward(width, config.encoder_ffn, config.decoder_activation) if config.bavd_ffn else nn.Identity()

        self.ffn_agv, self.ffn_vga = ffn(), ffn()

    def forward(self, agv: Tensor, vga: Tensor, encoded: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """agv and encoded (the encoder's output) [B,L,D], vga [B,Q,D], position [L,D] -> agv, vga one layer on."""
        x = agv[:, self.rows]
        x = self.norm_v(x + self.deformable(x + position[self.rows], agv))
        if self.audio_bridge:
            x = self.norm_agv(x + self.w * self.audio_to_vision(x, vga))
        x = self.ffn_agv(x)
        read = self.vision_to_audio(vga, x if self.vision_bridge else encoded)
        return put_back(agv, self.rows, x), self.ffn_vga(self.norm_vga(vga + read if self.vga_residual else read))
