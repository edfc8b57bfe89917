"""Random changes of pictures and sounds: what cameras, microphones, VP8 and Opus do to them, and a little more."""

import io

import numpy as np
from PIL import Image, ImageFilter

from .media import SAMPLE_RATE

Random = np.random.Generator


def jitter_colour(random: Random, image: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """Gain of each channel, contrast and brightness. image [H,W,3] uint8 -> the same shape and type."""
    gain = 1 + strength * random.uniform(-0.13, 0.13, 3) + strength * random.uniform(-0.1, 0.1)
    contrast = 1 + strength * random.uniform(-0.25, 0.25)
    changed = (image * gain - 128) * contrast + 128 + strength * random.uniform(-25, 25)
    return changed.clip(0, 255).astype(np.uint8)


def degrade(random: Random, image: np.ndarray) -> np.ndarray:
    """Blur, sensor noise, block coding, rarely grey. image [H,W,3] uint8 -> the same shape and type."""
    picture = Image.fromarray(image)
    if random.random() < 0.25:
        picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.3)))
    if random.random() < 0.15:
        # The sender may have lowered its resolution; the server scales it back up.
        side = int(picture.width * random.uniform(0.4, 0.9))
        picture = picture.resize((side, side), Image.Resampling.BILINEAR).resize(image.shape[1::-1], Image.Resampling.BILINEAR)
    if random.random() < 0.2:
        noisy = np.asarray(picture) + random.normal(0, random.uniform(2, 9), image.shape)
        picture = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
    if random.random() < 0.5:
        coded = io.BytesIO()
        picture.save(coded, "JPEG", quality=int(random.integers(25, 93)))
        picture = Image.open(coded)
    if random.random() < 0.03:
        picture = picture.convert("L").convert("RGB")
    return np.asarray(picture)


def set_level(random: Random, pcm: np.ndarray, low: float, high: float) -> np.ndarray:
    """Scales to a random RMS level between low and high dBFS, clipped to -1..1."""
    rms = np.sqrt(np.mean(pcm**2)) + 1e-7
    return (pcm / rms * 10 ** (random.uniform(low, high) / 20)).clip(-1, 1).astype(np.float32)


def equalise(random: Random, pcm: np.ndarray) -> np.ndarray:
    """A random smooth gain over frequency within 8 dB: the room, the microphone, the codec."""
    spectrum = np.fft.rfft(pcm)
    knots = np.linspace(0, 1, 6) ** 2
    gain = np.interp(np.linspace(0, 1, len(spectrum)), knots, random.uniform(-8, 8, 6))
    return np.fft.irfft(spectrum * 10 ** (gain / 20), len(pcm)).astype(np.float32)


def change_pitch(random: Random, pcm: np.ndarray) -> np.ndarray:
    """Resamples by 0.88 to 1.14: pitch and speed together."""
    rate = random.uniform(0.88, 1.14)
    count = int(len(pcm) / rate)
    return np.interp(np.arange(count) * rate, np.arange(len(pcm)), pcm).astype(np.float32)


def noise(random: Random, samples: int) -> np.ndarray:
    """White to brown noise, sometimes modulated, or mains hum and whine; -55 to -14 dBFS."""
    time = np.arange(samples) / SAMPLE_RATE
    if random.random() < 0.2:
        base = random.choice([50.0, 60.0, 100.0, 120.0, random.uniform(80, 1500)])
        partials = range(1, int(random.integers(2, 6)))
        pcm = sum(random.random() * np.sin(2 * np.pi * base * k * time + random.uniform(0, 6)) for k in partials)
    else:
        spectrum = np.fft.rfft(random.standard_normal(samples))
        pcm = np.fft.irfft(spectrum / (np.arange(len(spectrum)) + 8.0) ** random.uniform(0, 1), samples)
        if random.random() < 0.25:
            pcm = pcm * (1 + 0.8 * np.sin(2 * np.pi * random.uniform(0.5, 15) * time))
    return set_level(random, pcm, -55, -14)


def silence(random: Random, samples: int) -> np.ndarray:
    """Digital zero, or a noise floor between -90 and -58 dBFS."""
    if random.random() < 0.4:
        return np.zeros(samples, np.float32)
    return set_level(random, random.standard_normal(samples), -90, -58)


def record(random: Random, pcm: np.ndarray) -> np.ndarray:
    """A source as a microphone hears it: equalised, at any level, often with a noise floor."""
    if random.random() < 0.5:
        pcm = equalise(random, pcm)
    pcm = set_level(random, pcm, -38, -12)
    if random.random() < 0.5:
        pcm = pcm + set_level(random, random.standard_normal(len(pcm)), -75, -42)
    return pcm.clip(-1, 1).astype(np.float32)
