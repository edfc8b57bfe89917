"""Audio encoders: one log-mel patch -> one embedding."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig


class AudioEncoder(nn.Module):
    """Log-mel patch -> one embedding: 3x3 convolutions, each stage halving both axes, then average and maximum pooling.

    Pooling forgets where in the patch and in the spectrum a feature stood, so two ramps (time, band; -1..1) are given
    beside the log-mel: the end of the patch is "now", and pitch tells sources apart.
    """

    def __init__(self, channels: tuple[int, ...], width: int, frames: int = 96, bands: int = 64):
        super().__init__()
        layers: list[nn.Module] = []
        previous = 3
        for stage, count in enumerate(channels):
            for _ in range(1 if stage < 2 else 2):
                layers += [nn.Conv2d(previous, count, 3, padding=1, bias=False), nn.BatchNorm2d(count), nn.ReLU()]
                previous = count
            layers.append(nn.MaxPool2d(2))
        self.convolutions = nn.Sequential(*layers)
        self.project = nn.Linear(2 * previous, width)
        time = torch.linspace(-1, 1, frames)[:, None].expand(frames, bands)
        band = torch.linspace(-1, 1, bands)[None].expand(frames, bands)
        self.register_buffer("ramps", torch.stack((time, band))[None].clone(), persistent=False)

    def forward(self, mel: Tensor) -> Tensor:
        """mel [B,1,frames,bands] -> [B,width], not negative."""
        # Log-mel of speech at usual levels has mean about -2 and deviation about 2.5.
        scaled = torch.cat(((mel + 2.0) / 2.5, self.ramps.expand(mel.shape[0], -1, -1, -1)), 1)
        features = self.convolutions(scaled).flatten(2)
        return F.relu(self.project(torch.cat((features.mean(-1), features.amax(-1)), 1)))


class VGGish(nn.Module):
    """VGGish (Hershey et al. 2017) up to its embedding, without PCA and quantisation; key names of its published file."""

    width = 128

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        previous = 1
        for stage in ((64,), (128,), (256, 256), (512, 512)):
            for count in stage:
                layers += [nn.Conv2d(previous, count, 3, padding=1), nn.ReLU()]
                previous = count
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.embeddings = nn.Sequential(
            nn.Linear(6 * 4 * 512, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 128), nn.ReLU()
        )

    def forward(self, mel: Tensor) -> Tensor:
        """mel [B,1,96,64] -> [B,128], not negative."""
        # Flattened as time, band, channel: the published weights come from TensorFlow, where channels are last.
        return self.embeddings(self.features(mel).permute(0, 2, 3, 1).flatten(1))


AUDIO_ENCODERS: dict[str, Callable[[ModelConfig], nn.Module]] = {
    "convolutional": lambda config: AudioEncoder(config.audio_channels, config.audio_width),
    "vggish": lambda config: VGGish(),
}
