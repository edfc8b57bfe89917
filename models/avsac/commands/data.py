"""`avsac data`: Checks an AVSBench folder, or generates a tiny one."""

import argparse
import json
from pathlib import Path

KINDS = ("s4", "ms3", "avss")


def add(commands: argparse._SubParsersAction) -> None:
    data = commands.add_parser("data", help="check an AVSBench folder, or generate a tiny one")
    actions = data.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser("check", help="counts against the published ones; missing and broken files")
    check.add_argument("path", type=Path, help="folder of s4_meta_data.csv, ms3_meta_data.csv or metadata.csv")
    check.add_argument("--kind", choices=KINDS, help="default: the one whose table is there")
    check.add_argument("--json", type=Path, help="write the report with all file names here, too")
    check.add_argument("--workers", type=int, default=2, help="processes that read files (default 2)")
    check.set_defaults(run=run_check)
    generate = actions.add_parser("generate", help="write a tiny set of coloured shapes that sound as tones")
    generate.add_argument("kind", choices=KINDS)
    generate.add_argument("path", type=Path, help="a new or empty folder")
    generate.add_argument("--clips", type=int, default=8, help="videos of each split (default 8)")
    generate.add_argument("--image-size", type=int, default=224, help="side of the frames in pixels (default 224)")
    generate.add_argument("--seed", type=int, default=0)
    generate.add_argument("--pickles", action="store_true", help="log-mel pickles as well (S4, MS3)")
    generate.set_defaults(run=run_generate)


def run_check(arguments: argparse.Namespace) -> None:
    from ..avsbench import DataError
    from ..avsbench.check import check, find_kind

    report = check(arguments.kind or find_kind(arguments.path), arguments.path, arguments.workers)
    print(report.text())
    if arguments.json:
        arguments.json.write_text(json.dumps(report.to_dict(), indent=2) + "\n")
    if report.faults:
        raise DataError(f"files are missing: {len(report.missing)}, broken: {len(report.broken)}; get them again")


def run_generate(arguments: argparse.Namespace) -> None:
    from ..avsbench.generate import generate

    a = arguments
    generate(a.kind, a.path, a.clips, a.image_size, a.seed, a.pickles)
    print(f"{a.path}: {a.clips} clips for each of train, val and test")
