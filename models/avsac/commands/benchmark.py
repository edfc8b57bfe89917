"""`avsac benchmark`: Times an exported ONNX file."""

import argparse
from pathlib import Path


def add(commands: argparse._SubParsersAction) -> None:
    benchmark = commands.add_parser("benchmark", help="time an exported ONNX file")
    benchmark.add_argument("onnx", type=Path)
    benchmark.add_argument("--threads", type=int, default=1)
    benchmark.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from ..export.onnx import benchmark

    for batch, milliseconds in benchmark(arguments.onnx, arguments.threads).items():
        print(f"batch {batch}: {milliseconds:.1f} ms a frame, {arguments.threads} thread(s)")
