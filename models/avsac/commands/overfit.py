"""`avsac overfit`: Shows that a model learns: it memorises eight generated clips."""

import argparse
from dataclasses import replace
from pathlib import Path

from ..model.config import DECODERS, PRESETS


def add(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("overfit", help="memorise eight generated clips, to show that a model learns")
    command.add_argument("--preset", choices=PRESETS, default="live-still")
    command.add_argument("--decoder", choices=DECODERS, nargs="+", default=list(DECODERS), help="default: each in turn")
    command.add_argument("--epochs", type=int, default=80, help="of four steps (default 80)")
    command.add_argument("--device", choices=("auto", "cpu", "cuda"), default="cpu")
    command.add_argument("--out", type=Path, default=Path(".cache/runs/overfit"), help="default .cache/runs/overfit")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from ..training.overfit import overfit, table

    results = []
    for decoder in arguments.decoder:
        config = replace(PRESETS[arguments.preset], decoder=decoder)
        results.append(overfit(arguments.out, config, arguments.epochs, arguments.device))
    print(table(results))
