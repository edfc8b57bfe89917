"""`avsac evaluate`: Held-out figures of a checkpoint."""

import argparse
import json
from pathlib import Path

from .arguments import add_data


def add(commands: argparse._SubParsersAction) -> None:
    measure = commands.add_parser("evaluate", help="held-out figures of a checkpoint")
    measure.add_argument("checkpoint", type=Path)
    measure.add_argument("--count", type=int, default=400, help="pictures of each source (default 400)")
    measure.add_argument("--json", type=Path, help="write the figures here, too")
    add_data(measure)
    measure.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from ..live.evaluate import evaluate, format_table, media_samples, scene_samples
    from ..live.train import load_model

    samples = list(scene_samples(arguments.scenes, arguments.count)) if arguments.scenes else []
    samples += list(media_samples(arguments.media, arguments.count)) if arguments.media else []
    if not samples:
        raise ValueError("give --media, --scenes or both")
    summary = evaluate(load_model(arguments.checkpoint), samples)
    print(format_table(summary))
    if arguments.json:
        arguments.json.write_text(json.dumps(summary, indent=2) + "\n")
