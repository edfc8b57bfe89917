"""How a run learns: what both recipes share, and the paper's numbers for each of its tasks (Table 6)."""

import math
from dataclasses import dataclass

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
SCHEDULES = ("constant", "cosine")
SEGMENTATION = ("focal-dice", "dice")
SYNC = ("avfs", "frame-wise-l2", "l2", "none")
FREEZES = ("always", "avsegformer", "vision")


@dataclass(frozen=True)
class TrainConfig:
    """Settings of the loop. `learning_rate` is that of the schedule's start. The defaults are the paper's,
    and where it is silent (weight decay, schedule, clipping) ours.

    `accumulate`: micro-batches a step; it and the number of processes divide the batch and change its memory, not its result.
    `gradient_norm`: gradients are clipped to it. `average`: the model written is the moving average of the trained weights.
    `checkpoint_minutes` lie between two writes of `last.pt`, which is also written at the end of every epoch.
    """

    learning_rate: float = 2e-5
    weight_decay: float = 0.01
    schedule: str = "constant"
    warm_up_steps: int = 0
    gradient_norm: float | None = None
    average: bool = False
    accumulate: int = 1
    precision: str = "32-true"
    checkpoint_minutes: float = 10.0
    log_steps: int = 50
    seed: int = 0

    def rate(self, step: int, done: float) -> float:
        """Learning rate of step 0, 1, ... at the share `done` of the schedule, 0..1."""
        warm = min(1.0, (step + 1) / self.warm_up_steps) if self.warm_up_steps else 1.0
        if self.schedule == "constant":
            return self.learning_rate * warm
        return self.learning_rate * warm * (0.5 + 0.5 * math.cos(math.pi * done)) + 1e-6


@dataclass(frozen=True)
class LossConfig:
    """The rows of Table 4: `segmentation` of SEGMENTATION, `sync` of SYNC, `sync_weight` its factor (Eq. 5: 1)."""

    segmentation: str = "focal-dice"
    sync: str = "avfs"
    sync_weight: float = 1.0

    def __post_init__(self) -> None:
        for name, value, known in (("segmentation", self.segmentation, SEGMENTATION), ("sync", self.sync, SYNC)):
            if value not in known:
                raise ValueError(f"{name} loss {value!r} is unknown: one of {', '.join(known)}")


@dataclass(frozen=True)
class Task:
    """One of AVSBench's tasks. AVSegFormer trains its visual backbone from epoch `vision_from` on, the paper never."""

    epochs: int
    vision_from: int


TASKS = {"s4": Task(30, 5), "ms3": Task(60, 10), "avss": Task(30, 0)}


def frozen_parts(policy: str, task: Task, epoch: int) -> tuple[str, ...]:
    """Names of the model's parts that stay as loaded in this epoch (0, 1, ...), under a policy of FREEZES.

    `always` is the paper's: neither backbone learns. `vision` leaves the audio encoder to learn, for a preset whose audio
    encoder has no published weights.
    """
    if policy == "vision":
        return ("backbone",)
    if policy == "avsegformer" and epoch >= task.vision_from:
        return ("audio_encoder",)
    return ("backbone", "audio_encoder")
