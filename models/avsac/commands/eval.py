"""`avsac eval`: Figures of a checkpoint, on AVSBench beside the paper's or on the held-out live scenes."""

import argparse
import json
from itertools import chain
from pathlib import Path

from .arguments import add_data
from .data import KINDS

SHIPPED = {name: Path(__file__).resolve().parents[2] / "dist" / name for name in ("live", "live-still")}


def add(commands: argparse._SubParsersAction) -> None:
    measure = commands.add_parser("eval", help="figures of a checkpoint: AVSBench (--data), or held-out live scenes")
    measure.add_argument("checkpoint", type=Path, nargs="?", help="model.pt or best.pt of a run; live: an export's folder, too")
    measure.add_argument("--preset", choices=SHIPPED, help="the model that ships under this name, in place of a checkpoint")
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
    live.add_argument("--count", type=int, default=200, help="pictures of each row (default 200)")
    live.add_argument("--sheet", type=Path, help="draw answers of every row, poor to good, as a PNG")
    live.add_argument("--thresholds", type=share, nargs="+", help="compare these in place of the model's own, 0..1")
    add_data(live)
    measure.set_defaults(run=run)


def share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def run(arguments: argparse.Namespace) -> None:
    live = arguments.scenes or arguments.media
    if bool(arguments.data) == bool(live):
        raise ValueError("give either --data, or --scenes, --media or both of these")
    if (arguments.checkpoint is None) == (arguments.preset is None):
        raise ValueError("give either a checkpoint or --preset")
    if arguments.sheet and arguments.thresholds:
        raise ValueError("a sheet shows the answers at one threshold: give --sheet or --thresholds")
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
    if arguments.preset:
        raise ValueError("--preset is measured on live scenes: give --scenes, --media or both")
    model = load_model(arguments.checkpoint)
    clips = open_dataset(kind, arguments.data, arguments.split, model.config.image_size)
    with explained("evaluation", "lower --batch-size, or give --device cpu"):
        figures = evaluate(model.to(device), clips, arguments.batch_size, not arguments.no_wrong_sounds, arguments.workers)
    return figures, format_table(figures)


def measure_live(arguments: argparse.Namespace) -> tuple[dict, str]:
    from tqdm import tqdm

    from ..live.answer_sheet import AnswerSheet
    from ..live.evaluate import ROWS, demo_samples, evaluate, format_sweep, format_table, media_samples, sweep
    from ..live.library import Library
    from ..live.segmenter import open_model

    count, samples, total = arguments.count, [], 0
    if arguments.scenes:
        samples.append(demo_samples(arguments.scenes, count, arguments.split))
        total += 2 * count
    segmenter = open_model(arguments.checkpoint or SHIPPED[arguments.preset])
    if arguments.media:
        library = Library(arguments.media, arguments.split, arguments.things)
        samples.append(media_samples(library, count, segmenter.side))
        total += len(ROWS) * count
    pictures = tqdm(chain(*samples), "pictures", total, mininterval=1)
    if arguments.thresholds:
        swept = sweep(segmenter, pictures, arguments.thresholds)
        return swept, format_sweep(swept)
    sheet = AnswerSheet() if arguments.sheet else None
    figures = evaluate(segmenter, pictures, sheet and sheet.add)
    if sheet:
        sheet.draw().save(arguments.sheet)
    return figures, format_table(figures)
