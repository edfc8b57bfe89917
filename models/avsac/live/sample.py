"""One picture with what a camera showed just before, and several sounds that it may come with: it is its own hard negative."""

from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from ..model.motion import EARLIER_MS

SAMPLES = 15_600
SOUNDS_PER_PICTURE = 3  # in training


@dataclass
class Sample:
    """A picture of S x S with N sounds; masks of M x M, 0..255, show for each sound what makes it."""

    image: np.ndarray  # [S,S,3] uint8 RGB
    earlier: np.ndarray  # [4,S,S] uint8, luminance of the frames about `EARLIER_MS` before
    pcm: np.ndarray  # [N,15600] float32
    masks: np.ndarray  # [N,M,M] uint8
    sounds: list[list[str]]  # of each sound, its classes
    tags: list[str]  # of each sound: right, resting, union, mixed, silence, noise, off-screen, voice, ended
    others: np.ndarray | None = None  # [N,M,M] uint8: of each sound, what else in view might have made one
    looks: dict[str, str] = field(default_factory=dict)  # classes that something of another class makes: sound -> looks
    told: dict[str, np.ndarray] = field(default_factory=dict)  # classes whose look recognition is told: [S/32,S/32] float32
    of_people: bool = False  # none but people may sound in it

    def only(self, places: list[int]) -> "Sample":
        """The same picture with some of its sounds."""
        picked = {name: [getattr(self, name)[i] for i in places] for name in ("sounds", "tags")}
        others = None if self.others is None else self.others[places]
        return replace(self, pcm=self.pcm[places], masks=self.masks[places], others=others, **picked)


def covered(mask: np.ndarray, across: int) -> np.ndarray:
    """mask [M,M], 0..255 -> [across,across] float32, the share of each position that it covers. M is a multiple of across."""
    return (mask > 127).reshape(across, len(mask) // across, across, -1).mean((1, 3), dtype=np.float32)


def luminance(image: np.ndarray) -> np.ndarray:
    """BT.601, rounded. image [H,W,3] uint8 RGB -> [H,W] uint8."""
    return np.asarray(Image.fromarray(image).convert("L"))


def still(image: np.ndarray) -> np.ndarray:
    """`earlier` of a picture in which nothing moves. image [S,S,3] -> [4,S,S]."""
    return np.stack([luminance(image)] * len(EARLIER_MS))
