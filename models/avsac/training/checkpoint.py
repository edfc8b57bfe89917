"""Files of a run: `last.pt`, all that resuming takes, and `model.pt` and `best.pt`, a model with its configuration.

`weights.pt` of an export is such a model without a backbone that comes with the package.
"""

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


def write_trained(path: Path, model: AVSAC) -> None:
    """What training changed of a model whose backbone comes with the package."""
    trained = {name: weight for name, weight in model.state_dict().items() if not name.startswith("backbone.")}
    write(path, {"config": model.config.to_dict(), "model": trained})


def load_model(path: Path) -> AVSAC:
    """The model of a `model.pt`, `best.pt` or `weights.pt`, in eval mode.

    Raises ValueError for another file, OSError without one.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception:  # what is no checkpoint raises almost anything
        raise ValueError(f"{path} is no checkpoint that torch can read; give a run's model.pt or best.pt") from None
    if not {"config", "model"} <= set(state):
        raise ValueError(f"{path} is no model of `avsac train`: give its model.pt or best.pt")
    model = AVSAC(ModelConfig.from_dict(state["config"]))
    backbone = {f"backbone.{name}": weight for name, weight in model.backbone.state_dict().items()}
    model.load_state_dict((backbone if model.backbone.packaged else {}) | state["model"])
    return model.eval()


def mix(shares: dict[Path, float]) -> AVSAC:
    """The weighted mean of models that went on from one another or from one origin (model soups, Wortsman et al. 2022).

    A weight that only some of them have is the mean of these. Raises ValueError for shares that do not add up to 1, and for
    models whose weights do not fit together.
    """
    if min(shares.values()) <= 0 or abs(sum(shares.values()) - 1) > 1e-6:
        raise ValueError(f"shares {', '.join(map(str, shares.values()))} are not above 0 and 1 together")
    models = {path: load_model(path) for path in shares}
    weights = {path: model.state_dict() for path, model in models.items()}
    largest = max(models, key=lambda path: len(weights[path]))
    for path, theirs in weights.items():
        for name, weight in theirs.items():
            if name not in weights[largest] or weight.shape != weights[largest][name].shape:
                raise ValueError(f"{path} has another {name}: only models of one configuration are mixed")
    mean = {}
    for name, weight in weights[largest].items():
        having = [path for path in shares if name in weights[path]]
        total = sum(shares[path] * weights[path][name] for path in having)
        mean[name] = (total / sum(shares[path] for path in having)).to(weight.dtype)
    models[largest].load_state_dict(mean)
    return models[largest]


def start_from(model: AVSAC, path: Path) -> str:
    """Copies the weights of a model file whose names and shapes agree; says which stay as they were initialised."""
    theirs, ours = load_model(path).state_dict(), model.state_dict()
    taken = {name: weight for name, weight in theirs.items() if name in ours and ours[name].shape == weight.shape}
    model.load_state_dict(ours | taken)
    new = sorted({name.rsplit(".", 1)[0] for name in set(ours) - set(taken)})
    return f"{path}: {len(taken)} of {len(ours)} weights taken; new: {', '.join(new) or 'none'}"
