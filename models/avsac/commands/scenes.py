"""`avsac scenes`: Builds clips of real talkers and things in AVSBench's layout, with a contact sheet and statistics."""

import argparse
from pathlib import Path


def add(commands: argparse._SubParsersAction) -> None:
    scenes = commands.add_parser("scenes", help="build clips of talkers and things in AVSBench's layout")
    scenes.add_argument("path", type=Path, help="a new folder, or one that holds other splits of the same kind")
    scenes.add_argument(
        "--kind", choices=("s4", "ms3"), required=True, help="s4: one sounds; ms3: several, by turns and together"
    )
    scenes.add_argument("--clips", type=int, required=True, help="clips of each split")
    scenes.add_argument("--media", type=Path, required=True, help="folder of talkers, photographs and sounds")
    scenes.add_argument("--things", type=Path, help="folder of `avsac things`: drawn things and their sounds, too")
    scenes.add_argument("--split", choices=("train", "val", "test"), help="default: all three, whose sources are disjoint")
    scenes.add_argument("--image-size", type=int, default=224, help="side of the frames in pixels, even (default 224)")
    scenes.add_argument("--seed", type=int, default=0)
    scenes.add_argument(
        "--clean", action="store_true", help="nothing is degraded: no noise, room, codec, low light, blur, shake"
    )
    scenes.add_argument("--workers", type=int, default=2, help="processes; the files are the same with any number (default 2)")
    scenes.add_argument("--sheet", type=Path, metavar="PNG", help="a picture of some clips, outlined, with their sound")
    scenes.add_argument(
        "--statistics", type=Path, metavar="PAGE", help="a page of counts, mask areas, levels, sources: .html or .md"
    )
    scenes.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from ..live.contact_sheet import draw_sheet
    from ..live.director import SPLITS
    from ..live.scene_files import Order, build, read_sources
    from ..live.scene_statistics import page

    a = arguments
    if a.statistics and a.statistics.suffix not in (".html", ".md"):
        raise ValueError(f"--statistics {a.statistics}: the page is written as .html or .md")
    splits = (a.split,) if a.split else SPLITS
    build(a.path, Order(a.kind, a.media, a.clips, splits, a.image_size, a.seed, a.clean, a.workers, a.things))
    print(f"{a.path}: {a.clips} clips for each of {', '.join(splits)}")
    sources = read_sources(a.path)
    if a.sheet:
        a.sheet.parent.mkdir(parents=True, exist_ok=True)
        draw_sheet(a.kind, a.path, sources).save(a.sheet, "PNG")
        print(a.sheet)
    if a.statistics:
        a.statistics.parent.mkdir(parents=True, exist_ok=True)
        a.statistics.write_text(page(a.kind, sources, a.statistics.suffix), encoding="utf-8")
        print(a.statistics)
