"""`avsac figures`: Draws the paper's Fig. 5 (attention) and Fig. 1 (share of each modality) as PNG."""

import argparse
from pathlib import Path

from .data import KINDS


def add(commands: argparse._SubParsersAction) -> None:
    figures = commands.add_parser("figures", help="draw attention maps (Fig. 5), or the share of each modality (Fig. 1)")
    what = figures.add_mutually_exclusive_group(required=True)
    what.add_argument("--attention", type=Path, nargs="+", metavar="CHECKPOINT", help="a picture for each")
    what.add_argument("--modality-share", type=Path, nargs="+", metavar="CHECKPOINT", help="one picture, a row for each")
    figures.add_argument(
        "--data", type=Path, required=True, help="folder of s4_meta_data.csv, ms3_meta_data.csv or metadata.csv"
    )
    figures.add_argument("--kind", choices=KINDS, help="default: the one whose table is there")
    figures.add_argument("--split", choices=("train", "val", "test"), default="test")
    figures.add_argument("--clip", help="name of the video shown (default: the split's first)")
    figures.add_argument("--clips", type=int, default=100, help="videos, evenly spread, for the mean share (default 100)")
    figures.add_argument("--out", type=Path, default=Path(".cache/figures"), help="default .cache/figures")
    figures.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from ..avsbench.check import find_kind

    kind = arguments.kind or find_kind(arguments.data)
    for path in attention(arguments, kind) if arguments.attention else modality_share(arguments, kind):
        print(path)


def attention(arguments: argparse.Namespace, kind: str) -> list[Path]:
    from ..figures.attention import attend
    from ..figures.panels import draw_attention, save

    paths = []
    for label, model in load(arguments.attention):
        clips = open_clips(arguments, kind, model)
        clip = clips[find(clips, arguments.clip)]
        seen = attend(model, clip)
        if not seen.audio_guides:
            print(f"{label}: pixels do not read queries; they do with the decoders bavd and audio-to-vision")
        paths.append(arguments.out / f"attention-{kind}-{clip.name}-{label}.png")
        save(draw_attention(clip, seen, f"Attention of the decoder “{label}”, {kind.upper()} {clip.name}"), paths[-1])
    return paths


def modality_share(arguments: argparse.Namespace, kind: str) -> list[Path]:
    import numpy as np
    from tqdm import tqdm

    from ..avsbench.evaluate import predict
    from ..figures.modality_share import contributions
    from ..figures.panels import ShareRow, draw_shares, save

    if arguments.clips < 1:
        raise ValueError(f"--clips {arguments.clips} is less than 1")
    rows = []
    for label, model in load(arguments.modality_share):
        clips = open_clips(arguments, kind, model)
        spread = np.linspace(0, len(clips) - 1, min(arguments.clips, len(clips))).round().astype(int)
        measured = list(tqdm(contributions(model, clips, spread), desc=label, total=len(spread), disable=None))
        [shown] = contributions(model, clips, [find(clips, arguments.clip)])
        [(_, predicted)] = predict(model, [(shown.clip, shown.clip.log_mel)])
        rows.append(ShareRow(label, measured, shown, predicted))
        shares = [contribution.share for contribution in measured]
        print(f"{label}: sound {np.mean(shares):.1%}, picture {1 - np.mean(shares):.1%}; deviation {np.std(shares):.1%}")
    title = f"Sound and picture in the final feature, {kind.upper()} {arguments.split}"
    path = arguments.out / f"modality-share-{kind}.png"
    save(draw_shares(rows, title, CAPTION.format(clips=len(spread))), path)
    return [path]


CAPTION = (
    "Components: Shapley values of sound and picture in F_AGV + MLP(F_AGV · F_VGA); absent: silence, the mean colour.\n"
    "Size: L2 norm over channels, summed over pixels. Bars: mean and standard deviation of {clips} clips."
)


def load(checkpoints: list[Path]):
    """(label, model on the GPU if there is one): its decoder kind, numbered from the second of a kind on."""
    from ..device import choose
    from ..training.checkpoint import load_model

    seen: dict[str, int] = {}
    for checkpoint in checkpoints:
        model = load_model(checkpoint).requires_grad_(False).to(choose())
        decoder = model.config.decoder
        seen[decoder] = seen.get(decoder, 0) + 1
        yield decoder if seen[decoder] == 1 else f"{decoder}-{seen[decoder]}", model


def open_clips(arguments: argparse.Namespace, kind: str, model):
    from ..avsbench import open_dataset

    clips = open_dataset(kind, arguments.data, arguments.split, model.config.image_size)
    if model.config.classes != clips.layout.classes:
        raise ValueError(f"the model tells {model.config.classes} classes apart, {kind} has {clips.layout.classes}")
    return clips


def find(clips, name: str | None) -> int:
    """Index of the video of that name, 0 without one. Raises ValueError."""
    names = [clips.files(index).name for index in range(len(clips))]
    if name is not None and name not in names:
        raise ValueError(f"--clip {name} is not a video of the split {clips.split}, which starts with {', '.join(names[:3])}")
    return names.index(name) if name else 0
