"""Attention blocks: plain multi-head, multi-scale deformable (Zhu et al. 2020, arXiv:2010.04159), and the sine position."""

import math
from itertools import accumulate

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
        if query.shape[1] * (self.heads - 1) <= query.shape[2]:
            return self.out(self.read_by_few(query, memory))
        q, k, v = self.split(self.query(query)), self.split(self.key(memory)), self.split(self.value(memory))
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))

    def read_by_few(self, query: Tensor, memory: Tensor) -> Tensor:
        """What `forward` projects at its end, in fewer products where queries are few: for Q (X W_k^T)^T (Q W_k) X^T, for
        P (X W_v^T) (P X) W_v^T.
        """
        q = self.split(self.query(query))
        key, value = (linear.weight.unflatten(0, (self.heads, -1)) for linear in (self.key, self.value))  # [heads,D/heads,D]
        products = (q @ key).flatten(1, 2) @ memory.transpose(1, 2)  # [B,heads*N,M]
        if self.key.bias is not None:
            products = products + (q @ self.key.bias.view(self.heads, -1, 1)).flatten(1, 2)
        read = ((products * q.shape[-1] ** -0.5).softmax(-1) @ memory).unflatten(1, (self.heads, -1)) @ value.transpose(1, 2)
        joined = read.transpose(1, 2).flatten(2)
        return joined if self.value.bias is None else joined + self.value.bias

    def weights(self, query: Tensor, memory: Tensor) -> Tensor:
        """query [B,N,D], memory [B,M,D] -> [B,heads,N,M], what `forward` weighs the values by; rows sum to 1."""
        q, k = self.split(self.query(query)), self.split(self.key(memory))
        return (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)


def token_rows(level_shapes: list[tuple[int, int]], levels: slice) -> slice:
    """Where the tokens of adjacent `levels` stand among those of all, finest first."""
    ends = [0, *accumulate(h * w for h, w in level_shapes)]
    start, stop, _ = levels.indices(len(level_shapes))
    return slice(ends[start], ends[stop])


def put_back(tokens: Tensor, rows: slice, changed: Tensor) -> Tensor:
    """tokens [B,L,D] with `changed` in the place of the `rows` that `token_rows` named."""
    parts = (tokens[:, : rows.start], changed, tokens[:, rows.stop :])
    present = [part for part in parts if part.shape[1]]
    return torch.cat(present, 1) if len(present) > 1 else changed


class Atlas(nn.Module):
    """The maps of a pyramid below one another on one canvas, so that one grid_sample reads all levels.

    A row of zeros lies between two maps, and places are held within one cell around their own map, where samples are zero:
    a place outside its level gives zero, as it would on a canvas of its own. Only tokens of the levels `asking` look.
    """

    def __init__(self, level_shapes: list[tuple[int, int]], heads: int, points: int, asking: slice):
        super().__init__()
        length = sum(h * w for h, w in level_shapes)
        self.height, self.width = sum(h + 1 for h, _ in level_shapes) - 1, max(w for _, w in level_shapes)
        cells = torch.full((self.height, self.width), length)  # index of a cell's token; the one past the last is zero
        token = row = 0
        low, high, rows = [], [], []
        for h, w in level_shapes:
            cells[row : row + h, :w] = torch.arange(token, token + h * w).view(h, w)
            low.append((-0.5, row - 0.5))
            high.append((w + 0.5, row + h + 0.5))
            rows.append((0.0, row))
            token, row = token + h * w, row + h + 1
        centres = [
            torch.stack(torch.meshgrid((torch.arange(h) + 0.5) / h, (torch.arange(w) + 0.5) / w, indexing="ij")[::-1], -1)
            for h, w in level_shapes
        ]
        sizes = torch.tensor([(w, h) for h, w in level_shapes])
        own = torch.cat([c.reshape(-1, 1, 2) for c in centres]) * sizes + torch.tensor(rows)  # [L,levels,2]
        cell = torch.tensor((2 / self.width, 2 / self.height))
        self.register_buffer("cells", cells.flatten(), persistent=False)

        def spread(table: Tensor) -> Tensor:
            """[..,levels,2] -> [..,heads*levels*points*2]."""
            return table[..., None, :, None, :].expand(*table.shape[:-2], heads, -1, points, -1).flatten(-4)

        # In grid_sample's coordinates, x and then y, the canvas from -1 to 1. One flat row a token: ONNX Runtime takes long to
        # broadcast over short inner dimensions.
        self.register_buffer("cell", spread(cell.expand(len(level_shapes), 2)), persistent=False)
        self.register_buffer("own", spread(own[token_rows(level_shapes, asking)] * cell - 1), persistent=False)
        self.register_buffer("low", spread(torch.tensor(low) * cell - 1), persistent=False)
        self.register_buffer("high", spread(torch.tensor(high) * cell - 1), persistent=False)

    def paint(self, tokens: Tensor) -> Tensor:
        """tokens [B,L,D], levels finest first, rows first -> canvas [B,D,height,width]."""
        return F.pad(tokens, (0, 0, 0, 1))[:, self.cells].transpose(1, 2).unflatten(2, (self.height, self.width))

    def places(self, offset: Tensor) -> Tensor:
        """offset [B,N,heads*levels*points*2] of the N tokens that look, (x, y) in cells of the level, from the token's own
        normalised position -> the same in grid_sample's coordinates."""
        return torch.minimum(torch.maximum(self.own + offset * self.cell, self.low), self.high)


class DeformableAttention(nn.Module):
    """Multi-scale deformable attention of a feature pyramid, or of some of its levels, onto the whole pyramid.

    Every token of the levels `asking` looks, per head and level, at `points` places around its own normalised position and
    sums the bilinear samples there by learned weights (softmax over levels and points). Samples outside a level are zero.
    """

    def __init__(self, width: int, heads: int, points: int, level_shapes: list[tuple[int, int]], asking: slice = slice(None)):
        super().__init__()
        self.heads, self.points, self.levels = heads, points, len(level_shapes)
        self.atlas = Atlas(level_shapes, heads, points, asking)
        self.offset = nn.Linear(width, heads * self.levels * points * 2)
        self.weight = nn.Linear(width, heads * self.levels * points)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Heads start looking in evenly spread directions, point k at k cells' distance, all with equal weight."""
        angle = torch.arange(self.heads) * (2 * math.pi / self.heads)
        direction = torch.stack((angle.cos(), angle.sin()), -1)
        direction = direction / direction.abs().amax(-1, keepdim=True)
        distance = torch.arange(1, self.points + 1).view(1, 1, -1, 1)
        start = direction.view(-1, 1, 1, 2) * distance * torch.ones(1, self.levels, 1, 1)
        nn.init.zeros_(self.offset.weight)
        with torch.no_grad():
            self.offset.bias.copy_(start.flatten())
        nn.init.zeros_(self.weight.weight)
        nn.init.zeros_(self.weight.bias)
        nn.init.xavier_uniform_(self.value.weight)
        nn.init.xavier_uniform_(self.out.weight)

    def forward(self, query: Tensor, tokens: Tensor) -> Tensor:
        """query [B,N,D], cells of the levels `asking`, tokens [B,L,D], those of all, finest first, rows first -> [B,N,D]."""
        batch, length, width = query.shape
        heads, samples = self.heads, self.levels * self.points
        canvas = self.atlas.paint(self.value(tokens)).reshape(
            batch * heads, width // heads, self.atlas.height, self.atlas.width
        )
        # ONNX Runtime is slow to sum over a short innermost dimension.
        places = self.atlas.places(self.offset(query)).view(batch, length, heads * samples, 2)
        places = places.transpose(1, 2).reshape(batch * heads, samples, length, 2)
        weight = self.weight(query).view(batch, length, heads, samples).softmax(-1)
        weight = weight.permute(0, 2, 3, 1).reshape(batch * heads, 1, samples, length)
        sampled = F.grid_sample(canvas, places, mode="bilinear", padding_mode="zeros", align_corners=False)
        out = (sampled * weight).sum(2)  # [B*heads,D/heads,L]
        return self.out(out.reshape(batch, width, length).transpose(1, 2))
