"""Arguments that several commands take."""

import argparse
from pathlib import Path


def add_data(command: argparse._ActionsContainer) -> None:
    command.add_argument("--media", type=Path, help="folder of talkers, photographs and sounds")
    command.add_argument("--scenes", type=Path, help="folder of rendered demo scenes: train/ and held-out/")
    command.add_argument("--things", type=Path, help="folder of `avsac things`: drawn things and their sounds, with --media")
