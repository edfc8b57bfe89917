"""A tiny set in AVSBench's layout: coloured shapes that sound as tones, so that sound tells which shape to light.

Each picture holds two shapes of different kinds; a frame's mask is what of them sounds at that moment.
"""

import csv
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from scipy.io import wavfile

from .errors import DataError
from .layouts import AVSS_FRAMES, LAYOUTS, ClipFiles, Layout
from .metadata import SPLITS, Row
from .sound import AUDIO, PATCH_HOP, read_wav

RADIUS = 0.2  # of the picture's side
NO_SOUND, FIRST, SECOND, BOTH = (), (0,), (1,), (0, 1)


@dataclass(frozen=True)
class Kind:
    """A thing to see and hear. Its index in KINDS plus one is its class."""

    name: str
    colour: tuple[int, int, int]
    hertz: float


KINDS = (
    Kind("circle", (230, 50, 40), 300.0),
    Kind("square", (40, 90, 230), 800.0),
    Kind("triangle", (60, 190, 70), 2000.0),
    Kind("diamond", (240, 200, 40), 5000.0),
)


@dataclass(frozen=True)
class Scene:
    """Two kinds, where they stand [frames,2,2] (x, y in 0..1), and which of the two sound in each frame."""

    kinds: tuple[int, int]
    centres: np.ndarray
    sounding: tuple[tuple[int, ...], ...]
    shade: float


def generate(kind: str, path: Path, clips: int, size: int = 224, seed: int = 0, pickles: bool = False) -> None:
    """Writes `clips` videos of size x size pixels for each split into a new or empty folder; `pickles`: log-mel, too."""
    if kind not in LAYOUTS:
        raise DataError(f"there is no set {kind!r}; there are {', '.join(LAYOUTS)}")
    if clips < 1 or size < 16:
        raise DataError(f"give at least 1 clip and 16 pixels, not {clips} and {size}")
    if pickles and kind == "avss":
        raise DataError("AVSS has no log-mel pickles; leave them out")
    if path.exists() and any(path.iterdir()):
        raise DataError(f"{path} is not empty; give a new folder")
    layout, random = LAYOUTS[kind], np.random.default_rng(seed)
    rows = []
    if kind != "avss":
        (path / f"{kind}_data").mkdir(parents=True)
    for split in SPLITS:
        for index in range(clips):
            scene, row = WRITERS[kind](random, split, index)
            write_clip(layout, layout.locate(path, row), scene, size, random)
            if pickles:
                write_pickle(layout, layout.locate(path, row))
            rows.append(row)
    write_table(path / layout.table, rows)
    if layout.classes > 1:
        names = ["background", *(kind.name for kind in KINDS)]
        names += [f"class-{index}" for index in range(len(names), layout.classes)]
        (path / "label2idx.json").write_text(json.dumps({name: index for index, name in enumerate(names)}, indent=1) + "\n")


def s4_clip(random: np.random.Generator, split: str, index: int) -> tuple[Scene, Row]:
    scene = random_scene(random, index, [FIRST] * 5)
    row = {"name": f"{split}-{index:04}", "start": "0", "category": KINDS[scene.kinds[0]].name, "split": split}
    return scene, row


def ms3_clip(random: np.random.Generator, split: str, index: int) -> tuple[Scene, Row]:
    """What sounds changes from frame to frame."""
    scene = random_scene(random, index, random.permutation(np.array([NO_SOUND, FIRST, SECOND, BOTH, BOTH], object)))
    return scene, {"video_id": f"{split}-{index:04}", "split": split}


def avss_clip(random: np.random.Generator, split: str, index: int) -> tuple[Scene, Row]:
    """v2, v1m and v1s in turn."""
    label = ("v2", "v1m", "v1s")[index % 3]
    choices = [FIRST] if label == "v1s" else [FIRST, SECOND, BOTH]
    scene = random_scene(random, index, [choices[i] for i in random.integers(len(choices), size=AVSS_FRAMES[label])])
    heard = sorted({KINDS[scene.kinds[which]].name for frame in scene.sounding for which in frame})
    name = f"{split}-{index:04}"
    row = {"vid": name, "uid": f"{name}_0_{len(scene.sounding)}", "s_min": "0", "s_sec": "0"}
    return scene, row | {"a_obj": ",".join(heard), "split": split, "label": label}


WRITERS: dict[str, Callable[[np.random.Generator, str, int], tuple[Scene, Row]]] = {
    "s4": s4_clip,
    "ms3": ms3_clip,
    "avss": avss_clip,
}


def random_scene(random: np.random.Generator, index: int, sounding) -> Scene:
    """One shape in the left and one in the right half, in either order, drifting; the first kinds go round with the index."""
    first = index % len(KINDS)
    second = (first + 1 + int(random.integers(len(KINDS) - 1))) % len(KINDS)
    frames = len(sounding)
    start = np.stack([random.permutation([0.27, 0.73]), random.uniform(0.35, 0.65, 2)], -1)
    drift = random.uniform(-0.05, 0.05, (2, 2)) * np.linspace(0, 1, frames)[:, None, None]
    return Scene((first, second), start + drift, tuple(map(tuple, sounding)), float(random.uniform(60, 150)))


def outline(kind: int, centre: np.ndarray, size: int) -> list[tuple[float, float]]:
    """Corners of the shape in pixels."""
    corners, turn = ((64, 0.0), (4, np.pi / 4), (3, -np.pi / 2), (4, 0.0))[kind]
    angles = turn + 2 * np.pi * np.arange(corners) / corners
    ring = centre + RADIUS * np.stack([np.cos(angles), np.sin(angles)], -1)
    return [(float(x), float(y)) for x, y in ring * size]


def write_clip(layout: Layout, files: ClipFiles, scene: Scene, size: int, random: np.random.Generator) -> None:
    for t, (frame, mask) in enumerate(zip(files.frames, files.masks, strict=True)):
        noise = random.normal(scene.shade, 6, (size, size, 1)) + np.linspace(-20, 20, size)[:, None]
        picture = Image.fromarray(noise.clip(0, 255).astype(np.uint8).repeat(3, -1))
        truth = Image.new("L", (size, size))
        for which, kind in enumerate(scene.kinds):
            corners = outline(kind, scene.centres[t, which], size)
            ImageDraw.Draw(picture).polygon(corners, fill=KINDS[kind].colour)
            if which in scene.sounding[t]:
                ImageDraw.Draw(truth).polygon(corners, fill=255 if layout.classes == 1 else kind + 1)
        save(picture, frame)
        if mask:
            save(truth, mask)
    files.wav.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(files.wav, AUDIO.sample_rate, (tones(scene) * 32767).astype(np.int16))


def save(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=95, subsampling=0)  # of JPEG only


def tones(scene: Scene) -> np.ndarray:
    """[n] float64, as many seconds as frames: in patch t the tones of what sounds in frame t."""
    time = np.arange(len(scene.sounding) * AUDIO.sample_rate)
    patch = np.minimum(time // PATCH_HOP, len(scene.sounding) - 1)
    pcm = np.zeros(len(time))
    for which, kind in enumerate(scene.kinds):
        on = np.array([which in frame for frame in scene.sounding])
        pcm += on[patch] * 0.3 * np.sin(2 * np.pi * KINDS[kind].hertz * time / AUDIO.sample_rate)
    return pcm


def write_pickle(layout: Layout, files: ClipFiles) -> None:
    """As AVSBench ships them: a torch tensor in a plain pickle."""
    files.log_mel.parent.mkdir(parents=True, exist_ok=True)
    files.log_mel.write_bytes(pickle.dumps(torch.from_numpy(read_wav(files.wav, layout.window))))


def write_table(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
