"""Does it learn? A model memorises a few generated MS3 clips, along the same path as any training on AVSBench."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from ..avsbench import collate, open_dataset
from ..avsbench.evaluate import evaluate
from ..avsbench.generate import generate
from ..model.avsac import AVSAC
from ..model.config import ModelConfig
from .avsbench import ClipLearner, Run, build, train
from .checkpoint import load_model
from .config import LossConfig, TrainConfig

CLIPS = 8
LOOP = TrainConfig(learning_rate=2e-3, schedule="cosine", warm_up_steps=10, gradient_norm=1.0, log_steps=20)


@dataclass(frozen=True)
class Result:
    """Legacy mIoU on the clips themselves, 0..1, and AVFS (Eq. 4).

    AVFS of random weights is small, because both distributions are almost even. It rises while the masks take shape, then
    falls.
    """

    decoder: str
    miou: float
    avfs_random: float  # before the first step
    avfs_highest: float  # of the means that the log takes over some steps
    avfs_last: float
    minutes: float


def overfit(folder: Path, model: ModelConfig, epochs: int, device: str = "cpu", loop: TrainConfig = LOOP) -> Result:
    """Two clips a step; `folder` gets the set and the run. What sounds of the two shapes in view changes by the frame."""
    data = folder / "ms3"
    if not data.exists():
        generate("ms3", data, CLIPS, size=model.image_size)
    options = {"epochs": epochs, "validate_epochs": epochs, "batch": 2, "random_backbones": True, "device": device}
    run = Run("ms3", data, model, loop=loop, **options)
    torch.manual_seed(loop.seed)
    random = avfs(build(run), run)
    began = time.monotonic()
    trained = load_model(train(folder / model.decoder, run))
    minutes = (time.monotonic() - began) / 60
    log = map(json.loads, (folder / model.decoder / "log.jsonl").read_text().splitlines())
    means = [line["sync"] for line in log if "sync" in line]
    figures = evaluate(trained, open_dataset("ms3", data, "train", model.image_size), wrong_sounds=False)
    return Result(model.decoder, figures["legacy"]["miou"], random, max(means), means[-1], minutes)


@torch.no_grad()
def avfs(model: AVSAC, run: Run) -> float:
    """Mean over the clips, in eval mode."""
    clips = open_dataset(run.kind, run.data, "train", model.config.image_size)
    learner = ClipLearner(model, LossConfig()).eval()
    return sum(learner(collate([clips[index]]))["sync"].item() for index in range(len(clips))) / len(clips)


def table(results: list[Result]) -> str:
    lines = [f"{'decoder':<18}{'mIoU':>8}{'AVFS, random weights':>24}{'highest':>10}{'last':>10}{'minutes':>10}"]
    for r in results:
        figures = f"{r.avfs_random:>24.3f}{r.avfs_highest:>10.3f}{r.avfs_last:>10.3f}"
        lines.append(f"{r.decoder:<18}{r.miou:>8.3f}{figures}{r.minutes:>10.1f}")
    return "\n".join(lines)
