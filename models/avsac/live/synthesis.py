"""Sounds by synthesis: additive voices, modal strikes, bands of noise, engines, sirens; each rendition draws its own values.

Ranges (low, high) are drawn from uniformly. Everything is float32 at 16 kHz, mono, SECONDS long, peak 0.5.
"""

from collections.abc import Callable

import numpy as np
from scipy import signal

from .augment import Random
from .media import SAMPLE_RATE

SECONDS = 4.0
COUNT = int(SECONDS * SAMPLE_RATE)
NYQUIST = SAMPLE_RATE / 2
Range = tuple[float, float]


def seconds(count: int) -> np.ndarray:
    return np.arange(count) / SAMPLE_RATE


def scaled(pcm: np.ndarray) -> np.ndarray:
    return (0.5 * pcm / (np.abs(pcm).max() + 1e-9)).astype(np.float32)


def swell(count: int, attack: float = 0.015, release: float = 0.04) -> np.ndarray:
    """0..1: up within `attack` seconds, down within `release`."""
    time = seconds(count)
    return np.minimum(1, np.minimum(time / attack, time[::-1] / release))


def in_rows(random: Random, make: Callable[[], np.ndarray], gap: Range, row: Range | None = None, rest: Range = (0.3, 0.8)):
    """Calls of `make` one after the other with gaps between; with `row`, so many and then a rest."""
    out, place, left = np.zeros(COUNT + 4 * SAMPLE_RATE), 0, random.integers(row[0], row[1] + 1) if row else 0
    while place < COUNT:
        call = make()
        out[place : place + len(call)] += call[: len(out) - place]
        left -= 1
        pause = gap
        if row and left <= 0:
            pause, left = rest, random.integers(row[0], row[1] + 1)
        place += len(call) + int(random.uniform(*pause) * SAMPLE_RATE)
    return out[:COUNT]


def noise_band(random: Random, count: int, low: float, high: float) -> np.ndarray:
    """White noise of unit variance between two frequencies."""
    sections = signal.butter(2, [low / NYQUIST, min(high, 7900) / NYQUIST], "band", output="sos")
    band = signal.sosfilt(sections, random.standard_normal(count))
    return band / (band.std() + 1e-9)


def resonances(frequencies: np.ndarray, formants: list[float]) -> np.ndarray:
    """Gain at each frequency of a throat with these formants, each some 12 % wide."""
    return 0.05 + sum(
        np.exp(-0.5 * ((frequencies - f) / (0.12 * f + 60)) ** 2) / (1 + i) ** 0.5 for i, f in enumerate(formants)
    )


def cry(
    random: Random,
    pitch: Range,
    contour: list[float],
    length: Range,
    gap: Range,
    formants: list[float],
    noise: float = 0.05,
    rough: float = 0.0,
    tilt: float = 1.0,
) -> np.ndarray:
    """A voice: harmonics of a pitch that follows `contour`, through formants. tilt: their fall; rough: hertz of a growl."""
    base, size, breath = random.uniform(*pitch), random.uniform(0.88, 1.14), noise * random.uniform(0.6, 1.5)
    throat = [f * size for f in formants]

    def call() -> np.ndarray:
        count = int(random.uniform(*length) * SAMPLE_RATE)
        bend = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(contour)), contour)
        f0 = base * random.uniform(0.92, 1.08) * bend * (1 + 0.01 * np.sin(2 * np.pi * random.uniform(4, 7) * seconds(count)))
        phase = 2 * np.pi * np.cumsum(f0) / SAMPLE_RATE
        pcm = np.zeros(count)
        for k in range(1, int(min(40, 7600 / f0.max())) + 1):
            pcm += resonances(k * f0, throat) / k ** (0.5 * tilt) * np.sin(k * phase + random.uniform(0, 6))
        hiss = noise_band(random, count, max(100, 0.6 * throat[0]), min(7800, 1.4 * throat[-1]))
        pcm = pcm / (pcm.std() + 1e-9) + breath * 1.5 * hiss
        if rough:
            pcm *= 1 + 0.8 * signal.sawtooth(2 * np.pi * rough * random.uniform(0.8, 1.2) * seconds(count))
        return pcm * swell(count, 0.1 * count / SAMPLE_RATE, 0.25 * count / SAMPLE_RATE)

    return in_rows(random, call, gap)


def chirp(
    random: Random, pitch: Range, sweep: Range, length: Range, gap: Range, row: Range, rest: Range = (0.2, 0.6)
) -> np.ndarray:
    """Whistled glides in rows; sweep: the last pitch over the first."""
    base = random.uniform(*pitch)
    shapes = [(random.uniform(0.85, 1.15), random.uniform(*sweep), random.uniform(*length)) for _ in range(3)]

    def call() -> np.ndarray:
        first, over, long = shapes[random.integers(3)]
        count = int(long * random.uniform(0.9, 1.1) * SAMPLE_RATE)
        f0 = np.minimum(base * first * np.linspace(1, over, count), 7600)
        return np.sin(2 * np.pi * np.cumsum(f0) / SAMPLE_RATE) * swell(count, 0.2 * long, 0.3 * long)

    return in_rows(random, call, gap, row, rest)


def strike(random: Random, partials: list[float], pitch: Range, decay: Range, every: Range, noise: float = 0.2) -> np.ndarray:
    """Blows on something that rings: partials over its pitch, the higher the shorter; noise: of the blow itself."""
    base, long = random.uniform(*pitch), random.uniform(*decay)
    ratios = [p * random.uniform(0.985, 1.015) for p in partials]
    weights = random.uniform(0.3, 1, len(ratios))

    def blow() -> np.ndarray:
        count = int(min(3.0, 5 * long + 0.05) * SAMPLE_RATE)
        time, pcm = seconds(count), np.zeros(count)
        for ratio, weight in zip(ratios, weights, strict=True):
            if base * ratio < 7800:
                pcm += weight * np.exp(-time * ratio**0.5 / long) * np.sin(2 * np.pi * base * ratio * time)
        knock = noise_band(random, count, min(base, 3000), min(7800, 6 * base + 1500)) * np.exp(-time / (0.25 * long + 0.008))
        return (pcm + noise * 0.5 * knock) * random.uniform(0.7, 1.0)

    out, place = np.zeros(COUNT + 4 * SAMPLE_RATE), 0
    beat = random.uniform(*every)
    while place < COUNT:
        pcm = blow()
        out[place : place + len(pcm)] += pcm
        place += int(beat * random.uniform(0.85, 1.15) * SAMPLE_RATE)
    return out[:COUNT]


def rush(random: Random, band: Range, beat: Range, depth: float) -> np.ndarray:
    """Noise of a band that comes and goes every `beat` seconds, by `depth` of its strength, 0..1."""
    low, high = (f * random.uniform(0.85, 1.15) for f in band)
    rate = 1 / random.uniform(*beat)
    phase = rate * seconds(COUNT) + 0.08 * np.cumsum(random.standard_normal(COUNT)) / SAMPLE_RATE**0.5
    shape = (0.5 - 0.5 * np.cos(2 * np.pi * phase)) ** random.uniform(0.7, 2.0)
    return noise_band(random, COUNT, low, high) * (1 - depth + depth * shape)


def crackle(random: Random, rate: Range, band: Range, floor: float) -> np.ndarray:
    """Pops, `rate` a second, over a floor of the same band."""
    pops = (random.random(COUNT) < random.uniform(*rate) / SAMPLE_RATE) * random.exponential(1.0, COUNT)
    tail = np.exp(-seconds(400) / random.uniform(0.001, 0.004))
    hiss = noise_band(random, COUNT, *band)
    return signal.fftconvolve(pops, tail)[:COUNT] * hiss * 6 + floor * random.uniform(0.6, 1.4) * hiss


def ring(
    random: Random,
    pitches: list[Range],
    on: Range,
    off: Range,
    row: Range | None = None,
    rest: Range = (0.3, 0.8),
    buzz: float = 0.15,
    flutter: float = 0.0,
    melody: bool = False,
) -> np.ndarray:
    """Tones together, on and off. buzz: strength of the harmonics; flutter: hertz of a shake; melody: another pitch each."""
    tones, long, pause = [random.uniform(*p) for p in pitches], random.uniform(*on), random.uniform(*off)
    steps = 2 ** (random.integers(-5, 8, 6) / 12) if melody else np.ones(1)
    turn = 0

    def tone() -> np.ndarray:
        nonlocal turn
        turn += 1
        time = seconds(int(long * SAMPLE_RATE))
        shake = flutter * random.uniform(0.9, 1.1)
        bend = 1 + (0.02 * np.sin(2 * np.pi * shake * time) if flutter else 0 * time)
        pcm = np.zeros(len(time))
        for f in tones:
            phase = 2 * np.pi * np.cumsum(f * steps[turn % len(steps)] * bend) / SAMPLE_RATE
            pcm += sum(buzz ** (k > 1) / k * np.sin(k * phase) for k in range(1, 9) if k * f * steps.max() < 7800)
        return pcm * swell(len(time), 0.008, 0.02) * (1 - 0.4 * (flutter > 0) * (np.sin(2 * np.pi * shake * time) > 0))

    return in_rows(random, tone, (pause, pause), row, rest)


def siren(random: Random, low: Range, high: Range, period: Range, steps: bool = False, pure: bool = False) -> np.ndarray:
    """A tone between two pitches, gliding or in steps; pure: without harmonics."""
    bottom, top, rate = random.uniform(*low), random.uniform(*high), 1 / random.uniform(*period)
    turn = np.sin(2 * np.pi * (rate * seconds(COUNT) + random.random()))
    phase = 2 * np.pi * np.cumsum(bottom + (top - bottom) * (turn > 0 if steps else 0.5 + 0.5 * turn)) / SAMPLE_RATE
    return sum(np.sin(k * phase) / k for k in ((1,) if pure else (1, 2, 3, 4)))


def engine(random: Random, rate: Range, noise: float, rough: float = 0.25) -> np.ndarray:
    """Explosions, `rate` a second, through an exhaust; the speed wanders. rough: how unequal they are."""
    base = random.uniform(*rate)
    wander = np.interp(seconds(COUNT), np.linspace(0, SECONDS, 9), random.uniform(0.85, 1.25, 9))
    phase = np.cumsum(base * wander) / SAMPLE_RATE
    blows = np.diff(np.floor(phase), prepend=0) * (1 + rough * random.standard_normal(COUNT))
    time = seconds(int(0.08 * SAMPLE_RATE))
    tubes = sum(
        random.uniform(0.4, 1) * np.exp(-time * f / 6) * np.sin(2 * np.pi * f * time)
        for f in base * random.uniform(1.5, 14, 5) + 60
    )
    body = signal.fftconvolve(blows, tubes)[:COUNT]
    hiss = noise_band(random, COUNT, 300, 4000) * (0.5 + 0.5 * np.abs(np.sin(np.pi * phase)))
    return body / (body.std() + 1e-9) + noise * random.uniform(0.5, 1.2) * hiss


RECIPES: dict[str, Callable[..., np.ndarray]] = {
    "cry": cry,
    "chirp": chirp,
    "strike": strike,
    "rush": rush,
    "crackle": crackle,
    "ring": ring,
    "siren": siren,
    "engine": engine,
}


def render(recipe: str, settings: dict, random: Random) -> np.ndarray:
    """[64000] float32 of one rendition."""
    return scaled(RECIPES[recipe](random, **settings))
