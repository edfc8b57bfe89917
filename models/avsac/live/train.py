"""The live model's recipe: a length in minutes or steps instead of epochs, sound classes first, averaged weights."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from ..audio import log_mel
from ..losses import avfs, distillation, live_segmentation_loss
from ..model.avsac import AVSAC, Output
from ..model.close_up import reduced
from ..model.config import ModelConfig
from ..model.recognition import RECOGNISED
from ..training.checkpoint import load_model, start_from
from ..training.config import TrainConfig
from ..training.trainer import Trainer, Validation, launch
from .data import Batch, BatchProcess, DataConfig
from .evaluate import demo_samples, evaluate, media_samples
from .library import Library
from .looks import learn_looks, look_at
from .segmenter import TorchSegmenter
from .studio import Studio

LOOP = TrainConfig(
    learning_rate=8e-4, schedule="cosine", warm_up_steps=60, gradient_norm=1.0, average=True, checkpoint_minutes=3.0
)

# With a teacher: what its answers count, and beside them the truth and the kinds heard. Where recognition was told what stands
# where, and where speech rests, which the teacher has not learnt, the truth takes the answers' place. Of people the truth says
# more than the teacher knows: there both count OF_PEOPLE.
TAUGHT, TRUTH_BESIDE, HEARD_BESIDE, OF_PEOPLE = 2.0, 0.25, 0.1, 1.0

ANSWER_SHAPE = ("image_size", "width", "queries", "audio_width", "mask_stride", "head_scale", "classes")


@dataclass(frozen=True)
class LiveConfig:
    """`length` of the main phase in `unit`s, sound lessons not counted. `evaluate_minutes` lie between two evaluations.

    Runs of as many steps with the same seed and data see the same samples in the same order, whatever their models are.
    """

    length: float
    unit: str = "min"  # or "step"
    avfs_weight: float = 1.0
    sound_weight: float = 10.0
    sound_batches: int = 3000
    look_batches: int = 0
    sound_learning_rate: float = 2e-3
    classifier_learning_rate: float = 2e-2
    evaluate_minutes: float = 8.0
    evaluate_pictures: int = 32  # of each row
    threads: int = 2
    only: str | None = None  # the part of the model that learns; None: all but the backbone


def answers(model: AVSAC, batch: Batch) -> Output:
    """What the model says of P pictures, which may be close-ups, with three sounds each."""
    scale = batch.image.shape[1] // model.config.image_size
    image, earlier = reduced(batch.image, scale), reduced(batch.earlier, scale, rows=2)
    closer = model.look_closer(batch.image, batch.exchanged) if model.config.recognition_scale > 1 else None
    seen = model.encode_image(image, earlier, batch.exchanged, batch.told, closer)
    return model.decode(seen.repeat(len(batch.mel) // len(batch.image)), batch.mel)


class Learner(nn.Module):
    """The model and the sound classifier that only training needs."""

    def __init__(self, config: ModelConfig, classes: list[str], live: LiveConfig):
        super().__init__()
        self.classes, self.live = classes, live
        self.model = AVSAC(config)
        self.classify_sound = nn.Linear(config.audio_width, len(classes))

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The named losses of P pictures with three sounds each, scalars.

        With a teacher the sound encoder's batch statistics are held.
        """
        taught = batch.taught is not None
        if taught:
            self.model.audio_encoder.eval()
        output = answers(self.model, batch)
        target = batch.target.float() / 255
        logits = F.interpolate(output.logits, size=target.shape[-2:], mode="bilinear", align_corners=False)
        told = batch.told.flatten(1).any(1).repeat_interleave(len(batch.mel) // len(batch.image))
        unlearnt = told | batch.resting
        truth, teacher = (torch.where(batch.of_people, OF_PEOPLE, usual) for usual in (TRUTH_BESIDE, TAUGHT))
        weight = torch.where(unlearnt, TAUGHT, truth) if taught else 1.0
        losses = {
            "segmentation": (weight * live_segmentation_loss(logits, target)).mean(),
            "avfs": self.live.avfs_weight * avfs(output.audio_query, output.mask_feature).mean(),
        }
        if taught:
            losses["teacher"] = (~unlearnt * teacher * distillation(output, batch.taught)).mean()
        else:
            classes = self.classify_sound(output.audio_embedding)
            losses["sound"] = self.live.sound_weight * F.binary_cross_entropy_with_logits(classes, batch.sounds)
        if output.heard is not None:
            known = [kind for kind in RECOGNISED if kind in self.classes]
            heard = output.heard[:, [RECOGNISED.index(kind) for kind in known]]
            there = batch.sounds[:, [self.classes.index(kind) for kind in known]]
            weight = self.live.sound_weight * (HEARD_BESIDE if taught else 1.0)
            losses["heard"] = weight * F.binary_cross_entropy_with_logits(heard, there)
        return losses


class LiveRecipe:
    memory_remedy = "lower --pictures"

    def __init__(self, learner: Learner, batches: BatchProcess, held_out: list, teacher: AVSAC | None):
        self.learner, self.batches, self.held_out, self.teacher = learner, batches, held_out, teacher
        self.length, self.unit = learner.live.length, learner.live.unit
        self.next_evaluation: float | None = None

    def position(self, step: int, elapsed: float) -> float:
        return step if self.unit == "step" else elapsed / 60

    def frozen(self, step: int) -> tuple[str, ...]:
        only = self.learner.live.only
        return tuple(name for name, _ in self.learner.model.named_children() if name != only) if only else ("backbone",)

    def micro_batches(self, step: int) -> Iterator[Batch]:
        while True:
            batch = self.batches.get().tensors()
            yield batch if self.teacher is None else batch._replace(taught=answers(self.teacher, batch))

    def due(self, step: int, elapsed: float) -> bool:
        every = 60 * self.learner.live.evaluate_minutes
        self.next_evaluation = self.next_evaluation or elapsed + every
        if elapsed < self.next_evaluation and self.position(step, elapsed) < self.length:
            return False
        self.next_evaluation = elapsed + every
        return True

    def validate(self, model: AVSAC) -> Validation:
        figures = evaluate(TorchSegmenter(model), self.held_out)
        means = {name: row["mean"] for name, row in figures.items()}
        return Validation(means, means)


def train(
    folder: Path,
    model: ModelConfig,
    data: DataConfig,
    live: LiveConfig,
    loop: TrainConfig = LOOP,
    init: Path | None = None,
    teacher: Path | None = None,
) -> Path:
    """Trains, or goes on from `folder/last.pt` when it is there; returns `folder/model.pt` (averaged weights).

    A new run starts with the weights of the model `init` where their names and shapes agree. What the model `teacher`
    answers is learnt beside the truth, by a model that begins with the teacher's ears (`init`).

    A resumed run's samples are new ones: it is not the run that was not stopped.
    """
    fabric = launch(loop.precision, "cpu")
    if fabric.world_size > 1:
        raise ValueError("demo scenes and media are learnt by one process: start without torchrun")
    torch.set_num_threads(live.threads)
    torch.manual_seed(loop.seed)
    last = folder / "last.pt"
    before = torch.load(last, weights_only=True)["step"] if last.exists() else 0
    data = replace(data, side=model.close_up_size, tells=model.recognition)
    mentor = load_teacher(teacher, model) if teacher else None
    if teacher and not (init or before):
        raise ValueError("whom a teacher teaches begins with its ears, which are not taught: give --init")
    held_out = held_out_samples(data, live.evaluate_pictures)
    side = len(held_out[0][1].image)
    if side != model.close_up_size:
        expected = f"the preset takes {model.close_up_size}: render scenes of that --size, or give another --preset"
        raise ValueError(f"the pictures are {side} px wide, {expected}")
    # A resumed run must not see the same samples again.
    lessons, looks = (0, 0) if before else (0 if teacher else live.sound_batches, live.look_batches)
    if looks and not (model.recognition and data.things):
        raise ValueError("looks are learnt by a model with recognition, from drawn things: give --things, or no --look-batches")
    with BatchProcess(replace(data, seed=data.seed + before), lessons, looks) as batches:
        learner = Learner(model, batches.get(), live)
        if init and not before:
            print(start_from(learner.model, init), flush=True)
        if live.only:
            learn_only(learner.model, live.only)
        trainer = Trainer(fabric, LiveRecipe(learner, batches, held_out, mentor), loop, folder)
        if lessons:
            learn_sounds(learner.train(), batches, classifier_alone=init is not None)
            if data.media:
                studio = Studio(Library(data.media, "val", data.things), data.side)
                print(
                    f"sounds of the validation part: {told_apart(learner.eval(), studio):.3f} told from all others", flush=True
                )
        if looks:
            pictures = (batches.get() for _ in tqdm(range(looks), "pictures", unit="batch", mininterval=1))
            learn_looks(learner.model, look_at(learner.model, pictures))
        trainer.average.load_state_dict(learner.state_dict())
        return trainer.fit()


def load_teacher(path: Path, config: ModelConfig) -> AVSAC:
    """Raises ValueError when the shapes of its answers are others than those of a model of `config`."""
    teacher = load_model(path).requires_grad_(False)
    for name in ANSWER_SHAPE:
        theirs, ours = getattr(teacher.config, name), getattr(config, name)
        if theirs != ours:
            raise ValueError(f"{path} has {name} {theirs}, the preset {ours}: a teacher's answers must have the same shapes")
    return teacher


def learn_only(model: AVSAC, part: str) -> None:
    """Takes gradients from everything else. Raises ValueError when the model has no such part to train."""
    parts = dict(model.named_children())
    able = [name for name, weights in parts.items() if any(weight.requires_grad for weight in weights.parameters())]
    if part not in able:
        raise ValueError(f"{part} is no part that learns: give one of {', '.join(able)}")
    learning = {id(weight) for weight in parts[part].parameters() if weight.requires_grad}
    for weight in model.parameters():
        weight.requires_grad_(id(weight) in learning)


def held_out_samples(data: DataConfig, count: int) -> list:
    """What the run's own evaluations measure: the validation part of demo scenes and media, `count` pictures a row."""
    samples = list(demo_samples(data.scenes, count, "val")) if data.scenes else []
    if data.media:
        samples += media_samples(Library(data.media, "val", data.things), count, data.side)
    return samples


def learn_sounds(learner: Learner, batches: BatchProcess, classifier_alone: bool) -> None:
    """Sound classes, the rest of the model aside: without them the masks ignore the sound for the first many minutes.

    A model that goes on has its ears but for the classifier, which no file keeps and which, random, would spoil them.
    """
    count = learner.live.sound_batches
    rate = learner.live.classifier_learning_rate if classifier_alone else learner.live.sound_learning_rate
    encoder, parts = learner.model.audio_encoder, [*learner.classify_sound.parameters()]
    if classifier_alone:
        encoder.eval()
    else:
        parts += encoder.parameters()
    optimiser = torch.optim.AdamW(parts, rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, count)
    for step in range(1, count + 1):
        mel, classes = map(torch.from_numpy, batches.get())
        with torch.set_grad_enabled(not classifier_alone):
            embedding = encoder(mel)
        logits = learner.classify_sound(embedding)
        loss = F.binary_cross_entropy_with_logits(logits, classes)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 0:
            heard = ((logits > 0) == (classes > 0)).all(1).float().mean()
            print(f"sounds {step}/{count}: loss {loss.item():.4f}, all classes right {heard.item():.3f}", flush=True)


def told_apart(learner: Learner, studio: Studio, count: int = 512) -> float:
    """Share of `count` sounds of the studio's part, one kind each, whose kind is thought the likeliest of all, 0..1."""
    random = np.random.default_rng(0)
    pcm, kinds = zip(*(studio.sound(random) for _ in range(count)), strict=True)
    mel = torch.from_numpy(log_mel(np.stack(pcm)))[:, None]
    with torch.no_grad():
        logits = torch.cat([learner.classify_sound(learner.model.audio_encoder(part)) for part in mel.split(64)])
    return float(np.mean([[learner.classes[i]] == kind for i, kind in zip(logits.argmax(1).tolist(), kinds, strict=True)]))
