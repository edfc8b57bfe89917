"""Query generator: learned queries read the audio token; the result F_a is the input of the decoder's VGA branch."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import MultiHeadAttention


class QueryLayer(nn.Module):
    """Self-attention, cross-attention to the audio token, FFN; post-norm, no biases in the attentions."""

    def __init__(self, width: int, heads: int, ffn: int):
        super().__init__()
        self.self_attention = MultiHeadAttention(width, heads, bias=False, out_bias=False)
        self.norm1 = nn.LayerNorm(width)
        self.audio_attention = MultiHeadAttention(width, heads, bias=False, out_bias=False)
        self.norm2 = nn.LayerNorm(width)
        self.linear1 = nn.Linear(width, ffn)
        self.linear2 = nn.Linear(ffn, width)
        self.norm3 = nn.LayerNorm(width)

    def forward(self, query: Tensor, audio: Tensor) -> Tensor:
        """query [B,Q,D], audio [B,1,D] -> [B,Q,D]."""
        query = self.norm1(query + self.self_attention(query, query))
        query = self.norm2(query + self.audio_attention(query, audio))
        return self.norm3(query + self.linear2(F.relu(self.linear1(query))))


class QueryGenerator(nn.Module):
    """Without layers the audio token itself, repeated, takes the place of what the queries read."""

    def __init__(self, width: int, heads: int, ffn: int, layers: int, queries: int):
        super().__init__()
        if layers:
            self.start = nn.Parameter(torch.randn(queries, width) * 0.5)
        self.layers = nn.ModuleList(QueryLayer(width, heads, ffn) for _ in range(layers))
        self.learnable_query = nn.Parameter(torch.randn(queries, width) * 0.5)

    def forward(self, audio: Tensor) -> Tensor:
        """audio [B,1,D] -> F_a [B,Q,D]."""
        query = self.start.expand(audio.shape[0], -1, -1) if self.layers else audio
        for layer in self.layers:
            query = layer(query, audio)
        return query + self.learnable_query
