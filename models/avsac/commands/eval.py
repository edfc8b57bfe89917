"""`avsac eval`: Figures of a checkpoint, on AVSBench beside the paper's or on the held-out live scenes."""

import argparse
import json
from pathlib import Path

from .arguments import add_data
from .data import KINDS


def add(commands: argparse._SubParsersAction) -> None:
    measure = commands.add_parser("eval", help="figures of a checkpoint: AVSBench (--data), or held-out live scenes")
    measure.add_argument("checkpoint", type=Path)
    measure.add_argument("--json", type=Path, help="write the figures here, too")
    bench = measure.add_argument_group("AVSBench")
    bench.add_argument("--data", type=Path, help="folder of s4_meta_data.csv, ms3_meta_data.csv or metadata.csv")
    bench.add_argument("--kind", choices=KINDS, help="default: the one whose table is there")
    bench.add_argument("--split", choices=("train", "val", "test"), default="test")
    bench.add_argument("--batch-size", type=int, default=1, help="videos a batch; the legacy figures depend on it (default 1)")
    bench.add_argument(
        "--no-wrong-sounds", action="store_true", help="leave out silence, noise and off-screen sounds: 4 x faster"
    )
    bench.add_argument("--workers", type=int, default=2, help="processes that read files (default 2)")
    bench.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    live = measure.add_argument_group("live scenes")
    live.add_argument("--count", type=int, default=400, help="pictures of each source (default 400)")
    add_data(live)
    measure.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    live = arguments.scenes or arguments.media
    if bool(arguments.data) == bool(live):
        raise ValueError("give either --data, or --scenes, --media or both of these")
    figures, table = measure_live(arguments) if live else measure_avsbench(arguments)
    print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


def measure_avsbench(arguments: argparse.Namespace) -> tuple[dict, str]:
    from ..avsbench import open_dataset
    from ..avsbench.check import find_kind
    from ..avsbench.evaluate import evaluate, format_table
    from ..device import choose
    from ..training.checkpoint import load_model
    from ..training.memory import explained

    kind = arguments.kind or find_kind(arguments.data)
    device = choose(arguments.device)
    model = load_model(arguments.checkpoint)
    clips = open_dataset(kind, arguments.data, arguments.split, model.config.image_size)
    with explained("evaluation", "lower --batch-size, or give --device cpu"):
        figures = evaluate(model.to(device), clips, arguments.batch_size, not arguments.no_wrong_sounds, arguments.workers)
    return figures, format_table(figures)


def measure_live(arguments: argparse.Namespace) -> tuple[dict, str]:
    from ..live.evaluate import evaluate, format_table, media_samples, scene_samples
    from ..training.checkpoint import load_model

    model = load_model(arguments.checkpoint)
    samples = list(scene_samples(arguments.scenes, arguments.count)) if arguments.scenes else []
    if arguments.media:
        samples += media_samples(arguments.media, arguments.count, model.config.image_size, arguments.split)
    figures = evaluate(model, samples)
    return figures, format_table(figures)
