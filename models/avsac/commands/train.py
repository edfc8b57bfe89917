"""`avsac train`: Trains a model."""

import argparse
from dataclasses import replace
from pathlib import Path

from ..model.config import DECODERS, PRESETS, ModelConfig
from ..training.config import FREEZES, PRECISIONS, SCHEDULES, SEGMENTATION, SYNC, TASKS
from .arguments import add_data


def add(commands: argparse._SubParsersAction) -> None:
    train = commands.add_parser("train", help="train a model; goes on where the folder's run stopped")
    train.add_argument("--preset", choices=PRESETS, default="live")
    train.add_argument("--out", type=Path, help="checkpoints, log.jsonl and TensorBoard's files (default .cache/runs/PRESET)")
    train.add_argument("--learning-rate", type=float, help="at the start (default 2e-5; demo scenes and media: 8e-4)")
    train.add_argument("--seed", type=int, default=0)
    add_model(train)
    add_avsbench(train)
    add_live(train)
    train.set_defaults(run=run)


def add_model(train: argparse.ArgumentParser) -> None:
    """What the paper's ablations change; `avsac ablate` takes it, too."""
    group = train.add_argument_group("model and losses", "in place of the preset's and the paper's")
    group.add_argument("--image-size", type=int, help="side of the picture in pixels")
    group.add_argument("--decoder", choices=DECODERS)
    group.add_argument("--decoder-layers", type=int)
    group.add_argument("--no-channel-gate", dest="channel_gate", action="store_false", default=None)
    group.add_argument("--segmentation-loss", choices=SEGMENTATION, default="focal-dice")
    group.add_argument("--sync-loss", choices=SYNC, default="avfs")
    group.add_argument("--sync-weight", type=float, default=1.0)


def add_avsbench(train: argparse.ArgumentParser) -> None:
    """Options of the paper's recipe, which `avsac ablate` takes, too."""
    group = train.add_argument_group("AVSBench", "the paper's recipe; under torchrun on several GPUs or machines")
    group.add_argument("--data", type=Path, help="the folder of the set's table")
    group.add_argument("--kind", choices=TASKS, help="the set (default: the one whose table is there)")
    group.add_argument("--backbone", type=Path, help="published weights of the visual backbone")
    group.add_argument("--vggish", type=Path, help="published weights of VGGish")
    group.add_argument("--random-backbones", action="store_true", help="without published weights, to try time and memory")
    group.add_argument("--epochs", type=int, help="default: 30 (S4), 60 (MS3), 30 (AVSS)")
    group.add_argument("--validate-epochs", type=int, default=1, help="epochs between two validations (default 1)")
    group.add_argument("--batch", type=int, default=4, help="clips a step, over all processes (default 4)")
    group.add_argument("--accumulate", type=int, default=1, help="parts a process cuts its batch into, one after the other")
    group.add_argument("--precision", choices=PRECISIONS, default="32-true")
    group.add_argument("--schedule", choices=SCHEDULES, default="constant", help="of the learning rate (default constant)")
    group.add_argument("--freeze", choices=FREEZES, help="parts as loaded: both backbones always, AVSegFormer's way, or vision")
    group.add_argument("--checkpoint-minutes", type=float, default=10, help="between two writes of last.pt (default 10)")
    group.add_argument("--workers", type=int, default=2, help="processes that read clips (default 2)")
    group.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")


def add_live(train: argparse.ArgumentParser) -> None:
    group = train.add_argument_group("demo scenes and media", "the live model's recipe")
    length = group.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, help="length of the schedule by the clock")
    length.add_argument("--steps", type=int, help="length of the schedule in steps: the same samples for every model")
    group.add_argument("--pictures", type=int, default=6, help="pictures a step, three sounds each (default 6)")
    group.add_argument(
        "--people-share",
        type=float,
        help="share of pictures of several people among the others in which nothing is pointed at, 0 to 1 (default 0.22): who"
        " of them speaks is learnt late, and from many",
    )
    group.add_argument("--scene-share", type=float, default=0.55, help="share of demo scenes, 0 to 1 (default 0.55)")
    group.add_argument(
        "--sound-batches",
        type=int,
        help="of 64 sounds, which the audio encoder learns to tell first (default 3000; with --init its classifier alone, 200;"
        " with --teacher none)",
    )
    group.add_argument(
        "--look-batches",
        type=int,
        help="of 64 pictures, from which recognition learns what drawn things look like first (default 190 with --things and a"
        " model that recognises, some 12 minutes; with --init none)",
    )
    group.add_argument("--init", type=Path, metavar="MODEL", help="start with this model.pt or weights.pt where shapes agree")
    group.add_argument("--teacher", type=Path, metavar="MODEL", help="with --init: learn this model's answers beside the truth")
    group.add_argument("--only", metavar="PART", help="train this part of the model alone, as head; the rest stays as it is")
    group.add_argument("--threads", type=int, default=2)
    group.add_argument("--evaluate-every", type=float, default=8, help="minutes between held-out figures (default 8)")
    group.add_argument("--evaluate-pictures", type=int, default=32, help="pictures of each row of them (default 32)")
    add_data(group)


def run(arguments: argparse.Namespace) -> None:
    live = arguments.scenes is not None or arguments.media is not None
    if live == (arguments.data is not None):
        raise ValueError("give --data (a folder of AVSBench), or --scenes, --media or both (the live model's recipe)")
    folder = arguments.out or Path(".cache/runs") / arguments.preset
    print(train_live(folder, arguments) if live else train_avsbench(folder, arguments))


def train_live(folder: Path, arguments: argparse.Namespace) -> Path:
    from ..live.data import DataConfig
    from ..live.train import LOOP, LiveConfig, train

    a = arguments
    if a.minutes is None and a.steps is None:
        raise ValueError("give --minutes or --steps, the length of the schedule")
    if a.segmentation_loss != "focal-dice" or a.sync_loss not in ("avfs", "none"):
        raise ValueError("demo scenes and media are learnt with the losses focal-dice, and avfs or none")
    data = DataConfig(a.media, a.scenes, a.things, a.pictures, a.scene_share, a.seed, a.people_share)
    model = model_config(a)
    recognises = model.recognition and a.things is not None
    live = LiveConfig(
        *((a.minutes, "min") if a.steps is None else (a.steps, "step")),
        avfs_weight=a.sync_weight if a.sync_loss == "avfs" else 0.0,
        sound_batches=(3000 if a.init is None else 200) if a.sound_batches is None else a.sound_batches,
        look_batches=(190 if recognises and a.init is None else 0) if a.look_batches is None else a.look_batches,
        evaluate_minutes=arguments.evaluate_every,
        evaluate_pictures=arguments.evaluate_pictures,
        threads=arguments.threads,
        only=arguments.only,
    )
    loop = replace(LOOP, learning_rate=arguments.learning_rate or LOOP.learning_rate, seed=arguments.seed)
    return train(folder, model, data, live, loop, arguments.init, arguments.teacher)


def train_avsbench(folder: Path, arguments: argparse.Namespace) -> Path:
    from ..training.avsbench import train

    return train(folder, avsbench_run(arguments))


def avsbench_run(arguments: argparse.Namespace):
    """The run that the options describe."""
    from ..avsbench.check import find_kind
    from ..training.avsbench import Run
    from ..training.config import LossConfig, TrainConfig

    kind, named = arguments.kind or find_kind(arguments.data), arguments.preset.split("-")[0]
    if named in TASKS and named != kind:
        raise ValueError(f"the preset {arguments.preset} is for {named}, {arguments.data} holds {kind}")
    loop = TrainConfig(
        learning_rate=arguments.learning_rate or TrainConfig.learning_rate,
        schedule=arguments.schedule,
        accumulate=arguments.accumulate,
        precision=arguments.precision,
        checkpoint_minutes=arguments.checkpoint_minutes,
        seed=arguments.seed,
    )
    return Run(
        kind,
        arguments.data,
        model_config(arguments),
        LossConfig(arguments.segmentation_loss, arguments.sync_loss, arguments.sync_weight),
        loop,
        epochs=arguments.epochs,
        validate_epochs=arguments.validate_epochs,
        batch=arguments.batch,
        freeze=arguments.freeze,
        backbone=arguments.backbone,
        vggish=arguments.vggish,
        random_backbones=arguments.random_backbones,
        workers=arguments.workers,
        device=arguments.device,
    )


def model_config(arguments: argparse.Namespace) -> ModelConfig:
    """The preset with what the command line changes."""
    switches = {
        name: value
        for name in ("image_size", "decoder", "decoder_layers", "channel_gate")
        if (value := getattr(arguments, name)) is not None
    }
    return replace(PRESETS[arguments.preset], **switches)
