"""Random changes of pictures and sounds: what cameras, microphones, VP8 and Opus do to them, and a little more."""

import io

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from .media import SAMPLE_RATE
from .sample import luminance

Random = np.random.Generator


def jitter_colour(random: Random, picture: Image.Image, strength: float = 1.0) -> Image.Image:
    """Gain of each channel, contrast and brightness of an RGB picture."""
    gain = 1 + strength * random.uniform(-0.13, 0.13, 3) + strength * random.uniform(-0.1, 0.1)
    contrast = 1 + strength * random.uniform(-0.25, 0.25)
    curves = (np.arange(256)[:, None] * gain - 128) * contrast + 128 + strength * random.uniform(-25, 25)
    table = curves.clip(0, 255).astype(np.uint8).T.ravel().tolist()
    return picture.point(table)


def disguise(random: Random, images: list[np.ndarray], alphas: list[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Somebody or something else, of which there is no picture: other proportions and colours, alike in all of [T][H,W,3],
    [T][H,W] uint8.

    The upper and the lower edge stay where they are.
    """
    (height, width), (across, down) = alphas[0].shape, (4, 4)
    y, x = np.meshgrid(np.linspace(0, height, down + 1), np.linspace(0, width, across + 1), indexing="ij")
    x = (
        x
        + random.uniform(-0.06, 0.06, x.shape) * width
        + np.linspace(random.uniform(-0.15, 0.15), 0, down + 1)[:, None] * width
    )
    y[1:-1] += random.uniform(-0.06, 0.06, (down - 1, 1)) * height + random.uniform(-0.02, 0.02, y[1:-1].shape) * height
    corners = [(0, 0), (1, 0), (1, 1), (0, 1)]  # as PIL wants them: anticlockwise from the upper left
    mesh = [
        (
            (width * j // across, height * i // down, width * (j + 1) // across, height * (i + 1) // down),
            tuple(float(v) for di, dj in corners for v in (x[i + di, j + dj], y[i + di, j + dj])),
        )
        for i in range(down)
        for j in range(across)
    ]
    colours = another_complexion(random)
    changed = []
    for image, alpha in zip(images, alphas, strict=True):
        person = Image.fromarray(image).convert("RGB", colours)
        person.putalpha(Image.fromarray(alpha))
        changed.append(np.asarray(person.transform((width, height), Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)))
    return [p[..., :3] for p in changed], [p[..., 3] for p in changed]


def another_complexion(random: Random) -> tuple[float, ...]:
    """A colour matrix [3,4], row by row: hue within 20 degrees, saturation, lightness."""
    turn, saturation, gain = random.uniform(-0.35, 0.35), random.uniform(0.5, 1.3), random.uniform(0.65, 1.3)
    yiq = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    c, s = saturation * np.cos(turn), saturation * np.sin(turn)
    rgb = np.linalg.inv(yiq) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ yiq * gain
    return tuple(float(v) for v in np.hstack((rgb, np.full((3, 1), random.uniform(-15, 15)))).ravel())


def film(random: Random, image: np.ndarray, earlier: np.ndarray, strength: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """A picture and what was seen before it through another camera. image [S,S,3] uint8, earlier [T,S,S] uint8 luminance."""
    changed = jitter_colour(random, Image.fromarray(image), strength)
    # What has not moved must look alike before and after; a gain of the luminance alone would not give that.
    moved = earlier.astype(np.int16) - luminance(image)
    before = (np.asarray(changed.convert("L")) + moved).clip(0, 255).astype(np.uint8)
    picture, *pictures = degrade(random, [changed, *map(Image.fromarray, before)])
    return np.asarray(picture), np.stack([np.asarray(frame) for frame in pictures])


def degrade(random: Random, pictures: list[Image.Image]) -> list[Image.Image]:
    """Low light, blur, loss of resolution, sensor noise, block coding, rarely grey: of each picture alike but for the noise."""
    size, noisy = pictures[0].size, 0.2
    if random.random() < 0.08:
        light, noisy = random.uniform(0.25, 0.6), 1.0
        pictures = [ImageEnhance.Brightness(picture).enhance(light) for picture in pictures]
    if random.random() < 0.25:
        blur = ImageFilter.GaussianBlur(random.uniform(0.3, 1.3))
        pictures = [picture.filter(blur) for picture in pictures]
    if random.random() < 0.15:
        # The sender may have lowered its resolution; the server scales it back up.
        side = int(size[0] * random.uniform(0.4, 0.9))
        pictures = [p.resize((side, side), Image.Resampling.BILINEAR).resize(size, Image.Resampling.BILINEAR) for p in pictures]
    if random.random() < noisy:
        deviation = random.uniform(2, 9)
        pictures = [grainy(random, picture, deviation) for picture in pictures]
    if random.random() < 0.5:
        quality = int(random.integers(25, 93))
        pictures = [block_coded(picture, quality) for picture in pictures]
    if random.random() < 0.03:
        pictures[0] = pictures[0].convert("L").convert("RGB")
    return pictures


def grainy(random: Random, picture: Image.Image, deviation: float) -> Image.Image:
    pixels = np.asarray(picture)
    noise = random.standard_normal(pixels.shape, np.float32) * np.float32(deviation)
    return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))


def block_coded(picture: Image.Image, quality: int) -> Image.Image:
    coded = io.BytesIO()
    picture.save(coded, "JPEG", quality=quality)
    return Image.open(coded)


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
