"""Which pictures of a source are shown: spread over a clip, or those of a moment and just before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .augment import Random
from .library import Library, Standing

SEQUENCE_RATE = 24  # frames a second
BLANK = np.zeros((1, 1), np.uint8)  # the mask of a photograph that is a backdrop

# (images [H,W,3] uint8, masks [H,W] uint8 0 or 255 of the thing, files used)
Pictures = tuple[list[np.ndarray], list[np.ndarray], list[Path]]


@dataclass(frozen=True)
class ClipReel:
    """`count` pictures over a clip. A sequence lasts two to four seconds, shorter than a clip: its frames, or those of a
    part of it (`span`, 0..1), are spread evenly, forwards or backwards."""

    random: Random
    count: int

    def standing(self, standing: Standing, span: float = 1.0) -> Pictures:
        if standing.photograph:
            return photographed(standing, self.count)
        last = len(standing.frames) - 1
        start = self.random.uniform(0, last * (1 - span))
        places = np.linspace(start, start + last * span, self.count).round().astype(int)
        return read_frames(standing, places if self.random.random() < 0.5 else places[::-1])

    def street(self, path: Path) -> list[np.ndarray]:
        pictures = Library.street_frames(path)
        start = int(self.random.integers(max(1, len(pictures) - self.count + 1)))
        return [pictures[min(start + t, len(pictures) - 1)][0] for t in range(self.count)]


@dataclass(frozen=True)
class MomentReel:
    """A moment and those before it by `ages_ms`, which rise from 0; all alike of a photograph."""

    random: Random
    ages_ms: tuple[float, ...]

    def standing(self, standing: Standing) -> Pictures:
        if standing.photograph:
            return photographed(standing, self.count)
        back = self.frames_back(SEQUENCE_RATE)
        now = int(self.random.integers(min(back[-1], len(standing.frames) - 1), len(standing.frames)))
        return read_frames(standing, [max(0, now - frames) for frames in back])

    def street(self, path: Path) -> list[np.ndarray]:
        pictures = Library.street_frames(path)
        return pictures[self.random.integers(len(pictures))]

    @property
    def count(self) -> int:
        return len(self.ages_ms)

    def frames_back(self, rate: float) -> list[int]:
        """How many frames of a video each picture lies before the first."""
        return [round(age * rate / 1000) for age in self.ages_ms]


def photographed(standing: Standing, count: int) -> Pictures:
    masks = standing.photograph.instances.get(standing.thing, [BLANK])
    mask = max(masks, key=np.count_nonzero) if standing.instance is None else masks[standing.instance]
    return [standing.photograph.image] * count, [mask] * count, list(standing.frames)


def read_frames(standing: Standing, places: Sequence[int]) -> Pictures:
    paths = [standing.frames[i] for i in places]
    masks = [path.with_suffix(".png") for path in paths]
    images = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    return images, [np.asarray(Image.open(path).convert("L")) for path in masks], [*paths, *masks]
