"""Sounds of nothing in view, for each clip: what a model should stay dark for (after AVSBench-Robust)."""

import numpy as np
from torch.utils.data import Dataset

from ..audio import log_mel
from .clip import Clip
from .dataset import AVSBench, read_sound
from .sound import AUDIO

WRONG_SOUNDS = ("silence", "noise", "off-screen")
NOISE_LEVEL = 0.1  # root mean square of the white noise: -20 dB of full scale


class Heard(Dataset):
    """(clip, {sound: log-mel [T,1,96,64]}), the sounds those of `sounds` that there are."""

    def __init__(self, clips: AVSBench, sounds: tuple[str, ...] = WRONG_SOUNDS):
        self.clips, self.sounds = clips, sounds

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> tuple[Clip, dict[str, np.ndarray]]:
        heard = {sound: self.wrong_sound(sound, index) for sound in self.sounds}
        return self.clips[index], {sound: patches for sound, patches in heard.items() if patches is not None}

    def wrong_sound(self, sound: str, index: int) -> np.ndarray | None:
        """[T,1,96,64] float32, the same at each call; None for an off-screen sound when no clip has one."""
        window = self.clips.layout.window
        if sound == "silence":
            return log_mel(np.zeros((window, AUDIO.samples)))[:, None]
        if sound == "noise":
            noise = np.random.default_rng(index).normal(0, NOISE_LEVEL, (window, AUDIO.samples))
            return log_mel(noise.clip(-1, 1))[:, None]
        other = self.off_screen(index)
        if other is None:
            return None
        files = self.clips.files(other)
        # Padding is no sound: a short clip's patches go round.
        return read_sound(self.clips.layout, files)[np.arange(window) % len(files.frames)]

    def off_screen(self, index: int) -> int | None:
        """The first clip, from half the set further on, that has no category in common; MS3 names none: any other clip."""
        here, count = set(self.clips.files(index).categories), len(self.clips)
        for step in range(count):
            other = (index + count // 2 + step) % count
            if other != index and not here & set(self.clips.files(other).categories):
                return other
        return None
