"""AVSBench: the sets S4, MS3 and AVSS from disk.

>>> clips = open_dataset("s4", Path("Single-source"), split="train", image_size=224)
>>> loader = DataLoader(clips, batch_size=4, collate_fn=collate)
"""

from pathlib import Path

from .clip import Clip, ClipBatch, collate
from .dataset import AVSBench
from .errors import DataError
from .layouts import LAYOUTS

__all__ = ["AVSBench", "Clip", "ClipBatch", "DataError", "collate", "open_dataset"]


def open_dataset(kind: str, path: Path | str, split: str = "train", image_size: int = 224) -> AVSBench:
    """The split of the set `kind` (s4, ms3 or avss) in the folder that holds its table. Raises DataError."""
    if kind not in LAYOUTS:
        raise DataError(f"there is no set {kind!r}; there are {', '.join(LAYOUTS)}")
    return AVSBench(LAYOUTS[kind], Path(path), split, image_size)
