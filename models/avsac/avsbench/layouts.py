"""Where each of AVSBench's three sets keeps the files of a video, and how many videos were published."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .errors import DataError
from .metadata import Row

AVSS_FRAMES = {"v1s": 5, "v1m": 5, "v2": 10}


@dataclass(frozen=True)
class ClipFiles:
    """One video's files, whether they exist or not."""

    name: str
    categories: tuple[str, ...]
    frames: tuple[Path, ...]  # as many as the video has: AVSS pads v1 clips from 5 to 10
    masks: tuple[Path | None, ...]  # one a frame; None where the frame is not supervised
    log_mel: Path | None  # optional: read when it exists
    wav: Path


@dataclass(frozen=True)
class Layout:
    """A set: its table, its sizes, and `locate`: (folder, row of the table) -> ClipFiles."""

    kind: str
    table: str
    columns: tuple[str, ...]
    window: int  # T, frames a clip
    classes: int  # K of the model: 1 with a binary mask, 71 with the background
    published: dict[str, int]  # split -> videos
    locate: Callable[[Path, Row], ClipFiles]
    categories: int | None = None  # published count, where the table has categories


def media_folder(root: Path, name: str) -> Path:
    """`root/name` as the archives unpack, or `root` itself when the folders stand beside the table."""
    return root / name if (root / name).is_dir() else root


def locate_s4(root: Path, row: Row) -> ClipFiles:
    """Training videos have the mask of the first frame only."""
    name, media = row["name"], media_folder(root, "s4_data")
    within = Path(row["split"], row["category"])
    masked = 1 if row["split"] == "train" else 5
    masks = media / "gt_masks" / within / name
    return ClipFiles(
        name,
        (row["category"],),
        tuple(media / "visual_frames" / within / name / f"{name}_{i}.png" for i in range(1, 6)),
        tuple(masks / f"{name}_{i}.png" if i <= masked else None for i in range(1, 6)),
        media / "audio_log_mel" / within / f"{name}.pkl",
        media / "audio_wav" / within / f"{name}.wav",
    )


def locate_ms3(root: Path, row: Row) -> ClipFiles:
    """The video's name is the first column that is not `split`; frames do not lie in a folder of their split, the rest does."""
    name, media = next((value for column, value in row.items() if column != "split"), ""), media_folder(root, "ms3_data")
    if not name:
        raise DataError(f"{MS3.table}: the column with the video's name, beside 'split', is missing or empty")
    masks = media / "gt_masks" / row["split"] / name
    return ClipFiles(
        name,
        (),
        tuple(media / "visual_frames" / name / f"{name}.mp4_{i}.png" for i in range(1, 6)),
        tuple(masks / f"{name}_{i}.png" for i in range(1, 6)),
        media / "audio_log_mel" / row["split"] / f"{name}.pkl",
        media / "audio_wav" / row["split"] / f"{name}.wav",
    )


def locate_avss(root: Path, row: Row) -> ClipFiles:
    """v1 clips have 5 frames, v2 clips 10; single-source training clips (v1s) may have the first mask only."""
    if row["label"] not in AVSS_FRAMES:
        raise DataError(f"metadata.csv, video {row['uid']}: column 'label' is {row['label']!r}, not v1s, v1m or v2")
    folder, count = root / row["label"] / row["uid"], AVSS_FRAMES[row["label"]]
    masks: list[Path | None] = [folder / "labels_semantic" / f"{i}.png" for i in range(count)]
    if row["label"] == "v1s" and row["split"] == "train":
        masks[1:] = [mask if mask.exists() else None for mask in masks[1:]]
    return ClipFiles(
        row["uid"],
        tuple(re.findall(r"[\w-]+", row.get("a_obj") or "")),
        tuple(folder / "frames" / f"{i}.jpg" for i in range(count)),
        tuple(masks),
        None,
        folder / "audio.wav",
    )


S4 = Layout(
    "s4",
    "s4_meta_data.csv",
    ("name", "category", "split"),
    window=5,
    classes=1,
    published={"train": 3452, "val": 740, "test": 740},
    locate=locate_s4,
    categories=23,
)
MS3 = Layout(
    "ms3",
    "ms3_meta_data.csv",
    ("split",),
    window=5,
    classes=1,
    published={"train": 296, "val": 64, "test": 64},
    locate=locate_ms3,
)
AVSS = Layout(
    "avss",
    "metadata.csv",
    ("uid", "split", "label"),
    window=10,
    classes=71,
    published={"train": 8498, "val": 1304, "test": 1554},
    locate=locate_avss,
)

LAYOUTS = {layout.kind: layout for layout in (S4, MS3, AVSS)}
