"""Frames and masks from files, resized to the model's input."""

from pathlib import Path

import numpy as np
from PIL import Image

from .errors import DataError


def open_picture(path: Path) -> Image.Image:
    """The decoded picture in its own mode. Raises DataError when it is missing or broken."""
    try:
        picture = Image.open(path)
        picture.load()
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path} is no readable picture ({error}); get the file again") from None
    return picture


def read_frame(path: Path, size: int) -> np.ndarray:
    """[size,size,3] uint8 RGB, bilinear."""
    return np.array(open_picture(path).convert("RGB").resize((size, size), Image.Resampling.BILINEAR))


def read_binary_mask(path: Path, size: int) -> np.ndarray:
    """[size,size] uint8, 0 or 1, nearest, of a picture that holds 0 and 255 only."""
    picture = open_picture(path).convert("L")
    others = {value for _, value in picture.getcolors()} - {0, 255}
    if others:
        raise DataError(f"{path}: a mask holds 0 (silent) and 255 (sounding) only, this one {sorted(others)[0]}, too")
    return np.array(picture.resize((size, size), Image.Resampling.NEAREST)) // 255


def read_class_mask(path: Path, size: int, classes: int) -> np.ndarray:
    """[size,size] uint8, the class of each pixel, 0 to classes - 1, nearest; of a grey or palette picture."""
    picture = open_picture(path)
    if picture.mode not in ("L", "P"):
        raise DataError(f"{path}: a semantic mask is a picture of one channel with the class of each pixel, not {picture.mode}")
    largest = max(value for _, value in picture.getcolors())
    if largest >= classes:
        raise DataError(f"{path}: class {largest} is not one of the {classes} of label2idx.json (0 to {classes - 1})")
    return np.array(picture.resize((size, size), Image.Resampling.NEAREST))
