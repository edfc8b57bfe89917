"""The head: Eq. 1, from mask feature and queries to logits."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig

LATERAL_WIDTH = 32


class MaskHead(nn.Module):
    """Eq. 1: M = Linear(F_AGV + MLP(F_AGV . F_VGA)); the "linear layer" is three convolutions with an enlargement.

    With a lateral (of `finest` channels; 0: without), the enlarged map is sharpened by the edges of the backbone's stride 4;
    not at first: a head trained without it goes on as it was.
    """

    def __init__(self, config: ModelConfig, finest: int = 0):
        super().__init__()
        width, hidden, (first, second) = config.width, config.mlp_hidden, config.head_channels
        self.scale = config.head_scale
        # A product divided by sqrt(D) starts training at unit scale; the first 1x1 convolution can absorb the factor.
        self.product_scale = width**-0.5 if config.scale_product else 1.0
        self.mlp = nn.Sequential(
            nn.Conv2d(config.queries, hidden, 1),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, 1),
            nn.ReLU(),
            nn.Conv2d(hidden, width, 1),
        )
        self.reduce = nn.Conv2d(width, first, 3, padding=1)
        self.refine = nn.Conv2d(first, second, 3, padding=1)
        self.lateral = self.sharpen = None
        if finest:
            self.lateral = nn.Conv2d(first + finest, LATERAL_WIDTH, 1)
            self.sharpen = nn.Conv2d(LATERAL_WIDTH, second, 3, padding=1)
            nn.init.zeros_(self.sharpen.weight)
            nn.init.zeros_(self.sharpen.bias)
        self.classify = nn.Conv2d(second, config.classes, 1, bias=False)

    def forward(self, feature: Tensor, vga: Tensor, finest: Tensor | None = None) -> Tensor:
        """feature [B,D,h,w], vga [B,Q,D], of a lateral finest [B,C,scale*h,scale*w] -> logits [B,K,scale*h,scale*w]."""
        product = (vga @ feature.flatten(2)).unflatten(2, feature.shape[-2:]) * self.product_scale  # [B,Q,h,w]
        fused = self.reduce(feature + self.mlp(product))
        fused = F.interpolate(fused, scale_factor=float(self.scale), mode="bilinear", align_corners=False)
        refined = self.refine(fused)
        if self.lateral is not None:
            refined = refined + self.sharpen(F.relu(self.lateral(torch.cat((fused, finest), 1))))
        return self.classify(F.relu(refined))
