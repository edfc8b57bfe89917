"""Sound of a clip: recordings without their pauses, rooms, noise, and what a call's codec makes of it."""

import io

import av
import numpy as np
from scipy import ndimage, signal

from . import augment
from .augment import Random
from .media import SAMPLE_RATE

WINDOW = SAMPLE_RATE // 50
PAUSE_DB = 20.0  # below the loudest window
LONGEST_PAUSE = 0.3  # seconds
RAMP = SAMPLE_RATE // 100


def level(pcm: np.ndarray) -> float:
    """RMS in dBFS, -140 for digital silence."""
    return float(10 * np.log10(np.mean(np.square(pcm, dtype=np.float64)) + 1e-14))


def sixteen_bits(pcm: np.ndarray) -> np.ndarray:
    """float32 in -1..1, rounded to what a file of 16 bits holds."""
    return (np.rint(pcm * 32768).clip(-32768, 32767) / 32768).astype(np.float32)


def without_pauses(pcm: np.ndarray) -> np.ndarray:
    """[n] -> [m], m <= n: pauses are cut to LONGEST_PAUSE, so that every second of what remains can be heard."""
    windows = pcm[: len(pcm) // WINDOW * WINDOW].reshape(-1, WINDOW)
    levels = 10 * np.log10((windows**2).mean(1) + 1e-14)
    reach = 2 * int(LONGEST_PAUSE * SAMPLE_RATE / WINDOW / 2) + 1
    kept = ndimage.binary_dilation(levels > levels.max() - PAUSE_DB, np.ones(reach, bool))
    pieces, count = ndimage.label(kept)
    return np.concatenate([faded(windows[pieces == i + 1].ravel()) for i in range(count)])


def faded(pcm: np.ndarray) -> np.ndarray:
    """Ten milliseconds in and out, against clicks where pieces meet."""
    ramp = np.minimum(np.arange(len(pcm)), np.arange(len(pcm))[::-1]) / RAMP
    return (pcm * np.minimum(ramp, 1)).astype(np.float32)


def loop(pcm: np.ndarray, start: int, count: int) -> np.ndarray:
    """`count` samples of the recording repeated without end, from `start` on."""
    return faded(np.take(pcm, np.arange(start, start + count), mode="wrap"))


def at_level(pcm: np.ndarray, dbfs: float, over: np.ndarray | None = None) -> np.ndarray:
    """Scaled to `dbfs`, measured where `over` is true (default: everywhere)."""
    measured = pcm if over is None or not over.any() else pcm[over]
    return (pcm * 10 ** ((dbfs - level(measured)) / 20)).astype(np.float32)


def room(random: Random) -> np.ndarray:
    """An impulse response: direct sound, then decaying noise; 0.15 to 0.6 s to -60 dB, 4 to 16 dB below the direct sound."""
    seconds, ratio = random.uniform(0.15, 0.6), random.uniform(4, 16)
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tail = random.standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    tail[: SAMPLE_RATE // 200] = 0
    tail *= 10 ** (-ratio / 20) / np.sqrt((tail**2).sum())
    return np.concatenate(([1.0], tail)).astype(np.float32)


def reverberate(pcm: np.ndarray, response: np.ndarray) -> np.ndarray:
    return signal.fftconvolve(pcm, response)[: len(pcm)].astype(np.float32)


def add_noise(random: Random, pcm: np.ndarray, noise: np.ndarray | None, snr: float, over: np.ndarray) -> np.ndarray:
    """Noise (default: of a random colour) `snr` dB below what sounds where `over` is true; -45 dBFS when nothing sounds."""
    noise = augment.noise(random, len(pcm)) if noise is None else noise
    target = level(pcm[over]) - snr if over.any() else -45.0
    return pcm + at_level(noise, min(target, -9.0))


def opus(pcm: np.ndarray, bit_rate: int) -> np.ndarray:
    """[n] float32 at 16 kHz -> the same after Opus at this many bits a second."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono", bit_rate=bit_rate)
        samples = (pcm.clip(-1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    file.seek(0)
    resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
    with av.open(file) as container:
        blocks = [b.to_ndarray()[0] for frame in container.decode(audio=0) for b in resampler.resample(frame)]
        blocks += [b.to_ndarray()[0] for b in resampler.resample(None)]
    decoded = np.concatenate(blocks)[: len(pcm)]
    return np.pad(decoded, (0, len(pcm) - len(decoded))).astype(np.float32)
