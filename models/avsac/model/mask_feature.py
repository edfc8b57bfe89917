"""Mask feature: the picture at the finest stride that the head multiplies with the queries, gated by the sound."""

import torch.nn.functional as F
from torch import Tensor, nn

from .attention import MultiHeadAttention
from .config import ModelConfig


class MaskFeature(nn.Module):
    """Stride-8 tokens -> 3x3 convolution -> audio-guided channel gate (one weight in 0..1 per channel).

    At stride 4 the tokens are doubled in size first, and a lateral 1x1 convolution of the backbone's stride 4 is added.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        width = config.width
        if config.mask_stride == 4:
            self.lateral = nn.Sequential(nn.Conv2d(width, width, 1), nn.GroupNorm(config.groups, width))
        self.convolution = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=config.mask_bias), nn.GroupNorm(config.groups, width), nn.ReLU()
        )
        self.gated = config.channel_gate
        if self.gated:
            self.gate_attention = MultiHeadAttention(width, config.heads, bias=config.gate_projection)
            self.gate = nn.Linear(width, width) if config.gate_projection else nn.Identity()

    def forward(self, coarse: Tensor, fine: Tensor | None, audio: Tensor) -> Tensor:
        """coarse [B,D,h,w] of stride 8, fine [B,D,2h,2w] of stride 4 or None, audio [B,1,D] -> [B,D,..] of the finer."""
        if fine is not None:
            doubled = F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
            coarse = self.lateral(fine) + doubled
        feature = self.convolution(coarse)
        if not self.gated:
            return feature
        heard = self.gate_attention(audio, feature.flatten(2).transpose(1, 2))  # [B,1,D]
        return feature * self.gate(heard).sigmoid().transpose(1, 2)[..., None]
