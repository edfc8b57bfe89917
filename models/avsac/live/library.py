"""The media folder's files of one split, read when a scene asks for them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from ..model.motion import EARLIER_MS
from ..model.recognition import SILENT
from . import split as parts
from .kinds import PHOTOGRAPHED
from .media import COCO_NAMES, MediaError, Photograph, files, fit_height, read_audio, read_coco, read_video
from .talkers import Talker, read_talker

FOLDERS = {
    "talkers": "*.mpg",
    "davis": "*/*.jpg",
    "coco128": "images/**/*.jpg",
    "sounds": "*/*.ogg",
    "speech": "*.*",
    "street": "*.mp4",
}
# Which recording a thing in view may make. The pack has no engine but the chainsaw's.
SOUNDS_OF = {"dog": "dog-bark", "clock": "clock-tick"}
SOUNDS_OF |= dict.fromkeys(("car", "motorcycle", "bus", "truck"), "chainsaw")
SOUNDS_OF |= dict.fromkeys(("car-roundabout", "drift-chicane", "drift-straight", "motocross-jump"), "chainsaw")
# Nobody can tell one from the other: where one is in view, none is a sound of nothing in view.
ENGINES = {"chainsaw", "car", "truck", "motorcycle", "tractor"}
HUMAN_SOUNDS = {"speech", "baby-cry", "person-sneeze"}
SEQUENCES_WITH_PEOPLE = {
    "bmx-trees",
    "breakdance",
    "car-roundabout",
    "dance-twirl",
    "drift-straight",
    "kite-surf",
    "motocross-jump",
    "paragliding-launch",
    "parkour",
    "soapbox",
}
PERSON_HEIGHT = 0.4  # of the picture at least: no hands, no passers-by
LEAST_CONTRAST = 20.0  # standard deviation of the thing's pixels
LEAST_SOLID = 0.35  # of its box
SMALLEST_THING = 0.015  # of the photograph
STREET_STEP = 25  # frames


@dataclass(frozen=True)
class Standing:
    """A thing of a kind in a photograph or sequence: its class there, and where its pictures lie."""

    thing: str
    frames: tuple[Path, ...]  # one for a photograph
    photograph: Photograph | None = None
    instance: int | None = None  # of its kind in the photograph; None: the largest


class Library:
    """What one of train, val and test may use of a media folder and, at will, of a folder of drawn things.

    Raises MediaError when they are no such folders.
    """

    def __init__(self, root: Path, split: str, things: Path | None = None):
        missing = [name for name in FOLDERS if not (root / name).is_dir()]
        if missing:
            raise MediaError(
                f"{root} is no media folder: {', '.join(missing)} missing; expected are the folders {', '.join(FOLDERS)}"
            )
        self.root, self.split, self.drawn_root = root, split, things
        found = {name: files(root / name, pattern) for name, pattern in FOLDERS.items()}
        self.talkers = [p for p in found["talkers"] if parts.part_of_talker(p.stem) == split]
        self.speech = [p for p in found["speech"] if parts.part_of_speech(p.stem) == split]
        self.street = [p for p in found["street"] if parts.part_of_street(p.stem) == split]
        self.sounds: dict[str, list[Path]] = {}
        for path in found["sounds"]:
            if parts.part_of_recording(int(path.name.split("-")[0])) == split:
                self.sounds.setdefault(path.parent.name, []).append(path)
        self.sprites: dict[str, list[Path]] = {}
        if things:
            self.add_drawn(things)
        # What a thing in view sounds like; others keep silent.
        drawn = {thing: kind for thing, kind in PHOTOGRAPHED.items() if kind in self.sounds}
        self.sounds_of = {thing: kind for thing, kind in SOUNDS_OF.items() if kind in self.sounds} | drawn
        sequences: dict[str, list[Path]] = {}
        for path in found["davis"]:
            if parts.part_of_sequence(path.parent.name) == split:
                sequences.setdefault(path.parent.name, []).append(path)
        self.sequences = [Standing(name, tuple(paths)) for name, paths in sequences.items()]
        self.photographs = [
            Standing("", (path,), photograph)
            for i, (path, photograph) in enumerate(zip(found["coco128"], read_coco(root), strict=True))
            if parts.part_of_photograph(i) == split
        ]
        sequences_that_sound = [s for s in self.sequences if s.thing in self.sounds_of]
        self.things = sequences_that_sound + self.standing(list(self.sounds_of), SMALLEST_THING)
        # Things of no sound that ImageNet knows: training lends them one.
        self.mute = self.standing(list(SILENT), SMALLEST_THING) if split == "train" else []
        self.pointable = self.all_in_place() if split == "train" else []
        self.alone, self.mute_alone = ([s for s in pool if self.stands_out(s)] for pool in (self.things, self.mute))
        self.people = [
            s
            for s in self.standing(["person"], 0.05)
            if len(s.photograph.instances["person"]) == 1 and s.photograph.instances["person"][0].any(1).mean() > PERSON_HEIGHT
        ]
        mute = sorted({"other", *COCO_NAMES.values()} - {"person"} - set(self.sounds_of))
        self.silent = [s for s in self.sequences if s.thing not in self.sounds_of] + self.standing(mute, 0.03)
        if not (self.talkers and self.speech and self.sounds and self.photographs and self.sequences):
            raise MediaError(f"{root}: no talker, speech, recording, photograph or sequence is left for the split {split}")

    def add_drawn(self, folder: Path) -> None:
        if not (folder / "sources.json").exists():
            raise MediaError(f"{folder} holds no drawn things; build them with `avsac things {folder}`")
        for path in sorted((folder / self.split / "sounds").glob("*/*.wav")):
            pool = self.speech if path.parent.name == "speech" else self.sounds.setdefault(path.parent.name, [])
            pool.append(path)
        for path in sorted((folder / self.split / "sprites").glob("*/*.png")):
            if path.parent.name in self.sounds:
                self.sprites.setdefault(path.parent.name, []).append(path)

    def standing(self, things: list[str], share: float) -> list[Standing]:
        """Things that cover at least this share of their photograph and show what they are."""
        return [
            Standing(thing, p.frames, p.photograph)
            for p in self.photographs
            for thing in things
            if large(p.photograph.instances.get(thing, []), share) and recognisable(p.photograph, thing)
        ]

    def all_in_place(self) -> list[list[Standing]]:
        """Of each photograph and sequence, all that stands there, whatever it is, but for people."""
        names = [name for name in ("other", *COCO_NAMES.values()) if name != "person"]
        photographs = (
            [
                Standing(name, p.frames, p.photograph, i)
                for name in names
                for i, mask in enumerate(p.photograph.instances.get(name, []))
                if large([mask], SMALLEST_THING)
            ]
            for p in self.photographs
        )
        sequences = [[s] for s in self.sequences if s.thing in self.sounds_of or s.thing not in SEQUENCES_WITH_PEOPLE]
        return [*filter(None, photographs), *sequences]

    def stands_out(self, standing: Standing) -> bool:
        """Whether it is four times as large as anything else in its photograph that looks like it."""
        if not standing.photograph:
            return True
        kind = self.looks(standing.thing)
        areas = sorted(
            np.count_nonzero(mask)
            for thing, masks in standing.photograph.instances.items()
            if self.looks(thing) == kind
            for mask in masks
        )
        largest = max(map(np.count_nonzero, standing.photograph.instances[standing.thing]))
        return largest == areas[-1] and (len(areas) == 1 or largest >= 4 * areas[-2])

    def looks(self, thing: str) -> str:
        """The sound class of what makes one, else the thing itself."""
        return self.sounds_of.get(thing, thing)

    def recordings(self, kind: str) -> list[Path]:
        return self.speech if kind == "speech" else self.sounds[kind]

    def in_view(self, standing: Standing) -> set[str]:
        """Sound classes that something in the picture might make, and the mute that it shows."""
        things = standing.photograph.instances if standing.photograph else [standing.thing]
        heard = {self.looks(thing) for thing in things if thing in self.sounds_of or thing in SILENT}
        people = "person" in things or standing.thing in SEQUENCES_WITH_PEOPLE
        return heard | HUMAN_SOUNDS if people else heard

    def name(self, path: Path) -> str:
        """The file as sources.json names it."""
        if path.is_relative_to(self.root):
            return path.relative_to(self.root).as_posix()
        return f"things/{path.relative_to(self.drawn_root).as_posix()}"

    # Caches hold what a process has used: some hundred MB at most.

    @staticmethod
    @cache
    def talker(path: Path) -> Talker:
        return read_talker(path)

    @staticmethod
    @cache
    def pcm(path: Path) -> np.ndarray:
        """[n] float32 at 16 kHz."""
        return read_audio(path)

    @staticmethod
    @cache
    def sprite(path: Path) -> Image.Image:
        """RGBA."""
        return Image.open(path).convert("RGBA")

    @staticmethod
    @cache
    def street_frames(path: Path) -> list[list[np.ndarray]]:
        """[F][5][288,W,3] uint8: one every two seconds or so, each followed by those just before it, 80 to 400 ms."""
        row = 1 + len(EARLIER_MS)
        frames = [np.asarray(fit_height(Image.fromarray(frame))) for frame in read_video(path, STREET_STEP, row)]
        return [frames[i : i + row][::-1] for i in range(0, len(frames) - row + 1, row)]


def large(masks: list[np.ndarray], share: float) -> bool:
    """Whether the largest mask covers at least this share of its picture."""
    return max((np.count_nonzero(mask) / mask.size for mask in masks), default=0.0) >= share


def recognisable(photograph: Photograph, thing: str) -> bool:
    """Whether the largest of its kind is neither overexposed or black nor scraps behind something else."""
    mask = max(photograph.instances[thing], key=np.count_nonzero) > 0
    box = mask[np.ix_(mask.any(1), mask.any(0))]
    return photograph.image[mask].std() > LEAST_CONTRAST and box.mean() > LEAST_SOLID
