"""A talker's words in another voice: higher or lower in pitch and formants, at the pace of his lips."""

import numpy as np
from scipy import signal

WINDOW, HOP = 512, 128
RATIOS = (0.78, 0.82, 0.86, 0.9, 0.94, 1.0, 1.06, 1.11, 1.17, 1.23, 1.3)


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
