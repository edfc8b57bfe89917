"""AVSegFormer's decoder, the baseline: the queries read the encoded picture, the picture does not hear them."""

from torch import Tensor, nn

from .attention import MultiHeadAttention
from .config import ModelConfig
from .feed_forward import FeedForward


class QueryDecoderLayer(nn.Module):
    """Self-attention, cross-attention to the encoder's output, FFN; post-norm."""

    def __init__(self, config: ModelConfig, level_shapes: list[tuple[int, int]], changing: slice = slice(None)):
        super().__init__()
        width, heads = config.width, config.heads
        self.self_attention = MultiHeadAttention(width, heads)
        self.norm1 = nn.LayerNorm(width)
        self.cross_attention = MultiHeadAttention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.ffn = FeedForward(width, config.encoder_ffn, config.decoder_activation)

    def forward(self, agv: Tensor, vga: Tensor, encoded: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """As a BAVD layer's: agv stays what it is, the encoder's output; vga [B,Q,D] are the queries."""
        vga = self.norm1(vga + self.self_attention(vga, vga))
        vga = self.norm2(vga + self.cross_attention(vga, encoded))
        return agv, self.ffn(vga)
