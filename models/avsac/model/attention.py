"""Attention blocks: plain multi-head, multi-scale deformable (Zhu et al. 2020, arXiv:2010.04159), and the sine position."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def sine_position(height: int, width: int, channels: int, temperature: float = 1e4) -> Tensor:
    """DETR's sine position, not normalised, counted from 1: the first half of the channels is y, the second x.

    Returns [height*width, channels] float32, rows first. `channels` must be divisible by 4.
    """
    half = channels // 2
    frequency = temperature ** (2 * (torch.arange(half) // 2) / half)

    def encode(length: int) -> Tensor:
        angle = torch.arange(1, length + 1)[:, None] / frequency
        return torch.stack((angle[:, 0::2].sin(), angle[:, 1::2].cos()), dim=2).flatten(1)

    y = encode(height)[:, None].expand(height, width, half)
    x = encode(width)[None].expand(height, width, half)
    return torch.cat((y, x), dim=-1).reshape(height * width, channels)


class MultiHeadAttention(nn.Module):
    """softmax(Q K^T / sqrt(channels per head)) V with an output projection. `bias` is that of query, key and value."""

    def __init__(self, width: int, heads: int, bias: bool = True, out_bias: bool = True):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias)
        self.key = nn.Linear(width, width, bias)
        self.value = nn.Linear(width, width, bias)
        self.out = nn.Linear(width, width, out_bias)

    def split(self, x: Tensor) -> Tensor:
        """[B,L,D] -> [B,heads,L,D/heads]."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, query: Tensor, memory: Tensor) -> Tensor:
        """query [B,N,D], memory (keys and values) [B,M,D] -> [B,N,D]."""
        q, k, v = self.split(self.query(query)), self.split(self.key(memory)), self.split(self.value(memory))
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))

    def weights(self, query: Tensor, memory: Tensor) -> Tensor:
        """query [B,N,D], memory [B,M,D] -> [B,heads,N,M], what `forward` weighs the values by; rows sum to 1."""
        q, k = self.split(self.query(query)), self.split(self.key(memory))
        return (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)


class DeformableAttention(nn.Module):
    """Multi-scale deformable attention of a feature pyramid onto itself.

    Every token looks, per head and level, at `points` places around its own normalised position and sums the bilinear
    samples there by learned weights (softmax over levels and points). Samples outside a level are zero.
    """

    def __init__(self, width: int, heads: int, points: int, level_shapes: list[tuple[int, int]]):
        super().__init__()
        self.heads, self.points, self.level_shapes = heads, points, list(level_shapes)
        levels = len(self.level_shapes)
        self.offset = nn.Linear(width, heads * levels * points * 2)
        self.weight = nn.Linear(width, heads * levels * points)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

        # Token centres and the size of one cell, in grid_sample's -1..1 coordinates (x, then y).
        centres = [
            torch.stack(torch.meshgrid((torch.arange(h) + 0.5) / h, (torch.arange(w) + 0.5) / w, indexing="ij")[::-1], -1)
            for h, w in self.level_shapes
        ]
        self.register_buffer("reference", torch.cat([c.reshape(-1, 2) for c in centres]) * 2 - 1, persistent=False)
        self.register_buffer("cell", torch.tensor([(2 / w, 2 / h) for h, w in self.level_shapes]), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Heads start looking in evenly spread directions, point k at k cells' distance, all with equal weight."""
        angle = torch.arange(self.heads) * (2 * math.pi / self.heads)
        direction = torch.stack((angle.cos(), angle.sin()), -1)
        direction = direction / direction.abs().amax(-1, keepdim=True)
        distance = torch.arange(1, self.points + 1).view(1, 1, -1, 1)
        start = direction.view(-1, 1, 1, 2) * distance * torch.ones(1, len(self.level_shapes), 1, 1)
        nn.init.zeros_(self.offset.weight)
        with torch.no_grad():
            self.offset.bias.copy_(start.flatten())
        nn.init.zeros_(self.weight.weight)
        nn.init.zeros_(self.weight.bias)
        nn.init.xavier_uniform_(self.value.weight)
        nn.init.xavier_uniform_(self.out.weight)

    def forward(self, query: Tensor, tokens: Tensor) -> Tensor:
        """query, tokens [B,L,D], L the cells of all levels, finest first, rows first -> [B,L,D]."""
        batch, length, width = tokens.shape
        heads, levels, points = self.heads, len(self.level_shapes), self.points
        value = self.value(tokens).transpose(1, 2)  # [B,D,L]
        offset = self.offset(query).view(batch, length, heads, levels, points, 2)
        weight = self.weight(query).view(batch, length, heads, levels * points).softmax(-1)
        weight = weight.transpose(1, 2).reshape(batch * heads, 1, length, levels * points)

        samples, start = [], 0
        for level, (h, w) in enumerate(self.level_shapes):
            feature = value[:, :, start : start + h * w].reshape(batch * heads, width // heads, h, w)
            place = self.reference[:, None, None] + offset[:, :, :, level] * self.cell[level]  # [B,L,heads,points,2]
            place = place.transpose(1, 2).reshape(batch * heads, length, points, 2)
            samples.append(F.grid_sample(feature, place, mode="bilinear", padding_mode="zeros", align_corners=False))
            start += h * w
        out = (torch.cat(samples, -1) * weight).sum(-1)  # [B*heads,D/heads,L]
        return self.out(out.reshape(batch, width, length).transpose(1, 2))
