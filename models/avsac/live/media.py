"""Readers of the media folder's files. Nothing is written back."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw

SAMPLE_RATE = 16_000
HEIGHT = 288


class MediaError(ValueError):
    """A folder or file of the media set is missing or cannot be read."""


@dataclass
class Photograph:
    """image [H,W,3] uint8 RGB; instances: class name -> masks [H,W] uint8, 0 or 255.

    COCO_OTHERS stand under their own name, too.
    """

    name: str
    image: np.ndarray
    instances: dict[str, list[np.ndarray]]


def files(folder: Path, pattern: str) -> list[Path]:
    """Sorted matches. Raises MediaError when there are none: an empty set would train on nothing without a word."""
    found = sorted(folder.glob(pattern))
    if not found:
        raise MediaError(f"no {pattern} in {folder}")
    return found


def read_video(path: Path, step: int = 1, row: int = 1) -> np.ndarray:
    """`row` frames out of every `step`, [F,H,W,3] uint8 RGB. Raises MediaError."""
    try:
        with av.open(str(path)) as container:
            frames = [f.to_ndarray(format="rgb24") for i, f in enumerate(container.decode(video=0)) if i % step < row]
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"{path}: {error}") from error
    return np.stack(frames)


def read_audio(path: Path) -> np.ndarray:
    """[n] float32 mono at 16 kHz, -1..1. Raises MediaError."""
    resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
    try:
        with av.open(str(path)) as container:
            blocks = [b.to_ndarray()[0] for frame in container.decode(audio=0) for b in resampler.resample(frame)]
            blocks += [b.to_ndarray()[0] for b in resampler.resample(None)]
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"{path}: {error}") from error
    return np.concatenate(blocks).astype(np.float32)


def fit_height(image: Image.Image) -> Image.Image:
    return image.resize((round(image.width * HEIGHT / image.height), HEIGHT), Image.Resampling.BOX)


# The COCO classes that scenes name; all others are "other".
COCO_NAMES = {0: "person", 1: "bicycle", 2: "car", 3: "motorcycle", 4: "airplane", 5: "bus", 6: "train", 7: "truck", 8: "boat"}
COCO_NAMES |= {14: "bird", 15: "cat", 16: "dog", 17: "horse", 18: "sheep", 19: "cow", 20: "elephant", 21: "bear"}
COCO_NAMES |= {32: "sports ball", 40: "wine glass", 61: "toilet", 63: "laptop", 66: "keyboard", 67: "cell phone", 74: "clock"}
COCO_NAMES |= {76: "scissors"}
# Of the others, those that ImageNet knows (recognition.toml).
COCO_OTHERS = {9: "traffic light", 11: "stop sign", 13: "bench", 22: "zebra", 24: "backpack", 25: "umbrella", 26: "handbag"}
COCO_OTHERS |= {39: "bottle", 41: "cup", 45: "bowl", 46: "banana", 48: "sandwich", 49: "orange", 50: "broccoli", 52: "hot dog"}
COCO_OTHERS |= {53: "pizza", 54: "donut", 56: "chair", 57: "couch", 58: "potted plant", 59: "bed", 60: "dining table", 62: "tv"}
COCO_OTHERS |= {65: "remote", 68: "microwave", 72: "refrigerator", 73: "book", 75: "vase", 77: "teddy bear"}


def read_coco(root: Path) -> list[Photograph]:
    photographs = []
    for path in files(root / "coco128" / "images", "**/*.jpg"):
        image = fit_height(Image.open(path).convert("RGB"))
        instances: dict[str, list[np.ndarray]] = {}
        label = root / "coco128" / "labels" / path.relative_to(root / "coco128" / "images").with_suffix(".txt")
        for line in label.read_text().splitlines() if label.exists() else []:
            values = line.split()
            polygon = [(float(x) * image.width, float(y) * image.height) for x, y in zip(values[1::2], values[2::2])]  # noqa: B905
            mask = Image.new("L", image.size)
            ImageDraw.Draw(mask).polygon(polygon, fill=255)
            index = int(values[0])
            names = [COCO_NAMES[index]] if index in COCO_NAMES else ["other", *filter(None, [COCO_OTHERS.get(index)])]
            for name in names:
                instances.setdefault(name, []).append(np.asarray(mask))
        photographs.append(Photograph(path.stem, np.asarray(image), instances))
    return photographs
