"""Writes directed clips as AVSBench lays them out, with sources.json beside the table: what each clip is made of."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import wavfile
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from ..avsbench.errors import DataError
from ..avsbench.generate import save, write_table
from ..avsbench.layouts import LAYOUTS
from ..avsbench.metadata import Row, read_table
from .director import SPLITS, Director
from .library import Library
from .media import SAMPLE_RATE

SOURCES = "sources.json"


@dataclass(frozen=True)
class Order:
    """What to build. side: of the frames in pixels; clean: nothing is degraded; workers: processes, 0: this one."""

    kind: str
    media: Path
    clips: int  # of each split
    splits: tuple[str, ...] = SPLITS
    side: int = 224
    seed: int = 0
    clean: bool = False
    workers: int = 0
    things: Path | None = None  # drawn ones


def build(path: Path, order: Order) -> None:
    """Writes the clips of each split, with a progress bar. Raises DataError, MediaError, ValueError.

    The folder may hold the same kind's clips of other splits already.
    """
    if order.clips < 1:
        raise ValueError(f"give at least 1 clip, not {order.clips}")
    layout = LAYOUTS[order.kind]
    table = path / layout.table
    rows = read_table(table, layout.columns) if table.exists() else []
    sources = read_sources(path) if rows else {}
    if not rows and path.exists() and any(path.iterdir()):
        raise DataError(f"{path} is not empty and holds no {layout.table}; give a new folder")
    for split in order.splits:
        if any(row["split"] == split for row in rows):
            raise DataError(f"{path} has clips of the split {split} already; give a new folder, or another --split")
    for split in order.splits:
        director = Director(Library(order.media, split, order.things), order.kind, order.side, order.seed, order.clean)
        (path / f"{order.kind}_data").mkdir(parents=True, exist_ok=True)
        clips = DataLoader(ClipWriter(path, director, order.clips), batch_size=None, num_workers=order.workers)
        notes = []
        for row, note in tqdm(clips, desc=f"{order.kind} {split}", unit=" clips", disable=None):
            rows.append(row)
            notes.append(note)
        sources[split] = {
            "seed": order.seed,
            "imageSize": order.side,
            "clean": order.clean,
            "files": sorted({name for note in notes for name in note["files"]}),
            "clips": notes,
        }
        (path / SOURCES).write_text(json.dumps(sources, indent=1) + "\n")
        write_table(table, rows)


def read_sources(path: Path) -> dict:
    """split -> {seed, imageSize, clean, files, clips: [{name, scene, actors, ...}]}. Raises DataError."""
    try:
        return json.loads((path / SOURCES).read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"{path / SOURCES} cannot be read ({error}); build the scenes anew in a new folder") from None


class ClipWriter(Dataset):
    """Writes a clip when it is asked for; gives its row of the table and its note."""

    def __init__(self, path: Path, director: Director, clips: int):
        self.path, self.director, self.clips = path, director, clips

    def __len__(self) -> int:
        return self.clips

    def __getitem__(self, index: int) -> tuple[Row, dict]:
        kind, split = self.director.kind, self.director.library.split
        take, name = self.director.take(index), f"{split}-{index:05}"
        if kind == "s4":
            row = {"name": name, "start": "0", "category": take.category, "split": split}
        else:
            row = {"video_id": name, "split": split}
        files = LAYOUTS[kind].locate(self.path, row)
        for frame, truth, frame_path, mask_path in zip(take.frames, take.truths, files.frames, files.masks, strict=True):
            save(Image.fromarray(frame), frame_path)
            if mask_path:
                save(Image.fromarray(truth), mask_path)
        files.wav.parent.mkdir(parents=True, exist_ok=True)
        wavfile.write(files.wav, SAMPLE_RATE, (take.pcm * 32768).astype(np.int16))
        lit = [round(float(np.count_nonzero(truth) / truth.size), 4) for truth in take.truths]
        return row, {"name": name, **take.note, "litShare": lit}
