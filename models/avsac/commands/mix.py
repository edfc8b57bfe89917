"""`avsac mix`: Weighs several runs into one model."""

import argparse
from pathlib import Path


def add(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("mix", help="weigh several runs of one origin into one model, which costs no more to run")
    command.add_argument("models", nargs="+", metavar="MODEL=SHARE", help="model.pt, best.pt or weights.pt, and its share")
    command.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="the model.pt to write")
    command.add_argument(
        "--lift",
        nargs=2,
        type=float,
        metavar=("THERE", "EVERYWHERE"),
        help="how much evidence that what is heard is seen raises the logits, where it lies and everywhere; choose it on the"
        " validation part (`live`: 1 0.15)",
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from ..training.checkpoint import mix, write_model

    shares = dict(share_of(given) for given in arguments.models)
    model = mix(shares)
    if arguments.lift:
        set_lift(model, arguments.lift)
    write_model(arguments.out, model)
    print(f"{arguments.out}: {', '.join(f'{share:g} of {path}' for path, share in shares.items())}")


def set_lift(model, lift: list[float]) -> None:
    """Raises ValueError for a model without recognition."""
    import torch

    if model.recognition is None:
        raise ValueError("--lift is of a model with recognition, such as the preset live; leave it out")
    model.recognition.lift.copy_(torch.tensor(lift))


def share_of(given: str) -> tuple[Path, float]:
    path, _, share = given.rpartition("=")
    try:
        return Path(path), float(share)
    except ValueError:
        raise ValueError(f"{given} is not MODEL=SHARE, as in runs/a/model.pt=0.3") from None
