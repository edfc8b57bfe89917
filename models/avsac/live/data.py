"""Training batches from demo scenes and directed moments, made in a process of their own."""

import multiprocessing
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..audio import log_mel
from ..model.avsac import STRIDES, Output
from ..model.recognition import LOOKS, RECOGNISED
from .library import Library
from .looks import DRAWN, LESSONS, SEVERAL, LookBatch
from .sample import SOUNDS_PER_PICTURE, Sample, covered
from .scenes import SceneSet, vary
from .studio import Studio

BATCHES_BETWEEN_REFRESHES = 500

ESC10 = (
    "baby-cry",
    "chainsaw",
    "clock-tick",
    "dog-bark",
    "fire-crackling",
    "helicopter",
    "person-sneeze",
    "rain",
    "rooster",
    "sea-waves",
)


class Batch(NamedTuple):
    """P pictures; sounds of one picture stand one after the other."""

    image: np.ndarray | Tensor  # [P,S,S,3] uint8
    earlier: np.ndarray | Tensor  # [P,4,S,S] uint8
    mel: np.ndarray | Tensor  # [3P,1,96,64] float32
    target: np.ndarray | Tensor  # [3P,1,M,M] uint8, 0..255
    sounds: np.ndarray | Tensor  # [3P,C] float32, 0 or 1
    exchanged: np.ndarray | Tensor  # [P,K] int64: of each of RECOGNISED, that of LOOKS which what makes its sound looks like
    told: np.ndarray | Tensor  # [P,K,S/32,S/32] float32, what the look of each of RECOGNISED gains where
    resting: np.ndarray | Tensor  # [3P] bool, speech that rests between words
    of_people: np.ndarray | Tensor  # [3P] bool, of pictures in which none but people may sound
    taught: Output | None = None  # what a teacher says of the same

    def tensors(self) -> "Batch":
        return Batch(*map(torch.from_numpy, self[:-1]))


@dataclass(frozen=True)
class DataConfig:
    """Where training data comes from: media or scenes or both, and drawn things with media.

    `scene_share` of the pictures are demo scenes, `people_share` of the others in which nothing is pointed at show several
    people (None: the usual).
    """

    media: Path | None
    scenes: Path | None
    things: Path | None = None
    pictures: int = 6
    scene_share: float = 0.55
    seed: int = 0
    people_share: float | None = None
    side: int = 192  # of the pictures, in pixels; the masks' is half of it
    tells: bool = True  # whether it is for a model whose recognition can be told what sounds

    def __post_init__(self) -> None:
        if self.media is None and self.scenes is None:
            raise ValueError("give a media folder, a folder of rendered scenes, or both")
        if self.things and not self.media:
            raise ValueError("drawn things stand before photographs and beside people: give a media folder, too")


def sound_classes(scenes: SceneSet | None, library: Library | None = None) -> list[str]:
    """Names of the auxiliary sound classes: recordings and syntheses, speech, noise, then the demo scenes' kinds."""
    names = [*sorted({*ESC10, *(library.sounds if library else ())}), "speech", "noise"]
    return names + [f"scene:{kind}" for kind in scenes.kinds] if scenes else names


def exchange(looks: dict[str, str]) -> np.ndarray:
    """Places in LOOKS [K], in their order but for those of each pair, which change places."""
    places = np.arange(len(LOOKS))
    for pair in looks.items():
        a, b = map(LOOKS.index, pair)
        places[[a, b]] = places[[b, a]]
    return places[: len(RECOGNISED)]


class BatchSource:
    def __init__(self, config: DataConfig):
        self.config = config
        self.random = np.random.default_rng(config.seed)
        self.scenes = SceneSet(config.scenes / "train") if config.scenes else None
        library = Library(config.media, "train", config.things) if config.media else None
        self.studio = None
        if library:
            self.studio = Studio(library, config.side, seed=config.seed, people=config.people_share, tells=config.tells)
        self.taken = 0
        self.index = {name: i for i, name in enumerate(sound_classes(self.scenes, library))}

    def picture(self) -> tuple[Sample, np.ndarray]:
        """A training sample and its sound classes [3,C]."""
        from_scene = self.studio is None or (self.scenes and self.random.random() < self.config.scene_share)
        if from_scene:
            sample = vary(self.random, self.scenes.sample(self.scenes.draw(self.random)))
        else:
            sample = self.studio.sample(self.taken)
            self.taken += 1
        sounds = np.zeros((len(sample.pcm), len(self.index)), np.float32)
        for row, names in zip(sounds, sample.sounds, strict=True):
            row[[self.index[f"scene:{name}" if from_scene else name] for name in names]] = 1
        return sample, sounds

    def refresh(self) -> None:
        """Takes in the pictures that the renderer has added since."""
        if self.config.scenes:
            self.scenes = SceneSet(self.config.scenes / "train")

    def batch(self) -> Batch:
        samples, sounds = zip(*(self.picture() for _ in range(self.config.pictures)), strict=True)
        mel = log_mel(np.concatenate([s.pcm for s in samples]))[:, None]
        target = np.concatenate([s.masks for s in samples])[:, None]
        image, earlier = np.stack([s.image for s in samples]), np.stack([s.earlier for s in samples])
        exchanged = np.stack([exchange(s.looks) for s in samples])
        told = np.stack([self.told(s) for s in samples])
        resting = np.array([tag == "resting" for s in samples for tag in s.tags])
        of_people = np.array([s.of_people for s in samples for _ in s.tags])
        return Batch(image, earlier, mel, target, np.concatenate(sounds), exchanged, told, resting, of_people)

    def told(self, sample: Sample) -> np.ndarray:
        looks = np.zeros((len(RECOGNISED), *(self.config.side // STRIDES[-1],) * 2), np.float32)
        for kind, gain in sample.told.items():
            looks[RECOGNISED.index(kind)] = gain
        return looks

    def sound_batch(self, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
        """Sounds alone for the audio encoder's first lessons: log-mel [size,1,96,64] and classes [size,C]."""
        pcm, classes = [], np.zeros((size, len(self.index)), np.float32)
        for row in classes:
            if self.studio is None or (self.scenes and self.random.random() < self.config.scene_share):
                i, k = int(self.random.integers(len(self.scenes))), int(self.random.integers(SOUNDS_PER_PICTURE))
                sample = self.scenes.sample(i)
                pcm.append(sample.pcm[k] * np.float32(10 ** (self.random.uniform(-14, 6) / 20)))
                row[[self.index[f"scene:{kind}"] for kind in sample.sounds[k]]] = 1
            else:
                sound, names = self.studio.sound(self.random)
                pcm.append(sound)
                row[[self.index[name] for name in names]] = 1
        return log_mel(np.stack(pcm))[:, None], classes

    def look_batch(self, size: int = 64) -> LookBatch:
        """Pictures of drawn things, and some of photographed ones, for the lessons of recognition."""
        names, shares, across = [*LESSONS], [*LESSONS.values()], self.config.side // STRIDES[-1]
        images, kind = [], np.full((size, SEVERAL), -1)
        cover = np.zeros((size, SEVERAL, across, across), np.float32)
        for i in range(size):
            scene = str(self.random.choice(names, p=shares))
            sample = self.studio.sample(self.taken, scene, ("each",))
            self.taken += 1
            images.append(sample.image)
            first = len(sample.masks) - DRAWN.get(scene, 0)
            for j, (mask, [sound]) in enumerate(zip(sample.masks[first:], sample.sounds[first:], strict=True)):
                kind[i, j] = RECOGNISED.index(sound)
                cover[i, j] = covered(mask, across)
        return LookBatch(np.stack(images), cover, kind)


def produce(config: DataConfig, sound_batches: int, look_batches: int, queue: Queue) -> None:
    source = BatchSource(config)
    queue.put(list(source.index))
    for _ in range(sound_batches):
        queue.put(source.sound_batch())
    for _ in range(look_batches):
        queue.put(source.look_batch())
    while True:
        for _ in range(BATCHES_BETWEEN_REFRESHES):
            queue.put(source.batch())
        source.refresh()


class BatchProcess:
    """Runs a BatchSource in a child process; `with` ends it."""

    def __init__(self, config: DataConfig, sound_batches: int, look_batches: int = 0, depth: int = 8):
        context = multiprocessing.get_context("spawn")
        self.queue = context.Queue(depth)
        arguments = (config, sound_batches, look_batches, self.queue)
        self.process = context.Process(target=produce, args=arguments, daemon=True)

    def __enter__(self) -> "BatchProcess":
        self.process.start()
        return self

    def get(self):
        """First the names of the sound classes, then `sound_batches` (mel, classes), `look_batches` LookBatches, then Batches
        without end.

        Raises RuntimeError when the process has died; its own error is on standard error.
        """
        while True:
            try:
                return self.queue.get(timeout=5)
            except Empty:
                if not self.process.is_alive():
                    raise RuntimeError("the data process has ended; its error stands above") from None

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.join()
