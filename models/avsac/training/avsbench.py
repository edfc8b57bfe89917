"""The paper's recipe: AVSBench by epochs, with the losses of section 3.4 and the settings of Table 6."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..avsbench import AVSBench, ClipBatch, collate, open_dataset
from ..avsbench.layouts import LAYOUTS
from ..checkpoint.published import load_published
from ..losses import segmentation_loss, sync_loss
from ..model.avsac import AVSAC
from ..model.config import ModelConfig
from .config import TASKS, LossConfig, TrainConfig, frozen_parts
from .sampler import Share, StepSampler
from .trainer import Trainer, Validation, launch
from .validation import measure


@dataclass(frozen=True)
class Run:
    """A training run. `kind` of s4, ms3, avss; `data` the folder of its table; `batch` in clips, over all processes."""

    kind: str
    data: Path
    model: ModelConfig
    loss: LossConfig = field(default_factory=LossConfig)
    loop: TrainConfig = field(default_factory=TrainConfig)
    epochs: int | None = None  # None: the task's of Table 6
    validate_epochs: int = 1  # epochs between two validations
    batch: int = 4
    freeze: str | None = None  # None: "always", or "vision" where the audio encoder is not a published one
    backbone: Path | None = None  # published weights
    vggish: Path | None = None
    random_backbones: bool = False
    workers: int = 0  # processes that read clips
    device: str = "auto"

    def sized(self) -> ModelConfig:
        """The model with the set's classes and frames."""
        layout = LAYOUTS[self.kind]
        return replace(self.model, classes=layout.classes, frames=layout.window)

    def frozen(self, epoch: int) -> tuple[str, ...]:
        published = self.model.audio_encoder == "vggish"
        return frozen_parts(self.freeze or ("always" if published else "vision"), TASKS[self.kind], epoch)


class ClipLearner(nn.Module):
    """The model and Eq. 5."""

    def __init__(self, model: AVSAC, loss: LossConfig):
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: ClipBatch) -> dict[str, Tensor]:
        """The named losses of B clips, scalars."""
        seen = self.model.encode_image(batch.image.flatten(0, 1))
        output = self.model.decode(seen, batch.log_mel.flatten(0, 1))
        # Sums over pixels and logarithms of small probabilities are beyond 16 bits.
        with torch.autocast(batch.image.device.type, enabled=False):
            logits = output.logits.float()
            losses = {"segmentation": segmentation_loss(self.loss.segmentation, logits, batch.mask, batch.supervised)}
            if self.loss.sync != "none":
                features = output.audio_query.float(), output.mask_feature.float()
                losses["sync"] = self.loss.sync_weight * sync_loss(self.loss.sync, *features, batch.valid)
        return losses


class AVSBenchRecipe:
    """Validates after epochs and keeps the best model by legacy mIoU."""

    unit = "step"

    def __init__(self, run: Run, fabric: Fabric, model: AVSAC):
        size = model.config.image_size
        self.run, self.fabric = run, fabric
        self.learner = ClipLearner(model, run.loss)
        self.clips = open_dataset(run.kind, run.data, "train", size)
        self.held_out: AVSBench = open_dataset(run.kind, run.data, "val", size)
        self.length = self.sampler(0).steps
        self.memory_remedy = (
            f"raise --accumulate above {run.loop.accumulate} (up to the batch of {run.batch}: same result, less memory), "
            f"then take --precision bf16-mixed or a smaller --image-size than {size}"
        )

    def sampler(self, first: int) -> StepSampler:
        run = self.run
        share = Share(self.fabric.global_rank, self.fabric.world_size, run.loop.accumulate)
        return StepSampler(len(self.clips), run.batch, run.epochs or TASKS[run.kind].epochs, run.loop.seed, share, first)

    def position(self, step: int, elapsed: float) -> float:
        return step

    def frozen(self, step: int) -> tuple[str, ...]:
        return self.run.frozen(step // self.sampler(0).epoch_steps)

    def micro_batches(self, step: int) -> Iterator[ClipBatch]:
        return iter(
            DataLoader(
                self.clips,
                batch_sampler=self.sampler(step),
                collate_fn=collate,
                num_workers=self.run.workers,
                pin_memory=self.fabric.device.type == "cuda",
                generator=torch.Generator(),  # else the loader draws from the generator that the model uses
            )
        )

    def due(self, step: int, elapsed: float) -> bool:
        return step % (self.run.validate_epochs * self.sampler(0).epoch_steps) == 0 or step == self.length

    def validate(self, model: AVSAC) -> Validation:
        figures, pictures = measure(self.fabric, model, self.held_out, self.run.workers)
        scalars = {f"{how}/{name}": value for how, row in figures.items() for name, value in row.items()}
        return Validation(figures, scalars, figures["legacy"]["miou"], pictures)


def build(run: Run) -> AVSAC:
    """The model with its published backbones. Raises ValueError when one is missing: frozen, it would stay random."""
    model = AVSAC(run.sized())
    # The live backbone brings its own weights and is frozen from the start.
    pretrained = any(p.requires_grad for p in model.backbone.parameters())
    for option, path, needed in (
        ("--backbone", run.backbone, pretrained),
        ("--vggish", run.vggish, run.model.audio_encoder == "vggish"),
    ):
        if needed and path is None and not run.random_backbones:
            raise ValueError(f"give {option} FILE, published weights, or --random-backbones to try time and memory")
        if path is not None and not needed:
            raise ValueError(f"{option} is not for this preset: its weights are its own, or learnt")
        if path is not None:
            load_published(model, path)
    return model


def train(folder: Path, run: Run) -> Path:
    """Trains, or goes on from `folder/last.pt`; returns `model.pt`."""
    fabric = launch(run.loop.precision, run.device)
    torch.manual_seed(run.loop.seed)
    return Trainer(fabric, AVSBenchRecipe(run, fabric, build(run)), run.loop, folder).fit()
