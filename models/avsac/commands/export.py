"""`avsac export`: Writes the ONNX file, its manifest and golden vectors."""

import argparse
from pathlib import Path


def add(commands: argparse._SubParsersAction) -> None:
    export = commands.add_parser("export", help="write the ONNX file, its manifest and golden vectors")
    export.add_argument("checkpoint", type=Path)
    export.add_argument("-o", "--out", type=Path, required=True)
    export.add_argument("--version", default="1.0.0")
    export.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from ..export.onnx import export
    from ..live.train import load_model

    worst = export(load_model(arguments.checkpoint), arguments.out, arguments.version)
    print(f"{arguments.out}: ONNX equals PyTorch within {worst:.1e}")
