"""Paints drawn things as they may look: turned, in another colour, light and texture."""

import numpy as np
from PIL import Image

from .augment import Random

TURN = 20.0  # degrees, mostly
GREY = 8.0  # spread of the channels below which a sprite is a silhouette, to be painted


def paint(random: Random, sprite: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """sprite RGBA -> (image [H,W,3] uint8, alpha [H,W] uint8), cropped to what it covers."""
    angle = random.uniform(-180, 180) if random.random() < 0.15 else random.uniform(-TURN, TURN)
    turned = sprite.rotate(angle, Image.Resampling.BILINEAR, expand=True)
    turned = turned.crop(turned.getchannel("A").getbbox())
    pixels = np.asarray(turned)
    alpha, colour = pixels[..., 3], pixels[..., :3].astype(np.float32)
    if np.ptp(colour[alpha > 128], 1).mean() < GREY:
        colour = colour * (random.uniform(30, 256, 3).astype(np.float32) / 255)
    elif random.random() < 0.3:
        # Another hue: the channels change places, by parts.
        colour = colour @ (np.eye(3) + random.uniform(0, 0.5) * np.eye(3)[random.permutation(3)]).astype(np.float32) / 1.25
    if random.random() < 0.6:
        colour = colour * light(random, alpha.shape)
    return colour.clip(0, 255).astype(np.uint8), alpha


def light(random: Random, shape: tuple[int, int]) -> np.ndarray:
    """[H,W,1], about 1: light from one side, and spots of a random size."""
    coarse = random.uniform(0.55, 1.25, random.integers(2, 4, 2))
    if random.random() < 0.4:
        coarse = random.uniform(0.7, 1.15, random.integers(6, 24, 2))
    smooth = Image.fromarray(coarse.astype(np.float32)).resize(shape[::-1], Image.Resampling.BICUBIC)
    return np.asarray(smooth)[..., None]
