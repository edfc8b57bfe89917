"""The feed-forward block of a transformer layer."""

import torch.nn.functional as F
from torch import Tensor, nn

ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu}


class FeedForward(nn.Module):
    """x = LN(x + linear2(activation(linear1(x)))). Post-norm."""

    def __init__(self, width: int, hidden: int, activation: str):
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        self.linear1 = nn.Linear(width, hidden)
        self.linear2 = nn.Linear(hidden, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """x [B,N,D] -> [B,N,D]."""
        return self.norm(x + self.linear2(self.activation(self.linear1(x))))
