"""Command line: `avsac train`, `avsac evaluate`, `avsac export`, `avsac benchmark`."""

import argparse
import json
import sys
from pathlib import Path

from .config import PRESETS
from .media import MediaError
from .scenes import ScenesError


def main() -> None:
    arguments = parser().parse_args()
    try:
        arguments.run(arguments)
    except (MediaError, ScenesError, FileNotFoundError, ValueError) as error:
        sys.exit(f"avsac: {error}")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="avsac", description="Audio-visual segmentation: train, measure, export.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

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
    train.set_defaults(run=run_train)

    measure = commands.add_parser("evaluate", help="held-out figures of a checkpoint")
    measure.add_argument("checkpoint", type=Path)
    measure.add_argument("--count", type=int, default=400, help="pictures of each source (default 400)")
    measure.add_argument("--json", type=Path, help="write the figures here, too")
    add_data(measure)
    measure.set_defaults(run=run_evaluate)

    export = commands.add_parser("export", help="write the ONNX file, its manifest and golden vectors")
    export.add_argument("checkpoint", type=Path)
    export.add_argument("-o", "--out", type=Path, required=True)
    export.add_argument("--version", default="1.0.0")
    export.set_defaults(run=run_export)

    benchmark = commands.add_parser("benchmark", help="time an exported ONNX file")
    benchmark.add_argument("onnx", type=Path)
    benchmark.add_argument("--threads", type=int, default=1)
    benchmark.set_defaults(run=run_benchmark)
    return top


def add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument("--media", type=Path, help="folder of talkers, photographs and sounds")
    command.add_argument("--scenes", type=Path, help="folder of rendered demo scenes: train/ and held-out/")


# The commands import what they need: torch takes seconds to load, and --help should not.


def run_train(arguments: argparse.Namespace) -> None:
    from .data import DataConfig
    from .train import TrainConfig, train

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


def run_evaluate(arguments: argparse.Namespace) -> None:
    from .evaluate import evaluate, format_table, media_samples, scene_samples
    from .train import load_model

    samples = list(scene_samples(arguments.scenes, arguments.count)) if arguments.scenes else []
    samples += list(media_samples(arguments.media, arguments.count)) if arguments.media else []
    if not samples:
        raise ValueError("give --media, --scenes or both")
    summary = evaluate(load_model(arguments.checkpoint), samples)
    print(format_table(summary))
    if arguments.json:
        arguments.json.write_text(json.dumps(summary, indent=2) + "\n")


def run_export(arguments: argparse.Namespace) -> None:
    from .export import ParityError, export
    from .train import load_model

    try:
        worst = export(load_model(arguments.checkpoint), arguments.out, arguments.version)
    except ParityError as error:
        sys.exit(f"avsac: {error}")
    print(f"{arguments.out}: ONNX equals PyTorch within {worst:.1e}")


def run_benchmark(arguments: argparse.Namespace) -> None:
    from .export import benchmark

    for batch, milliseconds in benchmark(arguments.onnx, arguments.threads).items():
        print(f"batch {batch}: {milliseconds:.1f} ms a frame, {arguments.threads} thread(s)")


if __name__ == "__main__":
    main()
