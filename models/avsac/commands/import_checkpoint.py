"""`avsac import`: Makes a checkpoint of this package from published files."""

import argparse
from dataclasses import replace
from pathlib import Path

from ..model.config import PRESETS

HELP = "make a checkpoint from published ones: AVSegFormer's, PVT-v2's, ResNet-50's, VGGish's"
# Kept apart from checkpoint.published.ACCEPTED, whose import takes seconds; a test holds the two together.
FILES = """Files, recognised by their keys:
  AVSegFormer  AVSegFormer's released checkpoints, https://github.com/vvvb-github/AVSegFormer
  PVT-v2       pvt_v2_b0.pth to pvt_v2_b5.pth of https://github.com/whai362/PVT/releases/tag/v2
  ResNet-50    https://download.pytorch.org/models/resnet50-19c8e357.pth or resnet50-0676ba61.pth
  VGGish       vggish-10086976.pth of https://github.com/harritaylor/torchvggish/releases/tag/v0.1

AVSegFormer's becomes the baseline. The others are a model to start training from, random in all that no file holds."""


def add(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "import", help=HELP, description=HELP, epilog=FILES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("checkpoints", type=Path, nargs="+", metavar="CHECKPOINT")
    command.add_argument("-o", "--out", type=Path, required=True, help="the checkpoint to write")
    command.add_argument("--preset", choices=PRESETS, required=True)
    command.add_argument("--image-size", type=int, help="side of the picture in pixels (default: the preset's)")
    command.add_argument("--decoder-activation", choices=("relu", "gelu"), default="gelu", help="of its decoder (default gelu)")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from ..checkpoint.published import import_published
    from ..training.checkpoint import write_model

    config = replace(PRESETS[arguments.preset], decoder_activation=arguments.decoder_activation)
    if arguments.image_size:
        config = replace(config, image_size=arguments.image_size)
    model, names = import_published(config, arguments.checkpoints)
    write_model(arguments.out, model)
    for file, name in zip(arguments.checkpoints, names, strict=True):
        print(f"{file}: {name}")
    print(f"{arguments.out}: {arguments.preset}, {sum(p.numel() for p in model.parameters()):,} parameters")
