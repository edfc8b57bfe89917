"""Close-ups of photographs: training has few of them, but many show several things, some of them small."""

import numpy as np
from PIL import Image

from .media import Photograph, fit_height

SMALLEST = (44, 20)  # pixels of the photograph as published: a thing's longer and its shorter side
ROOM = 2.2  # the picture's height, of the thing's
ASPECT = 4 / 3


def close_ups(photograph: Photograph, things: set[str]) -> list[tuple[str, Photograph]]:
    """(thing, part of the photograph around one of its instances) of those in `things`, the largest of its kind there.

    photograph: as published, not shrunk. What is too small, or fills the photograph anyway, has no close-up.
    """
    found = []
    for thing, masks in photograph.instances.items():
        for mask in masks if thing in things else ():
            window = around(mask)
            if window is None:
                continue
            part = cut(photograph, window)
            if np.count_nonzero(cut_mask(mask, window)) == max(map(np.count_nonzero, part.instances[thing])):
                found.append((thing, part))
    return found


def around(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) around what the mask [H,W] covers; None where that is too small or fills the picture."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    size = right - left, bottom - top
    if max(size) < SMALLEST[0] or min(size) < SMALLEST[1]:
        return None
    height = ROOM * max(size[1], size[0] / ASPECT)
    if height > 0.8 * mask.shape[0]:
        return None
    x, y = (left + right) / 2, (top + bottom) / 2
    box = x - height * ASPECT / 2, y - height / 2, x + height * ASPECT / 2, y + height / 2
    return max(0, round(box[0])), max(0, round(box[1])), min(mask.shape[1], round(box[2])), min(mask.shape[0], round(box[3]))


def cut(photograph: Photograph, window: tuple[int, int, int, int]) -> Photograph:
    left, top, right, bottom = window
    image = np.asarray(fit_height(Image.fromarray(photograph.image[top:bottom, left:right])))
    instances = {name: [cut_mask(mask, window) for mask in masks] for name, masks in photograph.instances.items()}
    kept = {name: [mask for mask in masks if mask.any()] for name, masks in instances.items()}
    return Photograph(photograph.name, image, {name: masks for name, masks in kept.items() if masks})


def cut_mask(mask: np.ndarray, window: tuple[int, int, int, int]) -> np.ndarray:
    left, top, right, bottom = window
    part = fit_height(Image.fromarray(mask[top:bottom, left:right]))
    return np.where(np.asarray(part) > 127, 255, 0).astype(np.uint8)
