"""Who and what is in a clip: talkers, photographed people, objects; each silent, or sounding in some of the seconds."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..avsbench.sound import PATCH_HOP
from . import augment
from .acoustics import loop, without_pauses
from .augment import Random
from .library import Library, Standing
from .media import SAMPLE_RATE
from .reels import ClipReel, Pictures
from .split import IDENTITY
from .sprites import paint
from .talkers import FRAME_RATE

FRAMES = 5
SAMPLES = FRAMES * SAMPLE_RATE
# Frame t is what the model sees while it hears patch t: a clip's seconds are cut where its patches begin.
BOUNDS = [*(t * PATCH_HOP for t in range(FRAMES)), SAMPLES]
MOMENTS = [t * PATCH_HOP + PATCH_HOP // 2 for t in range(FRAMES)]  # samples: when the frames are taken
TALKER_HEIGHTS, THING_HEIGHTS, SPRITE_HEIGHTS = (0.35, 1.1), (0.25, 0.75), (0.2, 0.75)  # of the picture's

ALWAYS = np.ones(FRAMES, bool)
NEVER = np.zeros(FRAMES, bool)


@dataclass(eq=False)
class Sound:
    """pcm [80000] float32, 16 kHz, zero where it is silent; sounding [5] bool."""

    kind: str
    pcm: np.ndarray
    sounding: np.ndarray
    files: list[Path]


@dataclass(eq=False)
class Actor:
    """A cut-out for each of T frames, and its sound; heights: its smallest and largest, of the picture's height."""

    name: str
    images: list[np.ndarray]  # [T][H,W,3] uint8 RGB
    alphas: list[np.ndarray]  # [T][H,W] uint8
    files: list[Path]
    heights: tuple[float, float]
    sound: Sound | None = None
    from_edge: bool = False  # cut off at the chest: its lower edge lies on the picture's, mostly
    whole: bool = False  # the images are whole pictures, in which it stands
    in_view: set[str] = field(default_factory=set)  # of whole pictures: sound classes of all that may stand in them
    sway: float = 0.03  # of the side: how far it moves at most, along its way

    @property
    def sounding(self) -> np.ndarray:
        return self.sound.sounding if self.sound else NEVER


def runs(sounding: np.ndarray) -> list[tuple[int, int]]:
    """(first, end) of each row of seconds in which it sounds."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], sounding.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def heard(kind: str, pcm: np.ndarray, sounding: np.ndarray, files: list[Path], random: Random) -> Sound:
    """The recording without its pauses in each row of seconds, from a place of its own."""
    dense, out = without_pauses(pcm), np.zeros(SAMPLES, np.float32)
    for first, end in runs(sounding):
        out[BOUNDS[first] : BOUNDS[end]] = loop(dense, int(random.integers(len(dense))), BOUNDS[end] - BOUNDS[first])
    return Sound(kind, out, sounding, files)


def recording(library: Library, random: Random, kind: str, sounding: np.ndarray) -> Sound:
    """A recording of the class, or of speech; in training often at another pitch."""
    paths = library.recordings(kind)
    path = paths[random.integers(len(paths))]
    pcm = library.pcm(path)
    if kind == "speech":
        start = random.integers(max(1, len(pcm) - SAMPLES))
        pcm = pcm[start : start + SAMPLES]
    if library.split == "train" and random.random() < 0.6:
        pcm = augment.change_pitch(random, pcm)
    return heard(kind, pcm, sounding, [path], random)


def talker(library: Library, random: Random, path: Path, sounding: np.ndarray) -> Actor:
    """A talker with his own voice, lips in step with it; before and after, his mouth is closed.

    A clip has one to two seconds of speech: they go round for as long as he speaks.
    """
    clip = library.talker(path)
    first, last = clip.speaking[0], clip.speaking[-1]
    hop = SAMPLE_RATE // FRAME_RATE
    speech, out = clip.pcm[first * hop : (last + 1) * hop], np.zeros(SAMPLES, np.float32)
    shown = [int(i) for i in random.choice(clip.silent or [0], FRAMES)]
    for begin, end in runs(sounding):
        start = int(random.integers(len(speech)))
        out[BOUNDS[begin] : BOUNDS[end]] = loop(speech, start, BOUNDS[end] - BOUNDS[begin])
        for t in range(begin, end):
            shown[t] = first + min((start + MOMENTS[t] - BOUNDS[begin]) % len(speech) // hop, last - first)
    images, alphas = clip.cut_out(shown)
    sound = Sound("speech", out, sounding, [path]) if sounding.any() else None
    return Actor(f"talker {path.stem}", images, alphas, [path], TALKER_HEIGHTS, sound, from_edge=True)


def identity(path: Path) -> str:
    return IDENTITY.get(path.stem, path.stem)


def thing(library: Library, random: Random, standing: Standing, sounding: np.ndarray, whole: bool = False) -> Actor:
    """A person or an object of a photograph or sequence, cut out or (`whole`) where it stands."""
    reel = ClipReel(random, FRAMES)
    images, alphas, files = reel.standing(standing) if whole else read_cut_out(standing, reel)
    kind = "speech" if standing.thing == "person" else library.sounds_of.get(standing.thing)
    sound = recording(library, random, kind, sounding) if sounding.any() else None
    if not whole:
        boxes = [box_of(alpha) for alpha in alphas]
        images = [image[box] for image, box in zip(images, boxes, strict=True)]
        alphas = [alpha[box] for alpha, box in zip(alphas, boxes, strict=True)]
    name = "thing" if standing.thing == "other" else standing.thing
    in_view = library.in_view(standing) if whole else set()
    return Actor(name, images, alphas, files, THING_HEIGHTS, sound, whole=whole, in_view=in_view)


def drawn(library: Library, random: Random, kind: str, sounding: np.ndarray) -> Actor:
    """A drawn thing of the kind."""
    paths = library.sprites[kind]
    path = paths[random.integers(len(paths))]
    image, alpha = paint(random, library.sprite(path))
    sound = recording(library, random, kind, sounding) if sounding.any() else None
    return Actor(f"drawn {kind}", [image] * FRAMES, [alpha] * FRAMES, [path], SPRITE_HEIGHTS, sound)


def read_cut_out(standing: Standing, reel: ClipReel) -> Pictures:
    """As the reel's; of a sequence, a part in which the thing keeps its size and stays in the picture, if there is one."""
    for _ in range(8):
        images, alphas, files = reel.standing(standing, span=0.3)
        heights = [np.count_nonzero(alpha.any(1)) for alpha in alphas]
        at_edge = any(alpha[:, [0, -1]].any() or alpha[0].any() for alpha in alphas)
        if standing.photograph or (min(heights) > 0.6 * max(heights) and not at_edge):
            break
    return images, alphas, files


def box_of(alpha: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns that hold the mask; the whole picture where there is none."""
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    if not len(rows):
        return slice(None), slice(None)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
