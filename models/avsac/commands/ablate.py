"""`avsac ablate`: Runs a table of the paper's ablations."""

import argparse
import json
from pathlib import Path

from ..model.config import PRESETS
from .train import add_avsbench, add_model, avsbench_run


def add(commands: argparse._SubParsersAction) -> None:
    ablate = commands.add_parser("ablate", help="run a table of the paper's ablations, print its figures and ours")
    ablate.add_argument("--table", type=int, choices=(2, 3, 4, 5), required=True)
    ablate.add_argument("--preset", choices=PRESETS, default="s4-pvt", help="one set a call fills its columns (default s4-pvt)")
    ablate.add_argument("--out", type=Path, required=True, help="gets a folder a row, table-N.md and table-N.json")
    ablate.add_argument("--learning-rate", type=float, help="default 2e-5")
    ablate.add_argument("--seed", type=int, default=0)
    add_model(ablate)
    add_avsbench(ablate)
    ablate.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from ..training.ablation import COLUMNS, ablate, collect, markdown, text

    if arguments.data is None:
        raise ValueError("give --data, the folder of the set's table")
    base = avsbench_run(arguments)
    if base.kind not in COLUMNS:
        raise ValueError(f"the paper's ablations are on S4 and MS3, {arguments.data} holds {base.kind}")
    ablate(arguments.table, base, arguments.out)
    table = collect(arguments.table, base.model, arguments.out)
    stem = arguments.out / f"table-{arguments.table}"
    stem.with_suffix(".json").write_text(json.dumps(table, indent=2) + "\n")
    stem.with_suffix(".md").write_text(markdown(table))
    print(text(table))
