"""Training by wall-clock time: sound classes first, then the whole model; resumable, with averaged weights."""

import copy
import json
import math
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..losses import avfs_loss, segmentation_loss
from ..model.avsac import AVSAC
from ..model.config import ModelConfig
from .data import Batch, BatchProcess, DataConfig
from .evaluate import evaluate, media_samples, scene_samples


@dataclass(frozen=True)
class TrainConfig:
    """`minutes` of the main phase, sound lessons not counted. Intervals are in minutes, too."""

    minutes: float
    learning_rate: float = 8e-4
    weight_decay: float = 0.01
    warm_up_steps: int = 60
    gradient_norm: float = 1.0
    avfs_weight: float = 1.0
    sound_weight: float = 0.5
    sound_batches: int = 300
    sound_learning_rate: float = 2e-3
    checkpoint_every: float = 3.0
    evaluate_every: float = 8.0
    evaluate_pictures: int = 120
    threads: int = 2
    seed: int = 0


class Log:
    """JSON lines in `log.jsonl` and on standard output."""

    def __init__(self, folder: Path):
        self.file = (folder / "log.jsonl").open("a")

    def __call__(self, **values: object) -> None:
        line = json.dumps(values)
        print(line, file=self.file, flush=True)
        print(line, flush=True)


class Learner(nn.Module):
    """The model and the sound classifier that only training needs."""

    def __init__(self, config: ModelConfig, classes: list[str]):
        super().__init__()
        self.classes = classes
        self.model = AVSAC(config)
        self.classify_sound = nn.Linear(config.audio_width, len(classes))

    def losses(self, batch: Batch, config: TrainConfig) -> dict[str, Tensor]:
        tokens = self.model.encode_image(torch.from_numpy(batch.image))
        sounds = len(batch.mel) // len(batch.image)
        output = self.model.decode(tokens.repeat_interleave(sounds, 0), torch.from_numpy(batch.mel))
        target = torch.from_numpy(batch.target).float() / 255
        logits = F.interpolate(output.logits, size=target.shape[-2:], mode="bilinear", align_corners=False)
        return {
            "segmentation": segmentation_loss(logits, target),
            "avfs": config.avfs_weight * avfs_loss(output.audio_query, output.mask_feature),
            "sound": config.sound_weight
            * F.binary_cross_entropy_with_logits(self.classify_sound(output.audio_embedding), torch.from_numpy(batch.sounds)),
        }


def train(folder: Path, model_config: ModelConfig, data: DataConfig, config: TrainConfig) -> Path:
    """Trains, or goes on from `folder/last.pt` when it is there; writes `folder/model.pt` (averaged weights), returned."""
    folder.mkdir(parents=True, exist_ok=True)
    log, last = Log(folder), folder / "last.pt"
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    state = torch.load(last, weights_only=True) if last.exists() else None
    held_out = held_out_samples(data, config.evaluate_pictures)
    # A resumed run must not see the same samples again.
    data = DataConfig(**{**data.__dict__, "seed": data.seed + (state["step"] if state else 0)})
    with BatchProcess(data, 0 if state else config.sound_batches) as batches:
        learner = Learner(model_config, batches.get())
        learner.train()
        if state is None:
            learn_sounds(learner, batches, config, log)
        average = copy.deepcopy(learner)
        weights = [p for p in learner.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(weights, config.learning_rate, weight_decay=config.weight_decay)
        step, before = 0, 0.0
        if state is not None:
            learner.load_state_dict(state["learner"])
            average.load_state_dict(state["average"])
            optimiser.load_state_dict(state["optimiser"])
            step, before = state["step"], state["elapsed"]
            log(resumed=step, elapsed=round(before))
        began, next_save, next_evaluation = time.monotonic(), 0.0, 0.0
        sums: Counter[str] = Counter()
        while True:
            elapsed = before + time.monotonic() - began
            done = elapsed / (60 * config.minutes)
            if next_save == 0.0:
                next_save = elapsed + 60 * config.checkpoint_every
                next_evaluation = elapsed + 60 * config.evaluate_every
            if elapsed > next_save or done >= 1:
                save(last, learner=learner, average=average, optimiser=optimiser, step=step, elapsed=elapsed)
                export_checkpoint(folder / "model.pt", average, step, elapsed)
                next_save = elapsed + 60 * config.checkpoint_every
            if elapsed > next_evaluation or done >= 1:
                log(evaluated=step, elapsed=round(elapsed), **evaluate(average.model, held_out))
                next_evaluation = elapsed + 60 * config.evaluate_every
            if done >= 1:
                return folder / "model.pt"
            rate = config.learning_rate * min(1.0, (step + 1) / config.warm_up_steps)
            for group in optimiser.param_groups:
                group["lr"] = rate * (0.5 + 0.5 * math.cos(math.pi * done)) + 1e-6
            losses = learner.losses(batches.get(), config)
            optimiser.zero_grad()
            sum(losses.values()).backward()
            nn.utils.clip_grad_norm_(weights, config.gradient_norm)
            optimiser.step()
            step += 1
            follow(average, learner, min(0.998, (1 + step) / (20 + step)))
            sums.update({name: value.item() for name, value in losses.items()}, steps=1)
            if step % 50 == 0:
                means = {name: round(sums[name] / sums["steps"], 4) for name in losses}
                log(step=step, elapsed=round(elapsed), lr=round(optimiser.param_groups[0]["lr"], 6), **means)
                sums.clear()


def held_out_samples(data: DataConfig, count: int) -> list:
    """What the run's own evaluations measure: scenes and composed media, `count` pictures of each."""
    samples = list(scene_samples(data.scenes, count)) if data.scenes else []
    return samples + (list(media_samples(data.media, count)) if data.media else [])


def learn_sounds(learner: Learner, batches: BatchProcess, config: TrainConfig, log: Log) -> None:
    """The audio encoder alone, on sound classes: without it the masks ignore the sound for the first many minutes."""
    parts = [*learner.model.audio_encoder.parameters(), *learner.classify_sound.parameters()]
    optimiser = torch.optim.AdamW(parts, config.sound_learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.sound_learning_rate, config.sound_batches)
    for step in range(1, config.sound_batches + 1):
        mel, classes = map(torch.from_numpy, batches.get())
        logits = learner.classify_sound(learner.model.audio_encoder(mel))
        loss = F.binary_cross_entropy_with_logits(logits, classes)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 25 == 0:
            heard = ((logits > 0) == (classes > 0)).all(1).float().mean()
            log(soundStep=step, soundLoss=round(loss.item(), 4), allClassesRight=round(heard.item(), 3))


@torch.no_grad()
def follow(average: nn.Module, learner: nn.Module, keep: float) -> None:
    """Exponential moving average of the trained weights; buffers (batch statistics) are copied."""
    for ours, theirs in zip(average.parameters(), learner.parameters(), strict=True):
        if theirs.requires_grad:
            ours.lerp_(theirs, 1 - keep)
    for ours, theirs in zip(average.buffers(), learner.buffers(), strict=True):
        ours.copy_(theirs)


def save(path: Path, **parts: object) -> None:
    """Writes the state dictionaries in one step, so that a killed run leaves the checkpoint before."""
    state = {name: part.state_dict() if hasattr(part, "state_dict") else part for name, part in parts.items()}
    write(path, state)


def export_checkpoint(path: Path, learner: Learner, step: int, elapsed: float) -> None:
    config = learner.model.config.to_dict()
    write(path, {"config": config, "model": learner.model.state_dict(), "step": step, "elapsed": elapsed})


def write(path: Path, state: dict) -> None:
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def load_model(path: Path) -> AVSAC:
    """The model of a `model.pt`, in eval mode."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    model = AVSAC(ModelConfig.from_dict(state["config"]))
    model.load_state_dict(state["model"])
    return model.eval()
