"""The published files of the backbones: PVT-v2 and ResNet-50 (ImageNet), VGGish (AudioSet)."""

import re
from collections.abc import Mapping

from torch import Tensor

from ..model.config import ModelConfig
from .layout import Layout, Source

VISUAL, AUDIO = "backbone.net.", "audio_encoder."
PVT_ORIGIN = "pvt_v2_b0.pth to pvt_v2_b5.pth of https://github.com/whai362/PVT/releases/tag/v2"
RESNET_ORIGIN = "https://download.pytorch.org/models/resnet50-19c8e357.pth or resnet50-0676ba61.pth"
VGGISH_ORIGIN = "vggish-10086976.pth of https://github.com/harritaylor/torchvggish/releases/tag/v0.1"
IMAGENET_CLASSES = 1000


def pvt_key(ours: str) -> str:
    """timm's name of a tensor of a PVT-v2 pyramid -> its published name, where stages count from 1."""
    ours = ours.replace("mlp.dwconv.", "mlp.dwconv.dwconv.").replace("patch_embed.", "patch_embed1.")
    stage = re.match(r"stages_(\d)\.(blocks|downsample|norm)", ours)
    if not stage:
        return ours
    part = {"blocks": "block", "downsample": "patch_embed", "norm": "norm"}[stage[2]]
    return f"{part}{int(stage[1]) + 1}{ours[stage.end() :]}"


def starting_with(prefix: str, ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key: value for key, value in ours.items() if key.startswith(prefix)}


def backbone_layouts(config: ModelConfig, ours: Mapping[str, Tensor]) -> list[Layout]:
    """The published files that a model of this configuration can take, `ours` being its state dictionary."""
    layouts = []
    if config.backbone.startswith("pvt"):
        head = {
            "head.weight": (IMAGENET_CLASSES, ours[f"{VISUAL}stages_3.norm.weight"].shape[0]),
            "head.bias": (IMAGENET_CLASSES,),
        }
        layouts.append(
            Layout.of(
                f"PVT-v2-{config.backbone[-2:].upper()}",
                PVT_ORIGIN,
                starting_with(VISUAL, ours),
                lambda key: Source(pvt_key(key.removeprefix(VISUAL))),
                head,
            )
        )
    if config.backbone == "resnet50":
        fc = {"fc.weight": (IMAGENET_CLASSES, 2048), "fc.bias": (IMAGENET_CLASSES,)}
        layouts.append(  # timm has torchvision's names
            Layout.of("ResNet-50", RESNET_ORIGIN, starting_with(VISUAL, ours), lambda key: Source(key.removeprefix(VISUAL)), fc)
        )
    if config.audio_encoder == "vggish":
        layouts.append(
            Layout.of("VGGish", VGGISH_ORIGIN, starting_with(AUDIO, ours), lambda key: Source(key.removeprefix(AUDIO)), {})
        )
    return layouts
