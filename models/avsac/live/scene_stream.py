"""Directed clips straight into training, without a disk between."""

import numpy as np
from torch.utils.data import Dataset

from ..audio import log_mel
from ..avsbench.clip import Clip
from ..avsbench.sound import AUDIO
from .actors import BOUNDS, FRAMES
from .director import Director


class SceneStream(Dataset):
    """The clips `first` to `first + count` of a director, as they are read from disk; all frames are supervised."""

    def __init__(self, director: Director, count: int, first: int = 0):
        self.director, self.count, self.first = director, count, first

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Clip:
        if not 0 <= index < self.count:
            raise IndexError(index)
        take = self.director.take(self.first + index)
        patches = np.stack([take.pcm[begin : begin + AUDIO.samples] for begin in BOUNDS[:-1]])
        return Clip(
            f"{self.director.library.split}-{self.first + index:05}",
            (take.category,) if self.director.kind == "s4" else (),
            np.stack(take.frames),
            log_mel(patches)[:, None],
            np.stack(take.truths) // 255,
            np.ones(FRAMES, bool),
            np.ones(FRAMES, bool),
        )
