"""`avsac things`: Draws things and renders their sounds into a folder, once, for training and figures."""

import argparse
from pathlib import Path


def add(commands: argparse._SubParsersAction) -> None:
    things = commands.add_parser("things", help="draw things that sound, and render their sounds, once")
    things.add_argument("path", type=Path, help="a new folder")
    things.add_argument("--seed", type=int, default=0)
    things.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from ..live.things import build_things

    build_things(arguments.path, arguments.seed)
    print(f"{arguments.path}: {len(list(arguments.path.glob('*/sprites/*/*')))} sprites, ", end="")
    print(f"{len(list(arguments.path.glob('*/sounds/*/*')))} sounds")
