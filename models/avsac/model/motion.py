"""Motion: what has changed since the frames just before, and how the sound went meanwhile. An extension of the live presets;
the paper has none.
"""

import torch.nn.functional as F
from torch import Tensor, nn

# Ages of the earlier frames in milliseconds, in the order of the input's channels. Lips rest for up to a quarter of a second
# between words.
EARLIER_MS = (80, 160, 280, 400)
# Recommendation ITU-R BT.601, luminance of R, G and B.
BT601 = (0.299, 0.587, 0.114)
# A lip or a hand that moves changes luminance by some tens of 255.
DIFFERENCE = 32.0
CELL = (4, 16)  # of a log-mel patch: 40 ms, a quarter of the bands


def luminance(image: Tensor) -> Tensor:
    """image [B,S,S,3] uint8 RGB -> [B,1,S,S] float32, whole numbers in 0..255 (BT.601, full range), as `earlier` has them."""
    red, green, blue = (weight * image[..., channel].float() for channel, weight in enumerate(BT601))
    return (red + green + blue).round()[:, None]


class MotionStem(nn.Module):
    """Differences of luminance -> stride-8 map. Its output is zero at first: a model trained without it goes on as it was."""

    def __init__(self, width: int):
        super().__init__()
        last = nn.Conv2d(48, width, 3, 2, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.convolutions = nn.Sequential(
            nn.Conv2d(len(EARLIER_MS), 24, 5, 2, 2), nn.ReLU(), nn.Conv2d(24, 48, 3, 2, 1), nn.ReLU(), last
        )

    def forward(self, image: Tensor, earlier: Tensor) -> Tensor:
        """image [B,S,S,3] uint8 RGB, earlier [B,4,S,S] uint8 luminance -> [B,D,S/8,S/8]."""
        return self.convolutions((luminance(image) - earlier.float()) / DIFFERENCE)


class Rhythm(nn.Module):
    """How loud each 40 ms of the patch were: what lips that move have to go with, and the sound encoder's pooling forgets.

    Its output is zero at first, as the stem's.
    """

    def __init__(self, width: int, frames: int = 96, bands: int = 64):
        super().__init__()
        last = nn.Linear(64, width)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(nn.Linear((frames // CELL[0]) * (bands // CELL[1]), 64), nn.ReLU(), last)

    def forward(self, mel: Tensor) -> Tensor:
        """mel [B,1,frames,bands] -> what the audio token gains [B,D]."""
        loudness = F.avg_pool2d(mel, CELL).flatten(1)
        return self.layers(loudness - loudness.mean(1, keepdim=True))
