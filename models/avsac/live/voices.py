"""A talker's words in another voice: higher or lower in pitch and formants, at the pace of his lips; and at another pace."""

from dataclasses import dataclass

import numpy as np
from scipy import signal

from .augment import Random
from .media import SAMPLE_RATE
from .sample import SAMPLES

WINDOW, HOP = 512, 128
RATIOS = (0.78, 0.82, 0.86, 0.9, 0.94, 1.0, 1.06, 1.11, 1.17, 1.23, 1.3)
PACES = (0.8, 1.25)
STEP_S = 0.25
AGES_S = np.arange(6) * STEP_S


@dataclass(frozen=True)
class Pace:
    """How fast a recording is played before a moment, and its pitch with it: what is shown and heard `age` seconds before the
    moment, 0 to 1.25, lies `back(age)` seconds before it in the recording."""

    backs: tuple[float, ...] = tuple(AGES_S)  # of AGES_S

    @staticmethod
    def wavering(random: Random) -> "Pace":
        """Now faster, now slower, so that no rhythm is as recorded: what training knows by heart does not help it."""
        rates = random.uniform(*PACES, len(AGES_S))
        return Pace((0.0, *np.cumsum((rates[1:] + rates[:-1]) / 2 * STEP_S)))

    def back(self, age: float | np.ndarray) -> np.ndarray:
        return np.interp(age, AGES_S, self.backs)

    def play(self, pcm: np.ndarray, end: int) -> np.ndarray:
        """The [15600] samples until `end` of a recording [n], zero where it has none."""
        ages = np.arange(SAMPLES - 1, -1, -1) / SAMPLE_RATE
        places = end - 1 - self.back(ages) * SAMPLE_RATE
        return np.interp(places, np.arange(len(pcm)), pcm, left=0.0, right=0.0).astype(np.float32)


STEADY = Pace()


def in_another_voice(pcm: np.ndarray, ratio: float) -> np.ndarray:
    """[n] float32 -> [n], pitch and formants times `ratio`: a phase vocoder (Flanagan and Golden 1966) makes it longer by
    the ratio, resampling makes it as long as it was."""
    if ratio == 1.0:
        return pcm
    _, _, spectrum = signal.stft(pcm, nperseg=WINDOW, noverlap=WINDOW - HOP)
    places = np.arange(0, spectrum.shape[1] - 1, 1 / ratio)
    first = places.astype(int)
    share = places - first
    strength = np.abs(spectrum)
    strength = strength[:, first] * (1 - share) + strength[:, first + 1] * share
    turn = np.angle(spectrum[:, first + 1] * np.conj(spectrum[:, first]))
    phase = np.cumsum(turn, 1) + np.angle(spectrum[:, :1])
    _, longer = signal.istft(strength * np.exp(1j * phase), nperseg=WINDOW, noverlap=WINDOW - HOP)
    return np.interp(np.arange(len(pcm)) * ratio, np.arange(len(longer)), longer).astype(np.float32)
