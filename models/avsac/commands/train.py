"""`avsac train`: Trains a model."""

import argparse
from pathlib import Path

from ..model.config import PRESETS
from .arguments import add_data


def add(commands: argparse._SubParsersAction) -> None:
    train = commands.add_parser("train", help="train a model; goes on where the folder's run stopped")
    train.add_argument("folder", type=Path, help="checkpoints and log.jsonl go here")
    train.add_argument("--minutes", type=float, required=True, help="length of the schedule in wall-clock minutes")
    train.add_argument("--preset", choices=PRESETS, default="live")
    train.add_argument("--pictures", type=int, default=6, help="pictures a step, three sounds each (default 6)")
    train.add_argument("--scene-share", type=float, default=0.55, help="share of demo scenes, 0 to 1 (default 0.55)")
    train.add_argument("--learning-rate", type=float, default=8e-4)
    train.add_argument("--threads", type=int, default=2)
    train.add_argument("--evaluate-every", type=float, default=8, help="minutes between held-out figures (default 8)")
    train.add_argument("--evaluate-pictures", type=int, default=120, help="pictures of each source for them (default 120)")
    train.add_argument("--seed", type=int, default=0)
    add_data(train)
    train.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from ..live.data import DataConfig
    from ..live.train import TrainConfig, train

    data = DataConfig(arguments.media, arguments.scenes, arguments.pictures, arguments.scene_share, arguments.seed)
    config = TrainConfig(
        arguments.minutes,
        learning_rate=arguments.learning_rate,
        evaluate_every=arguments.evaluate_every,
        evaluate_pictures=arguments.evaluate_pictures,
        threads=arguments.threads,
        seed=arguments.seed,
    )
    print(train(arguments.folder, PRESETS[arguments.preset], data, config))
