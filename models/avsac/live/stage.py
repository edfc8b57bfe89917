"""The pictures of a scene: a backdrop, actors placed on it at each moment, and what of each can be seen."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from . import augment
from .actors import Actor
from .augment import Random
from .library import Library
from .reels import ClipReel, MomentReel

ASPECTS, ASPECT_SHARES = (4 / 3, 16 / 9, 1.0, 3 / 4), (0.6, 0.2, 0.1, 0.1)
BOX = Image.Resampling.BOX


@dataclass
class Backdrop:
    """A picture of S x S a moment, stretched from `aspect`; in_view: sound classes of what may stand in them."""

    name: str
    frames: list[Image.Image]
    aspect: float
    in_view: set[str]
    files: list[Path]


def crop_box(random: Random, height: int, width: int) -> tuple[tuple[float, float, float, float], float]:
    """(left, top, right, bottom) of a random part, at least half as high as fits, and its aspect."""
    aspect = float(random.choice(ASPECTS, p=ASPECT_SHARES))
    crop_h = min(height, width / aspect) * random.uniform(0.5, 1.0)
    x, y = random.uniform(0, width - crop_h * aspect), random.uniform(0, height - crop_h)
    return (x, y, x + crop_h * aspect, y + crop_h), aspect


def backdrop(library: Library, reel: ClipReel | MomentReel, side: int, avoid: set[str]) -> Backdrop:
    """A photograph, a sequence, a street or a generated picture, without what makes a sound of `avoid`."""
    random = reel.random
    for _ in range(20):
        source = random.choice(["photograph", "sequence", "street", "generated"], p=[0.5, 0.2, 0.1, 0.2])
        if source == "generated":
            break
        if source == "street":
            if not library.street or avoid & {"speech", "chainsaw"}:
                continue
            path = library.street[random.integers(len(library.street))]
            images = reel.street(path)
            in_view, files, name = {"speech", "chainsaw"}, [path], path.stem
        else:
            choices = library.photographs if source == "photograph" else library.sequences
            standing = choices[random.integers(len(choices))]
            in_view, name = library.in_view(standing), standing.thing or standing.frames[0].stem
            if in_view & avoid:
                continue
            images, _, files = reel.standing(standing)
        box, aspect = crop_box(random, *images[0].shape[:2])
        return Backdrop(name, resize_each(images, side, box), aspect, in_view, files)
    return Backdrop("generated", [generated(random, side)] * reel.count, 4 / 3, set(), [])


def resize_each(images: list[np.ndarray], side: int, box: tuple[float, float, float, float]) -> list[Image.Image]:
    """A part of each as S x S; of a photograph that is shown again, once."""
    different = {id(image): image for image in images}
    resized = {key: Image.fromarray(image).resize((side, side), BOX, box) for key, image in different.items()}
    return [resized[id(image)] for image in images]


def generated(random: Random, side: int) -> Image.Image:
    """A wall of smooth light with boards, blinds and discs of other colours on it, and grain."""
    coarse = random.integers(20, 236, (*random.integers(2, 5, 2), 3)).astype(np.uint8)
    picture = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(random.integers(0, 9)):
        x, y = random.uniform(-0.1, 1, 2) * side
        w, h = random.uniform(0.05, 0.6, 2) * side
        colour = tuple(int(c) for c in random.integers(10, 246, 3))
        shape = random.choice(["board", "blind", "disc"])
        if shape == "disc":
            draw.ellipse((x, y, x + w, y + w), fill=colour)
        elif shape == "board":
            draw.rectangle((x, y, x + w, y + h), fill=colour)
        else:
            for top in np.arange(y, y + h, max(2, side / 28)):
                draw.rectangle((x, top, x + w, top + side / 60), fill=colour)
    grain = random.normal(0, random.uniform(1, 6), (side, side, 1))
    return Image.fromarray((np.asarray(picture) + grain).clip(0, 255).astype(np.uint8))


def in_place(random: Random, actors: list[Actor], side: int) -> tuple[Backdrop, list[list[Image.Image]]]:
    """The pictures that the actors stand in as the backdrop, mostly cropped, and at each moment their masks."""
    alphas = [alpha for actor in actors for alpha in actor.alphas]
    height, width = alphas[0].shape
    for _ in range(12):
        box, aspect = crop_box(random, height, width)
        left, top, right, bottom = map(round, box)
        if all(a[top:bottom, left:right].sum() >= 0.85 * a.sum() for a in alphas):
            break
    else:
        box, aspect = (0, 0, width, height), width / height
    in_view = set().union(*(actor.in_view for actor in actors))
    scene = Backdrop(actors[0].name, resize_each(actors[0].images, side, box), aspect, in_view, [])
    return scene, list(map(list, zip(*(resize_each(actor.alphas, side, box) for actor in actors), strict=True)))


@dataclass(frozen=True)
class Place:
    """Height and centre x and lower edge y, of the side; mirrored or not; how far it moves, of the side."""

    height: float
    x: float
    y: float
    mirrored: bool
    drift: tuple[float, float]


def place(random: Random, actor: Actor, slot: int, slots: int, aspect: float) -> Place:
    """Somewhere in its part of the width; smaller the more share it, and little wider than its part."""
    low, high = actor.heights
    height = random.uniform(low, high if slots == 1 else low + (high - low) * 1.2 / slots)
    height = min(height, aspect * 1.2 / slots / max(a.shape[1] / a.shape[0] for a in actor.alphas))
    x = (slot + random.uniform(0.3, 0.7)) / slots if slots > 1 else random.uniform(0.2, 0.8)
    # A talker ends at the chest: mostly below the picture's edge, sometimes behind a table.
    edge = random.uniform(0.75, 1.15) if not actor.from_edge or random.random() < 0.25 else 1.0
    bottom = max(min(edge, 1 + 0.2 * height), 0.85 * height)
    drift = random.uniform(-actor.sway, actor.sway, 2) if random.random() < 0.5 else (0.0, 0.0)
    return Place(height, x, bottom, bool(random.random() < 0.5), (float(drift[0]), float(drift[1]) * (not actor.from_edge)))


Cut = tuple[Image.Image, Image.Image]


def cut_outs(actor: Actor, where: Place, side: int, aspect: float, colour: int) -> list[Cut]:
    """(picture, alpha) of each moment, as large as its place asks, in one light; of a picture shown again, once."""
    tallest, made = max(alpha.shape[0] for alpha in actor.alphas), {}
    for image, alpha in zip(actor.images, actor.alphas, strict=True):
        if id(image) in made:
            continue
        height = where.height * side * alpha.shape[0] / tallest
        size = max(4, round(height * alpha.shape[1] / alpha.shape[0] / aspect)), max(4, round(height))
        cut, soft = Image.fromarray(image).resize(size, BOX), Image.fromarray(alpha).resize(size, BOX)
        cut = augment.jitter_colour(np.random.default_rng(colour), cut, 0.6)
        if where.mirrored:
            cut, soft = (i.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for i in (cut, soft))
        made[id(image)] = cut, soft
    return [made[id(image)] for image in actor.images]


def paste(frame: Image.Image, cut: Cut, moved: float, where: Place, earlier: list[Image.Image]) -> tuple[Image.Image, int]:
    """Pastes a cut-out, `moved` of its way on, and takes what it covers from the earlier masks.

    Returns its own mask, and its pixels in and beyond the frame.
    """
    side, (picture, soft) = frame.width, cut
    corner = (
        round((where.x + where.drift[0] * moved) * side - soft.width / 2),
        round((where.y + where.drift[1] * moved) * side - soft.height),
    )
    frame.paste(picture, corner, soft)
    for mask in earlier:
        mask.paste(0, corner, soft)
    own = Image.new("L", frame.size)
    own.paste(soft, corner)
    return own, lit(soft)


def perform(
    random: Random, scene: Backdrop, standing: list[list[Image.Image]] | None, actors: list[Actor], way: list[float]
) -> tuple[list[Image.Image], list[list[Image.Image]], np.ndarray]:
    """(frames [T], visible masks [T][actors], what is in the frame and not hidden of each [T,actors], 0..1).

    standing: at each moment the masks of what stands in the backdrop, the first actors; way: how far each has moved by then.
    """
    placed = actors[len(standing[0]) :] if standing else actors
    slots = random.permutation(len(placed)) if placed else []
    where = [place(random, actor, int(slot), len(placed), scene.aspect) for actor, slot in zip(placed, slots, strict=True)]
    colours = [int(c) for c in random.integers(1 << 31, size=len(placed))]
    side = scene.frames[0].width
    cuts = [cut_outs(actor, at, side, scene.aspect, c) for actor, at, c in zip(placed, where, colours, strict=True)]
    frames, masks, shares = [], [], np.ones((len(way), len(actors)))
    for t, moved in enumerate(way):
        frame = scene.frames[t].copy()
        row = [mask.copy() for mask in standing[t]] if standing else []
        whole = [lit(mask) for mask in row]
        for cut, at in zip(cuts, where, strict=True):
            own, area = paste(frame, cut[t], moved, at, row)
            row.append(own)
            whole.append(area)
        shares[t] = [lit(mask) / max(1, area) for mask, area in zip(row, whole, strict=True)]
        frames.append(frame)
        masks.append(row)
    return frames, masks, shares


def lit(mask: Image.Image) -> int:
    return int(np.count_nonzero(np.asarray(mask) > 127))
