"""The paper's presets at a size that a test can afford. `python -m tests.reduced FOLDER PRESET...` exports them."""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from avsac.export.classes import class_names
from avsac.export.export import export
from avsac.export.graph import GraphConfig
from avsac.export.manifest import Card
from avsac.model.avsac import AVSAC
from avsac.model.config import PRESETS, ModelConfig


def shaken(config: ModelConfig) -> AVSAC:
    """A model in which nothing is at its start: zeros, ones and batch statistics would hide a part that the graph lacks."""
    torch.manual_seed(0)
    model = AVSAC(config).eval()
    with torch.no_grad():
        for value in (*model.parameters(), *(b for name, b in model.named_buffers() if name.endswith("running_mean"))):
            value += 0.02 * torch.randn_like(value)
        for name, value in model.named_buffers():
            if name.endswith("running_var"):
                value *= 0.9 + 0.2 * torch.rand_like(value)
    return model


def reduced(preset: str) -> ModelConfig:
    """The preset's architecture, every switch as it is, in few and narrow layers at a small picture."""
    config = PRESETS[preset]
    small = {"pvt-v2-b5": "pvt-v2-b0"}
    return replace(
        config,
        backbone=small.get(config.backbone, config.backbone),
        image_size=64,
        width=80 if config.recognition else 64,
        groups=min(config.groups, 16),
        encoder_layers=1,
        encoder_ffn=64,
        query_layers=1,
        query_ffn=64,
        decoder_layers=2,
        mlp_hidden=32,
        head_channels=(16, 8),
    )


def main(folder: Path, presets: list[str]) -> None:
    """Exports each preset, reduced, one frame a run, into a folder of its name."""
    for preset in presets:
        model = shaken(reduced(preset))
        export(model, folder / preset, Card(preset), class_names(model.config.classes), GraphConfig(batch=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
