"""A split of S4, MS3 or AVSS as a map-style torch Dataset of clips."""

from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from .clip import Clip
from .errors import DataError
from .layouts import ClipFiles, Layout
from .metadata import Row, read_classes, read_table
from .pictures import read_binary_mask, read_class_mask, read_frame
from .sound import fit, read_pickle, read_wav


class AVSBench(Dataset):
    """Clips in the order of the table; files are read when a clip is asked for. `image_size` S in pixels."""

    def __init__(self, layout: Layout, root: Path, split: str, image_size: int):
        """Raises DataError when the table is wrong or has no video of this split."""
        self.layout, self.root, self.split, self.image_size = layout, root, split, image_size
        table = root / layout.table
        self.rows: list[Row] = [row for row in read_table(table, layout.columns) if row["split"] == split]
        if not self.rows:
            raise DataError(f"{table}: no video of the split {split!r}")
        self.class_names = read_classes(root / "label2idx.json", layout.classes) if layout.classes > 1 else []

    def __len__(self) -> int:
        return len(self.rows)

    def files(self, index: int) -> ClipFiles:
        return self.layout.locate(self.root, self.rows[index])

    def __getitem__(self, index: int) -> Clip:
        return read_clip(self.layout, self.files(index), self.image_size)


def read_clip(layout: Layout, files: ClipFiles, size: int) -> Clip:
    """Reads all files of a video. Raises DataError."""
    window = layout.window
    image = np.zeros((window, size, size, 3), np.uint8)
    mask = np.zeros((window, size, size), np.uint8)
    supervised, valid = np.zeros(window, bool), np.zeros(window, bool)
    for t, (frame, truth) in enumerate(zip(files.frames, files.masks, strict=True)):
        image[t] = read_frame(frame, size)
        valid[t] = True
        if truth:
            mask[t] = read_mask(layout, truth, size)
            supervised[t] = True
    return Clip(files.name, files.categories, image, read_sound(layout, files), mask, supervised, valid)


def read_mask(layout: Layout, path: Path, size: int) -> np.ndarray:
    """[size,size] uint8: 0 or 1, or the class. Raises DataError."""
    if layout.classes == 1:
        return read_binary_mask(path, size)
    if not path.exists() and (path.parent.parent / "labels_rgb" / path.name).exists():
        raise DataError(f"{path} is missing; labels_rgb cannot stand in for it, because no table of its colours is published")
    return read_class_mask(path, size, layout.classes)


def read_sound(layout: Layout, files: ClipFiles) -> np.ndarray:
    """[T,1,96,64] float32: the pickle where there is one, otherwise the wav. Raises DataError."""
    if files.log_mel and files.log_mel.exists():
        patches = read_pickle(files.log_mel)
    else:
        patches = read_wav(files.wav, layout.window)
    return fit(patches, layout.window, repeat_last=layout.classes == 1)
