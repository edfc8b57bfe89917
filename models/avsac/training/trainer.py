"""One loop for every recipe: losses, gradients, a step; checkpoints, figures and pictures on the way.

A recipe says what is learnt from what and when it ends. The loop knows no data set, the recipe no optimiser and no file.
"""

import copy
import gc
import itertools
import math
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import nn

from .checkpoint import write, write_model
from .config import TrainConfig
from .journal import Journal
from .memory import explained

SEED_STRIDE = 1_000_003  # more than there are steps or processes


@dataclass
class Validation:
    """Held-out figures. `best.pt` is the model with the highest `score`; without a score there is no best one."""

    figures: dict[str, object]
    scalars: dict[str, float | None]
    score: float | None = None
    pictures: dict[str, np.ndarray] = field(default_factory=dict)  # tag -> [H,W,3] uint8


class Recipe(Protocol):
    """What a run is made of. `learner(batch)` gives named losses whose sum is minimised; `learner.model` is the AVSAC."""

    learner: nn.Module
    length: float  # of the schedule, in `unit`s
    unit: str
    memory_remedy: str

    def position(self, step: int, elapsed: float) -> float:
        """0..length, after `step` steps and `elapsed` seconds; the run ends at `length`."""

    def frozen(self, step: int) -> tuple[str, ...]:
        """Names of the model's parts that do not learn in this step."""

    def micro_batches(self, step: int) -> Iterator[object]:
        """This process's micro-batches from `step` on, `accumulate` of them a step."""

    def due(self, step: int, elapsed: float) -> bool:
        """Whether to validate after this many steps; true at the end, too."""

    def validate(self, model: nn.Module) -> Validation: ...


def launch(precision: str, device: str = "auto") -> Fabric:
    """One process, or those that torchrun has started: it says how many in the environment."""
    world, local = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    strategy = "ddp" if world > 1 else "auto"
    fabric = Fabric(accelerator=device, devices=local, num_nodes=world // local, strategy=strategy, precision=precision)
    fabric.launch()
    return fabric


class Trainer:
    """Trains a recipe's learner, or goes on from `folder/last.pt`.

    The random numbers of a step (dropped paths) depend on the seed, the step and the process alone, so a checkpoint needs no
    generator's state and a run that was killed ends with the weights it would have had.
    """

    def __init__(self, fabric: Fabric, recipe: Recipe, config: TrainConfig, folder: Path):
        """Raises ValueError when the folder holds a run of another model."""
        self.fabric, self.recipe, self.config, self.folder = fabric, recipe, config, folder
        folder.mkdir(parents=True, exist_ok=True)
        learner = recipe.learner
        if fabric.world_size > 1 and fabric.device.type == "cuda":
            learner = nn.SyncBatchNorm.convert_sync_batchnorm(learner)
        self.learner = learner.to(fabric.device)
        self.average = copy.deepcopy(learner) if config.average else None
        # A part that never learns (the live backbone) has no such weights, and freezing leaves it as it is.
        self.weights = {
            name: [p for p in part.parameters() if p.requires_grad] for name, part in learner.model.named_children()
        }
        trained = [p for p in learner.parameters() if p.requires_grad]
        self.adamw = torch.optim.AdamW(trained, config.learning_rate, weight_decay=config.weight_decay)
        self.optimiser = fabric.setup_optimizers(self.adamw)
        self.module, self.frozen = None, None
        self.step, self.elapsed, self.best = 0, 0.0, -math.inf
        if self.last.exists():
            self.restore()

    @property
    def last(self) -> Path:
        return self.folder / "last.pt"

    @property
    def trained(self) -> nn.Module:
        """The model that a run gives."""
        return (self.average or self.learner).model

    def fit(self) -> Path:
        """Trains to the schedule's end; returns `model.pt`."""
        recipe, config = self.recipe, self.config
        began = time.monotonic() - self.elapsed
        saved, sums = self.elapsed, Counter()
        batches = recipe.micro_batches(self.step)
        position = recipe.position(self.step, self.elapsed)
        with Journal(self.folder, self.step, recipe.length, position, recipe.unit, self.fabric.is_global_zero) as journal:
            if self.step:
                journal.line(resumed=self.step, elapsed=round(self.elapsed))
            while position < recipe.length:
                self.freeze(recipe.frozen(self.step))
                with explained("a training step", recipe.memory_remedy):
                    losses = self.learn(itertools.islice(batches, config.accumulate), position / recipe.length)
                self.step, self.elapsed = self.step + 1, time.monotonic() - began
                position = recipe.position(self.step, self.elapsed)
                sums.update(losses)
                journal.advance(min(position, recipe.length), sum(losses.values()))
                if self.step % config.log_steps == 0:
                    self.report(journal, {name: total / config.log_steps for name, total in sums.items()})
                    sums.clear()
                if recipe.due(self.step, self.elapsed):
                    self.validate(journal)
                    self.save()
                    saved = self.elapsed
                elif self.elapsed - saved > 60 * config.checkpoint_minutes:
                    self.save()
                    saved = self.elapsed
        return self.folder / "model.pt"

    def learn(self, batches: Iterator[object], done: float) -> dict[str, float]:
        """One step of the optimiser at the share `done` of the schedule; returns the mean losses of this process's part."""
        count, sums = self.config.accumulate, Counter()
        for group in self.adamw.param_groups:
            group["lr"] = self.config.rate(self.step, done)
        torch.manual_seed((self.config.seed * SEED_STRIDE + self.step) * SEED_STRIDE + self.fabric.global_rank)
        for index, batch in enumerate(batches):
            with self.fabric.no_backward_sync(self.module, enabled=index + 1 < count):
                losses = self.module(self.fabric.to_device(batch))
                self.fabric.backward(sum(losses.values()) / count)
            sums.update({name: value.item() / count for name, value in losses.items()})
        if self.config.gradient_norm is not None:
            self.fabric.clip_gradients(
                self.module, self.optimiser, max_norm=self.config.gradient_norm, error_if_nonfinite=False
            )
        self.optimiser.step()
        self.optimiser.zero_grad()
        if self.average is not None:
            follow(self.average, self.learner, min(0.998, (2 + self.step) / (21 + self.step)))
        return dict(sums)

    def freeze(self, names: tuple[str, ...]) -> None:
        """Gives gradients to the parts that learn; what is frozen is in eval mode, its batch statistics as loaded."""
        if names != self.frozen:
            for name, weights in self.weights.items():
                for weight in weights:
                    weight.requires_grad_(name not in names)
                    weight.grad = None
            self.frozen = names
            # The data-parallel wrapper counts on the set of weights it has first seen. The old one's hooks go with it.
            self.module = None
            gc.collect()
            self.module = self.fabric.setup_module(self.learner)
        self.learner.train()
        for name in names:
            getattr(self.learner.model, name).eval()

    def report(self, journal: Journal, losses: dict[str, float]) -> None:
        losses = {name: self.fabric.all_reduce(torch.tensor(value), reduce_op="mean").item() for name, value in losses.items()}
        rate = self.adamw.param_groups[0]["lr"]
        rounded = {name: round(value, 5) for name, value in losses.items()}
        journal.line(step=self.step, elapsed=round(self.elapsed), lr=float(f"{rate:.3g}"), **rounded)
        journal.scalars(self.step, {"learning rate": rate} | {f"loss/{name}": value for name, value in losses.items()})

    def validate(self, journal: Journal) -> None:
        model = self.trained
        with explained("validation", self.recipe.memory_remedy), torch.no_grad(), self.fabric.autocast():
            validation = self.recipe.validate(model.eval())
        journal.line(evaluated=self.step, elapsed=round(self.elapsed), **validation.figures)
        journal.scalars(self.step, validation.scalars)
        for tag, image in validation.pictures.items():
            journal.picture(self.step, tag, image)
        if validation.score is not None and validation.score > self.best:
            self.best = validation.score
            if self.fabric.is_global_zero:
                write_model(self.folder / "best.pt", model, step=self.step, score=self.best)

    def save(self) -> None:
        if not self.fabric.is_global_zero:
            return
        state = {"learner": self.learner.state_dict(), "optimiser": self.adamw.state_dict()}
        if self.average is not None:
            state["average"] = self.average.state_dict()
        state |= {"scaler": self.fabric.strategy.precision.state_dict(), "config": self.learner.model.config.to_dict()}
        write(self.last, state | {"step": self.step, "elapsed": self.elapsed, "best": self.best})
        write_model(self.folder / "model.pt", self.trained, step=self.step, elapsed=self.elapsed)

    def restore(self) -> None:
        state = torch.load(self.last, map_location=self.fabric.device, weights_only=True)
        if state["config"] != self.learner.model.config.to_dict():
            raise ValueError(f"{self.folder} holds a run of another model configuration: give another --out, or remove it")
        self.learner.load_state_dict(state["learner"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.adamw.load_state_dict(state["optimiser"])
        self.fabric.strategy.precision.load_state_dict(state["scaler"])
        self.step, self.elapsed, self.best = state["step"], state["elapsed"], state["best"]


@torch.no_grad()
def follow(average: nn.Module, learner: nn.Module, keep: float) -> None:
    """Exponential moving average of the trained weights; buffers (batch statistics) are copied."""
    for ours, theirs in zip(average.parameters(), learner.parameters(), strict=True):
        if theirs.requires_grad:
            ours.lerp_(theirs, 1 - keep)
    for ours, theirs in zip(average.buffers(), learner.buffers(), strict=True):
        ours.copy_(theirs)
