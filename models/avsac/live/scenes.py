"""Rendered demo scenes, memory-mapped: pictures with three sounds each and the masks of what sounds."""

import json
from pathlib import Path

import numpy as np

from ..model.motion import EARLIER_MS
from . import augment
from .sample import SAMPLES, SOUNDS_PER_PICTURE, Sample

ENDED_SHARE = 0.65


class ScenesError(ValueError):
    """The folder does not hold a rendered split."""


class SceneSet:
    """One split as the renderer writes it: meta.json, images.u8, earlier.u8, pcm.i16, masks.u8, labels.json.

    Each array file is the samples one after the other without a header: image [S,S,3] RGB, earlier [4,S,S] luminance, pcm
    [3,15600] little-endian, masks [3,M,M] in 0..255. labels.json has for each picture three {tag, kinds}. The renderer may
    still be appending: what all files hold is used.
    """

    def __init__(self, folder: Path):
        try:
            meta = json.loads((folder / "meta.json").read_text())
            self.labels = json.loads((folder / "labels.json").read_text())
            image_side, mask_side = int(meta["size"]), int(meta["maskSize"])
            self.kinds = sorted(meta["kinds"])
        except (OSError, ValueError, KeyError) as error:
            raise ScenesError(f"{folder}: no rendered split ({error}); render one: {render_command(folder)}") from error
        self.images = memory_map(folder / "images.u8", np.uint8, (image_side, image_side, 3))
        if len(meta.get("earlierAgesMs", ())) != len(EARLIER_MS):
            raise ScenesError(
                f"{folder} was not rendered with {len(EARLIER_MS)} earlier frames; render it again: {render_command(folder)}"
            )
        self.earlier = memory_map(folder / "earlier.u8", np.uint8, (len(EARLIER_MS), image_side, image_side))
        self.pcm = memory_map(folder / "pcm.i16", "<i2", (SOUNDS_PER_PICTURE, SAMPLES))
        self.masks = memory_map(folder / "masks.u8", np.uint8, (SOUNDS_PER_PICTURE, mask_side, mask_side))
        self.count = min(map(len, (self.images, self.earlier, self.pcm, self.masks, self.labels)))
        if not self.count:
            raise ScenesError(f"{folder}: the split holds no whole picture yet")
        tags = [{label["tag"] for label in labels} for labels in self.labels[: self.count]]
        self.ended = [i for i, among in enumerate(tags) if "ended" in among]

    def __len__(self) -> int:
        return self.count

    def draw(self, random: augment.Random) -> int:
        """Index of a picture; of those with a sound that has just ended more than their share: dark comes late of itself."""
        among = self.ended if self.ended and random.random() < ENDED_SHARE else range(self.count)
        return among[int(random.integers(len(among)))]

    def sample(self, index: int) -> Sample:
        labels = self.labels[index]
        pcm = self.pcm[index].astype(np.float32) / 32768
        kinds, tags = [label["kinds"] for label in labels], [label["tag"] for label in labels]
        image, earlier, masks = (np.array(arrays[index]) for arrays in (self.images, self.earlier, self.masks))
        return Sample(image, earlier, pcm, masks, kinds, tags)


def render_command(folder: Path) -> str:
    return f"node models/scenes/render-demo-scenes.ts --split {folder.name} --count 6000 --out ANOTHER/{folder.name}"


def memory_map(path: Path, dtype: str | type, shape: tuple[int, ...]) -> np.ndarray:
    """[N, *shape], the whole items of a headerless file. Raises ScenesError when it is missing or holds none."""
    item = int(np.prod(shape)) * np.dtype(dtype).itemsize
    count = path.stat().st_size // item if path.exists() else 0
    if not count:
        raise ScenesError(f"{path} is missing or holds no whole item of {item} bytes")
    return np.memmap(path, dtype, "r", shape=(count, *shape))


def vary(random: augment.Random, sample: Sample) -> Sample:
    """The same scene as another camera and microphone would give it: mirrored, cropped, recoloured, coded, louder."""
    image, earlier, masks, pcm = sample.image, sample.earlier, sample.masks, sample.pcm
    if random.random() < 0.5:
        image, earlier, masks = (
            np.ascontiguousarray(flipped) for flipped in (image[:, ::-1], earlier[..., ::-1], masks[..., ::-1])
        )
    image, earlier = augment.film(random, image, earlier)
    heard = np.stack([augment.equalise(random, p) if random.random() < 0.4 else p for p in pcm])
    heard = heard * 10 ** (random.uniform(-14, 6, (len(pcm), 1)) / 20)
    if random.random() < 0.5:
        heard = heard + 10 ** (random.uniform(-80, -50) / 20) * random.standard_normal(heard.shape)
    return Sample(image, earlier, heard.clip(-1, 1).astype(np.float32), masks, sample.sounds, sample.tags)
