"""`avsac benchmark`: Times an exported ONNX file, or a preset beside its ONNX graph and the AVSegFormer baseline."""

import argparse
import tempfile
from pathlib import Path

from ..model.config import PRESETS


def add(commands: argparse._SubParsersAction) -> None:
    benchmark = commands.add_parser("benchmark", help="time an exported ONNX file, or a preset and its baseline")
    what = benchmark.add_mutually_exclusive_group(required=True)
    what.add_argument("onnx", type=Path, nargs="?", help="an exported file, at several batches")
    what.add_argument(
        "--preset", choices=PRESETS, help="random weights: PyTorch, ONNX, its backbone and AVSegFormer, one frame"
    )
    benchmark.add_argument("--profile", action="store_true", help="of a file: where the time goes, by operator, one thread")
    benchmark.add_argument("--image-size", type=int, help="side of the picture in pixels, in place of the preset's")
    benchmark.add_argument("--threads", type=int, default=1)
    benchmark.add_argument("--runs", type=int, default=20)
    benchmark.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from ..export.benchmark import compare, time_graph
    from ..export.profile import format_profile, multiplications_per_millisecond, profile

    if arguments.profile:
        if arguments.onnx is None:
            raise ValueError("--profile is of an exported file: give its path")
        print(format_profile(profile(arguments.onnx, arguments.runs), multiplications_per_millisecond()))
        return
    if arguments.onnx is not None:
        for batch, milliseconds in time_graph(arguments.onnx, arguments.threads, arguments.runs).items():
            print(f"batch {batch}: {milliseconds:.1f} ms a frame, {arguments.threads} thread(s)")
        return
    from dataclasses import replace

    config = PRESETS[arguments.preset]
    config = replace(config, image_size=arguments.image_size or config.image_size)
    with tempfile.TemporaryDirectory() as folder:
        times = compare(config, Path(folder), arguments.threads, arguments.runs)
    size = f"{arguments.preset}, {config.image_size} px"
    print(f"{size}, one frame, {arguments.threads} thread(s), medians of {arguments.runs} runs")
    for name, milliseconds in times.items():
        print(f"{name:<28}{milliseconds:>10.1f} ms")
    whole = times["AVSAC, ONNX"]
    print(f"{'ONNX / PyTorch':<28}{whole / times['AVSAC, PyTorch']:>10.2f}")
    print(f"{'AVSAC / AVSegFormer':<28}{times['AVSAC, PyTorch'] / times['AVSegFormer, PyTorch']:>10.2f}")
    for part in ("backbone", "AVSAC without motion"):
        if f"{part}, ONNX" in times:
            print(f"{f'AVSAC / {part}':<28}{whole / times[f'{part}, ONNX']:>10.2f}")
