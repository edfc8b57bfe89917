"""Models that start from published files: AVSegFormer's checkpoints, and those of the backbones."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..model.avsac import AVSAC
from ..model.config import ModelConfig
from .avsegformer import ORIGIN, avsegformer_layout, baseline, is_avsegformer
from .backbones import PVT_ORIGIN, RESNET_ORIGIN, VGGISH_ORIGIN, backbone_layouts
from .layout import CheckpointError, Layout

ACCEPTED = {"AVSegFormer": ORIGIN, "PVT-v2": PVT_ORIGIN, "ResNet-50": RESNET_ORIGIN, "VGGish": VGGISH_ORIGIN}


def import_published(config: ModelConfig, files: list[Path]) -> tuple[AVSAC, list[str]]:
    """A model of the configuration with the files' weights, and what each file was; what no file holds stays random.

    With a checkpoint of AVSegFormer among the files, the model is the baseline. Raises CheckpointError for a file that is
    none of ACCEPTED, or not of this configuration, naming every key that is missing, unexpected or misshapen.
    """
    checkpoints = {file: read(file) for file in files}
    for file, checkpoint in checkpoints.items():
        if is_avsegformer(checkpoint):
            config = baseline(config, checkpoint, file.name)
    model = AVSAC(config)
    return model, [load(model, checkpoint, file.name) for file, checkpoint in checkpoints.items()]


def load_published(model: AVSAC, file: Path) -> str:
    """Puts a file's weights into the model and returns what the file was. Raises CheckpointError as `import_published`."""
    return load(model, read(file), file.name)


def load(model: AVSAC, checkpoint: Mapping[str, object], file: str) -> str:
    layout = identify(model, checkpoint, file)
    model.load_state_dict(layout.convert(checkpoint, file), strict=False)
    return layout.name


def identify(model: AVSAC, checkpoint: Mapping[str, object], file: str) -> Layout:
    """The layout that shares most keys with the checkpoint."""
    ours = model.state_dict()
    layouts = backbone_layouts(model.config, ours)
    if model.config.decoder == "avsegformer":
        layouts.append(avsegformer_layout(model.config, ours))
    best = max(layouts, key=lambda layout: layout.shared(checkpoint), default=None)
    if best is None or not best.shared(checkpoint):
        names = ", ".join(layout.name for layout in layouts) or "no published file"
        accepted = "; ".join(f"{name} ({origin})" for name, origin in ACCEPTED.items())
        raise CheckpointError(
            f"{file} has no key that this model takes (it starts with {', '.join(list(checkpoint)[:3])}): "
            f"this configuration takes {names}; there are {accepted}"
        )
    return best


def read(file: Path) -> dict[str, Tensor]:
    """The state dictionary of a published file, free of wrappers. Raises CheckpointError, and OSError without the file."""
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise CheckpointError(f"{file} is not a checkpoint of PyTorch: {str(error).splitlines()[0]}") from error
    if isinstance(state, dict) and {"config", "model"} <= state.keys():
        raise CheckpointError(f"{file} is a checkpoint of avsac already: use it as it is")
    for wrapper in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    if not isinstance(state, dict) or not state:
        raise CheckpointError(f"{file} holds no state dictionary")
    if all(key.startswith("module.") for key in state):
        return {key.removeprefix("module."): value for key, value in state.items()}
    return dict(state)
