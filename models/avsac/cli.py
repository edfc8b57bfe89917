"""The command line. A command is a module of `commands`: `add` declares it, `run` carries it out.

Commands import what they need inside `run`: torch takes seconds to load, and --help should not.
"""

import argparse
import sys

from .commands import (
    ablate,
    benchmark,
    data,
    eval,
    export,
    figures,
    import_checkpoint,
    mix,
    overfit,
    params,
    scenes,
    things,
    train,
)

COMMANDS = (data, things, scenes, train, mix, ablate, overfit, eval, figures, import_checkpoint, export, benchmark, params)


def main() -> None:
    arguments = parser().parse_args()
    try:
        arguments.run(arguments)
    except (OSError, ValueError) as error:
        sys.exit(f"avsac: {error}")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="avsac", description="Audio-visual segmentation: train, measure, export.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return top


if __name__ == "__main__":
    main()
