"""Drawn people who talk, no two alike, with lips that follow a sound.

Training has four people on film, and knows them by heart. A puppet is drawn at the moments that are asked for, from its looks
and its manner of moving.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .augment import Random
from .media import SAMPLE_RATE
from .sprites import light

HEAD = 96  # height of a head, in pixels
WIDTH, HEIGHT = 240, 240  # of the picture
CENTRE = WIDTH / 2, 0.72 * HEAD  # of the head that does not move
SHOWN = (1.5, 2.4)  # of it from the hair down, in head heights
SPEECH_HZ, SPREAD_HZ = (200, 1500), (1600, 3500)  # what an open jaw and spread lips let through
RANGE_DB = 24.0  # from lips that are shut to the widest opening
HOP = 160  # samples, 10 ms

WHITE, BLACK, THROAT = (230, 228, 218), (30, 30, 30), (45, 15, 18)
AJAR = 0.008  # head heights: below, the lips touch

Colour = tuple[int, int, int]
Points = np.ndarray | list[tuple[float, float]]


@dataclass(frozen=True)
class Looks:
    """Lengths are in head heights, positions from the head's centre, x to the right and y down."""

    skin: Colour
    lips: Colour
    hair: Colour
    cloth: Colour
    broad: float  # of the head, by its height
    jaw: float  # how square, 0..1
    eyes: tuple[float, float]  # apart, down
    eye_size: float
    iris: Colour
    mouth_at: float
    mouth_wide: float
    lip_thick: float
    hair_high: float  # 0: bald
    hair_long: float  # beside the face, down to
    fringe: float
    beard: float  # 0: none, 1: full
    moustache: bool
    glasses: bool
    shoulders: float
    stripes: int
    hat: Colour | None


@dataclass(frozen=True)
class Manner:
    """How it moves: slow waves of places and turns, how wide its mouth opens, how far its lips are ahead of its sound."""

    sway: np.ndarray  # [4,2]: x, y, tilt, turn; two waves each
    rates: np.ndarray  # [4,2], Hz
    phases: np.ndarray  # [4,2]
    wide: float
    spread: float
    ahead: float  # seconds
    smooth: float  # seconds
    blink_at: float  # seconds ago
    smile: float

    def pose(self, seconds: float) -> np.ndarray:
        """x and y in head heights, tilt in degrees, turn -1..1."""
        return (self.sway * np.sin(2 * np.pi * self.rates * seconds + self.phases)).sum(1)


def looks(random: Random) -> Looks:
    tone, red = random.uniform(0.25, 1.0), random.uniform(0, 1)
    skin = tone * np.array([245, 200 + 15 * red, 165 + 35 * red])
    if random.random() < 0.15:
        skin = random.uniform(60, 240, 3)
    hair = random.uniform(0.05, 1) * np.array(
        [(120, 80, 50), (60, 45, 40), (230, 190, 120), (200, 200, 205), (180, 80, 40)][random.integers(5)]
    )
    if random.random() < 0.1:
        hair = random.uniform(20, 240, 3)
    lips = skin * random.uniform(0.6, 0.95) * np.array([1.0, random.uniform(0.6, 0.95), random.uniform(0.65, 1.0)])
    bearded = random.random() < 0.3
    return Looks(
        skin=colour(skin),
        lips=colour(lips),
        hair=colour(hair),
        cloth=colour(random.uniform(15, 240, 3)),
        broad=random.uniform(0.62, 0.86),
        jaw=random.uniform(0.1, 0.9),
        eyes=(random.uniform(0.3, 0.42), random.uniform(-0.1, 0.02)),
        eye_size=random.uniform(0.035, 0.07),
        iris=colour(random.uniform(20, 160, 3)),
        mouth_at=random.uniform(0.25, 0.32),
        mouth_wide=random.uniform(0.2, 0.32),
        lip_thick=random.uniform(0.015, 0.045),
        hair_high=0.0 if random.random() < 0.12 else random.uniform(0.04, 0.2),
        hair_long=random.uniform(-0.2, 0.15) if random.random() < 0.6 else random.uniform(0.2, 0.9),
        fringe=random.uniform(0.0, 0.22),
        beard=random.uniform(0.3, 1.0) if bearded else 0.0,
        moustache=bool(random.random() < (0.7 if bearded else 0.06)),
        glasses=bool(random.random() < 0.3),
        shoulders=random.uniform(0.75, 1.1),
        stripes=int(random.integers(2, 9)) if random.random() < 0.3 else 0,
        hat=colour(random.uniform(15, 240, 3)) if random.random() < 0.12 else None,
    )


def manner(random: Random) -> Manner:
    lively = random.uniform(0.2, 1.0) ** 2
    return Manner(
        sway=random.uniform(-1, 1, (4, 2)) * np.array([[0.12], [0.06], [7.0], [0.7]]) * lively,
        rates=random.uniform([[0.1, 0.5]] * 4, [[0.5, 1.6]] * 4),
        phases=random.uniform(0, 2 * np.pi, (4, 2)),
        wide=random.uniform(0.06, 0.16),
        spread=random.uniform(0.0, 0.3),
        ahead=random.uniform(-0.03, 0.07),
        smooth=random.uniform(0.015, 0.035),
        blink_at=random.uniform(-0.1, 2.5),
        smile=random.uniform(0, 0.25),
    )


def colour(rgb: np.ndarray) -> Colour:
    return tuple(int(c) for c in np.clip(rgb, 0, 255))


def lips(pcm: np.ndarray, how: Manner) -> tuple[np.ndarray, np.ndarray]:
    """(how far open, how spread), 0..1, every 10 ms of the 16 kHz sound [n]: what its loudness says of jaw and lips."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(pcm, (200, 400)), 400)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(400))) ** 2
    hertz = np.fft.rfftfreq(400, 1 / SAMPLE_RATE)
    low, high = (power[:, (hertz >= a) & (hertz < b)].sum(1) + 1e-9 for a, b in (SPEECH_HZ, SPREAD_HZ))
    level = 10 * np.log10(low / np.quantile(low, 0.97))
    opened, spread = np.clip(1 + level / RANGE_DB, 0, 1), np.clip(0.5 + 0.25 * np.log10(high / low), 0, 1)
    reach = round(3 * how.smooth * 100) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (100 * how.smooth)) ** 2)
    return tuple(np.convolve(np.pad(row, reach, "edge"), kernel / kernel.sum(), "valid") for row in (opened**1.5, spread))


def act(random: Random, ages_ms: list[float], speech: np.ndarray | None) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A new puppet at the moments that long ago: (images [T][H,W,3] uint8, alphas [T][H,W] uint8), cropped alike.

    speech: 16 kHz, as of the moment of age 0, to which its lips move; without it the mouth is closed.
    """
    who, how = looks(random), manner(random)
    grain = random.uniform(0.01, 0.05) * random.standard_normal((HEIGHT, WIDTH, 1), np.float32)
    texture = light(random, (HEIGHT, WIDTH)) * (1 + grain)
    opened, spread = (np.zeros(1), np.zeros(1)) if speech is None else lips(speech, how)
    frames = []
    for age in ages_ms:
        seconds = -age / 1000
        at = int(np.clip(round(len(opened) - 1 + 100 * (seconds + how.ahead)), 0, len(opened) - 1))
        blinking = abs(-seconds - how.blink_at) < 0.07
        frames.append(
            draw(who, how.pose(seconds), how.wide * opened[at], how.spread * spread[at] + how.smile, blinking, texture)
        )
    covered = np.max([frame[..., 3] for frame in frames], 0) > 128
    rows, columns = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
    box = slice(rows[0], rows[0] + round(random.uniform(*SHOWN) * HEAD)), slice(columns[0], columns[-1] + 1)
    return [frame[box][..., :3] for frame in frames], [frame[box][..., 3] for frame in frames]


class Pen:
    """Draws with lengths in head heights from an origin in pixels."""

    def __init__(self, layer: Image.Image, origin: np.ndarray):
        self.draw, self.origin = ImageDraw.Draw(layer), origin

    def pixels(self, points: Points) -> list[tuple[float, float]]:
        return [tuple(map(float, self.origin + HEAD * np.asarray(point))) for point in points]

    def polygon(self, points: Points, fill: Colour) -> None:
        self.draw.polygon(self.pixels(points), fill=fill)

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        self.draw.rectangle(self.pixels([(left, top), (right, bottom)]), fill=fill)

    def ellipse(self, x: float, y: float, across: float, down: float, fill: Colour) -> None:
        """Half axes."""
        self.draw.ellipse(self.pixels([(x - across, y - down), (x + across, y + down)]), fill=fill)

    def ring(self, x: float, y: float, radius: float, fill: Colour) -> None:
        self.draw.ellipse(self.pixels([(x - radius, y - radius), (x + radius, y + radius)]), outline=fill, width=2)

    def dome(self, left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        """The upper half of an ellipse in this box."""
        self.draw.chord(self.pixels([(left, top), (right, bottom)]), 180, 360, fill=fill)

    def line(self, points: Points, fill: Colour, width: int = 2) -> None:
        """Width in pixels."""
        self.draw.line(self.pixels(points), fill=fill, width=width)


def draw(who: Looks, pose: np.ndarray, opened: float, spread: float, blinking: bool, texture: np.ndarray) -> np.ndarray:
    """[H,W,4] uint8. `opened` in head heights, `spread` as a share of the mouth's width."""
    x, y, tilt, turn = map(float, pose)

    def layer(base: Colour) -> tuple[Image.Image, Pen]:
        image = Image.new("RGBA", (WIDTH, HEIGHT), (*base, 0))
        return image, Pen(image, np.array(CENTRE))

    head, pen = layer(who.skin)
    draw_hair(pen, who)
    draw_face(pen, who, opened)
    pen.origin = pen.origin + np.array([0.12 * turn * who.broad * HEAD, 0])
    draw_eyes(pen, who, turn, blinking)
    draw_mouth(pen, who, opened, spread)
    body, pen = layer(who.cloth)
    draw_body(pen, who, x)
    neck = CENTRE[0], CENTRE[1] + 0.6 * HEAD
    head = textured(head, texture).rotate(tilt, Image.Resampling.BILINEAR, center=neck, translate=(x * HEAD, y * HEAD))
    picture = textured(body, texture)
    if who.hair_long > 0.5:
        behind, pen = layer(who.hair)
        pen.ellipse(x, y + 0.2, who.broad * 0.62, who.hair_long * 0.8, who.hair)
        picture = Image.alpha_composite(textured(behind, texture), picture)
    return np.asarray(Image.alpha_composite(picture, head))


def textured(layer: Image.Image, texture: np.ndarray) -> Image.Image:
    pixels = np.asarray(layer).copy()
    pixels[..., :3] = (pixels[..., :3] * texture).clip(0, 255)
    return Image.fromarray(pixels)


def draw_body(pen: Pen, who: Looks, x: float) -> None:
    wide, floor = who.shoulders, HEIGHT / HEAD
    right = [(0.2, 0.62), (0.8 * wide, 0.77), (wide, 1.07), (1.05 * wide, floor)]
    pen.polygon(right + [(-a, b) for a, b in right[::-1]], who.cloth)
    for i in range(who.stripes):
        down = 0.9 + (i + 0.5) * (floor - 0.9) / who.stripes
        pen.line([(-wide, down), (wide, down)], shade(who.cloth, 0.6), max(2, 40 // who.stripes))
    pen.polygon([(x - 0.2, 0.2), (x + 0.2, 0.2), (0.2, 0.74), (0, 0.87), (-0.2, 0.74)], shade(who.skin, 0.85))


def draw_hair(pen: Pen, who: Looks) -> None:
    """What is behind the face, and the ears."""
    half = who.broad / 2
    if who.hair_high:
        pen.ellipse(0, -0.08, half + 0.5 * who.hair_high, 0.46 + who.hair_high, who.hair)
        if who.hair_long > -0.05:
            pen.box(-half - 0.06, -0.1, half + 0.06, who.hair_long, who.hair)
    for side in (-1, 1):
        pen.ellipse(side * half, 0.02, 0.045, 0.1, shade(who.skin, 0.88))


def draw_face(pen: Pen, who: Looks, opened: float) -> None:
    """With a jaw that goes down as the mouth opens, and what grows and sits on the head."""
    half, angle = who.broad / 2, np.linspace(0, 2 * np.pi, 48, endpoint=False)
    lower = np.maximum(np.sin(angle), 0)
    x = half * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (1 - 0.45 * who.jaw * lower)
    y = 0.5 * np.sin(angle) + 0.75 * opened * lower
    outline = np.stack((x, y), 1)
    pen.polygon(outline, who.skin)
    chin = outline[y > 0.5 - 0.4 * who.beard]
    if who.beard and len(chin) > 2:
        pen.polygon(chin, who.hair)
    if who.hair_high and who.fringe:
        pen.dome(-half, -0.54, half, 2 * who.fringe - 0.24, who.hair)
    if who.hat:
        pen.box(-half - 0.03, -0.72, half + 0.03, -0.3, who.hat)
        pen.box(-half - 0.2, -0.34, half + 0.2, -0.27, shade(who.hat, 0.7))


def draw_eyes(pen: Pen, who: Looks, turn: float, blinking: bool) -> None:
    """And brows, glasses and nose."""
    (apart, y), size = who.eyes, who.eye_size
    for side in (-1, 1):
        x, brow = side * apart / 2, y - 1.8 * size - 0.02
        if blinking:
            pen.line([(x - 1.4 * size, y), (x + 1.4 * size, y)], shade(who.skin, 0.55))
        else:
            pen.ellipse(x, y, 1.4 * size, 0.8 * size, WHITE)
            pen.ellipse(x + 0.02 * turn, y, 0.75 * size, 0.75 * size, who.iris)
        pen.line([(x - side * 0.09, brow), (x + side * 0.1, brow + 0.015)], shade(who.hair, 0.8), 3)
        if who.glasses:
            pen.ring(x, y, 0.115, BLACK)
    side = 0.05 * float(np.sign(turn))
    pen.polygon(
        [(-0.02, y + 0.06), (side + 0.06, who.mouth_at - 0.1), (side - 0.06, who.mouth_at - 0.1)], shade(who.skin, 0.86)
    )


def draw_mouth(pen: Pen, who: Looks, opened: float, spread: float) -> None:
    half, thick = who.mouth_wide / 2 * (1 + spread - 1.2 * opened), who.lip_thick
    across = np.linspace(-1, 1, 13)
    arch, corner = 1 - across**2, who.mouth_at - 0.05 * spread * across**2
    upper, lower = corner - 0.2 * opened * arch, corner + 0.8 * opened * arch

    def between(over: np.ndarray, under: np.ndarray) -> list[tuple[float, float]]:
        return [*zip(half * across, over, strict=True), *zip(half * across[::-1], under[::-1], strict=True)]

    pen.polygon(between(upper - thick * arch, lower + 1.3 * thick * arch), who.lips)
    if opened > AJAR:
        pen.polygon(between(upper, lower), THROAT)
        pen.polygon(between(upper, np.minimum(upper + 0.03 * arch, upper + 0.5 * opened * arch)), WHITE)
    else:
        pen.line(between(upper, upper)[: len(across)], shade(who.lips, 0.6))
    if who.moustache:
        pen.dome(-0.15, who.mouth_at - 0.11, 0.15, who.mouth_at + 0.03, who.hair)


def shade(rgb: Colour, by: float) -> Colour:
    return colour(np.array(rgb) * by)
