"""AVSAC (arXiv 2402.02327): bootstrapping audio-visual segmentation by strengthening audio cues.

Every frame is processed on its own: a window of T frames is T rows of the batch.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..audio import AudioEncoder
from .attention import MultiHeadAttention, sine_position
from .backbones import BACKBONES
from .bavd import BAVDLayer
from .config import ModelConfig
from .encoder import EncoderLayer
from .query_generator import QueryGenerator

STRIDES = (8, 16, 32)


@dataclass
class Output:
    """What training needs of a forward pass. S is the side of the input, s8 = S/8, h the head's scale."""

    logits: Tensor  # [B,K,h*s8,h*s8]
    mask_feature: Tensor  # [B,D,s8,s8], the F_AGV of Eq. 4
    audio_query: Tensor  # [B,Q,D], the F_a of Eq. 4
    audio_embedding: Tensor  # [B,A]


class MaskFeature(nn.Module):
    """Stride-8 tokens -> 3x3 convolution -> audio-guided channel gate (one weight in 0..1 per channel)."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        width = config.width
        self.convolution = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.GroupNorm(config.groups, width), nn.ReLU()
        )
        self.gated = config.channel_gate
        if self.gated:
            self.gate_attention = MultiHeadAttention(width, config.heads)
            self.gate = nn.Linear(width, width)

    def forward(self, tokens: Tensor, audio: Tensor, side: int) -> Tensor:
        """tokens [B,L,D], audio [B,1,D] -> [B,D,side,side]; the first side*side tokens are the finest level."""
        feature = self.convolution(tokens[:, : side * side].transpose(1, 2).unflatten(2, (side, side)))
        if not self.gated:
            return feature
        heard = self.gate_attention(audio, feature.flatten(2).transpose(1, 2))  # [B,1,D]
        return feature * self.gate(heard).sigmoid().transpose(1, 2)[..., None]


class MaskHead(nn.Module):
    """Eq. 1: M = Linear(F_AGV + MLP(F_AGV . F_VGA))."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        width, hidden, (first, second) = config.width, config.mlp_hidden, config.head_channels
        self.scale = config.head_scale
        self.mlp = nn.Sequential(
            nn.Conv2d(config.queries, hidden, 1),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, 1),
            nn.ReLU(),
            nn.Conv2d(hidden, width, 1),
        )
        self.reduce = nn.Conv2d(width, first, 3, padding=1)
        self.refine = nn.Conv2d(first, second, 3, padding=1)
        self.classify = nn.Conv2d(second, config.classes, 1, bias=False)

    def forward(self, feature: Tensor, vga: Tensor) -> Tensor:
        """feature [B,D,h,w], vga [B,Q,D] -> logits [B,K,scale*h,scale*w]."""
        # Divided by sqrt(D) so that training starts at unit scale; the first 1x1 convolution can absorb the factor.
        product = (vga @ feature.flatten(2)).unflatten(2, feature.shape[-2:]) * feature.shape[1] ** -0.5  # [B,Q,h,w]
        fused = self.reduce(feature + self.mlp(product))
        fused = F.interpolate(fused, scale_factor=float(self.scale), mode="bilinear", align_corners=False)
        return self.classify(F.relu(self.refine(fused)))


class AVSAC(nn.Module):
    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        width = config.width
        self.level_shapes = [(config.image_size // s, config.image_size // s) for s in STRIDES]
        self.backbone = BACKBONES[config.backbone]()
        self.in_proj = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, width, 1), nn.GroupNorm(config.groups, width))
            for channels in self.backbone.channels
        )
        self.level_embedding = nn.Parameter(torch.randn(len(STRIDES), width) * 0.1)
        self.register_buffer("sine", torch.cat([sine_position(h, w, width) for h, w in self.level_shapes]), persistent=False)
        level = [torch.full((h * w,), index) for index, (h, w) in enumerate(self.level_shapes)]
        self.register_buffer("level", torch.cat(level), persistent=False)
        self.encoder = nn.ModuleList(
            EncoderLayer(width, config.heads, config.points, config.encoder_ffn, self.level_shapes)
            for _ in range(config.encoder_layers)
        )
        self.audio_encoder = AudioEncoder(config.audio_channels, config.audio_width)
        self.audio_proj = nn.Linear(config.audio_width, width)
        self.query_generator = QueryGenerator(width, config.heads, config.query_ffn, config.query_layers, config.queries)
        self.decoder = nn.ModuleList(
            BAVDLayer(width, config.heads, config.points, self.level_shapes, config.vga_residual)
            for _ in range(config.decoder_layers)
        )
        self.mask_feature = MaskFeature(config)
        self.head = MaskHead(config)

    def position(self) -> Tensor:
        """[L,D]: sine position plus the level's embedding, added to deformable queries only."""
        return self.sine + self.level_embedding[self.level]

    def encode_image(self, image: Tensor) -> Tensor:
        """image [B,S,S,3] uint8 RGB -> visual tokens [B,L,D], levels finest first."""
        pixels = (image.permute(0, 3, 1, 2).float() - self.backbone.mean) / self.backbone.std
        levels = [project(level) for project, level in zip(self.in_proj, self.backbone(pixels), strict=True)]
        tokens = torch.cat([level.flatten(2).transpose(1, 2) for level in levels], 1)
        position = self.position()
        for layer in self.encoder:
            tokens = layer(tokens, position)
        return tokens

    def decode(self, tokens: Tensor, mel: Tensor) -> Output:
        """tokens [B,L,D] of `encode_image`, mel [B,1,96,64] -> Output."""
        embedding = self.audio_encoder(mel)
        audio = self.audio_proj(embedding)[:, None]  # [B,1,D]
        query = self.query_generator(audio)
        agv, vga, position = tokens, query, self.position()
        for layer in self.decoder:
            agv, vga = layer(agv, vga, position)
        feature = self.mask_feature(agv, audio, self.level_shapes[0][0])
        return Output(self.head(feature, vga), feature, query, embedding)

    def forward(self, image: Tensor, mel: Tensor) -> Tensor:
        """image [B,S,S,3] uint8 RGB, mel [B,1,96,64] float32 -> logits [B,K,S,S]; sounding where sigmoid > 0.5."""
        logits = self.decode(self.encode_image(image), mel).logits
        side = self.config.image_size
        return F.interpolate(logits, size=(side, side), mode="bilinear", align_corners=False)
