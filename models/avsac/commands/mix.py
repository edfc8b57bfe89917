"""`avsac mix`: Weighs several runs into one model."""

import argparse
from pathlib import Path


def add(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("mix", help="weigh several runs of one origin into one model, which costs no more to run")
    command.add_argument("models", nargs="+", metavar="MODEL=SHARE", help="model.pt, best.pt or weights.pt, and its share")
    command.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="the model.pt to write")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from ..training.checkpoint import mix, write_model

    shares = dict(share_of(given) for given in arguments.models)
    write_model(arguments.out, mix(shares))
    print(f"{arguments.out}: {', '.join(f'{share:g} of {path}' for path, share in shares.items())}")


def share_of(given: str) -> tuple[Path, float]:
    path, _, share = given.rpartition("=")
    try:
        return Path(path), float(share)
    except ValueError:
        raise ValueError(f"{given} is not MODEL=SHARE, as in runs/a/model.pt=0.3") from None
