"""Files of a run: `last.pt`, all that resuming takes, and `model.pt` and `best.pt`, a model with its configuration."""

from pathlib import Path

import torch

from ..model.avsac import AVSAC
from ..model.config import ModelConfig


def write(path: Path, state: dict) -> None:
    """In one step: a run that is killed meanwhile leaves the file before."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def write_model(path: Path, model: AVSAC, **figures: object) -> None:
    write(path, {"config": model.config.to_dict(), "model": model.state_dict(), **figures})


def load_model(path: Path) -> AVSAC:
    """The model of a `model.pt` or `best.pt`, in eval mode. Raises ValueError for another file, OSError without one."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception:  # what is no checkpoint raises almost anything
        raise ValueError(f"{path} is no checkpoint that torch can read; give a run's model.pt or best.pt") from None
    if not {"config", "model"} <= set(state):
        raise ValueError(f"{path} is no model of `avsac train`: give its model.pt or best.pt")
    model = AVSAC(ModelConfig.from_dict(state["config"]))
    model.load_state_dict(state["model"])
    return model.eval()
