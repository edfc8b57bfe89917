"""Composes training pictures from real media: cut-out talkers and objects on photographs, each with three sounds.

A picture comes with what sounds in it, with sounds of nothing in view, and with silence: it is its own hard negative.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from . import augment
from .media import Photograph, files, read_coco, read_davis, read_sounds, read_speech, read_street
from .sample import SAMPLES, SOUNDS_PER_PICTURE, Sample, still
from .talkers import FRAME_RATE, Talker, read_talker

HELD_OUT_TALKERS = {"brbk7n", "sbwe5n"}
HELD_OUT_SEQUENCES = {"dog", "drift-straight", "breakdance", "goat"}
HELD_OUT_SPEECH = {"jfk"}
HELD_OUT_STREET = {"car-detection"}
HELD_OUT_FOLD = 5
HELD_OUT_PHOTOGRAPHS = 5  # every fifth

# Which recording a thing in view may make. The pack has no engine but the chainsaw's.
SOUND_OF = {"dog": "dog-bark", "clock": "clock-tick"} | dict.fromkeys(("car", "motorcycle", "bus", "truck"), "chainsaw")
SOUND_OF |= dict.fromkeys(("drift-chicane", "drift-straight", "motocross-jump"), "chainsaw")
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
SCENES = {"talker": 0.44, "two-talkers": 0.07, "photographed-person": 0.11, "object": 0.16, "mixed": 0.12, "nothing": 0.10}


@dataclass
class Picture:
    """A picture being composed: every source is (its class, its mask, its recording)."""

    canvas: Image.Image
    aspect: float
    sources: list[tuple[str, Image.Image, np.ndarray]] = field(default_factory=list)
    in_view: set[str] = field(default_factory=set)


class Composer:
    """Endless samples of the training or the held-out part of the media folder."""

    def __init__(self, root: Path, held_out: bool, seed: int, side: int = 192, mask_side: int = 96):
        self.random = np.random.default_rng(seed)
        self.held_out, self.side, self.mask_side = held_out, side, mask_side

        def ours(test: bool) -> bool:
            return test == held_out

        self.talkers = [read_talker(p) for p in files(root / "talkers", "*.mpg") if ours(p.stem in HELD_OUT_TALKERS)]
        self.sounds = {
            name: [pcm for fold, pcm in recordings if ours(fold == HELD_OUT_FOLD)]
            for name, recordings in read_sounds(root).items()
        }
        self.speech = [pcm for name, pcm in read_speech(root).items() if ours(name in HELD_OUT_SPEECH)]
        coco = [p for i, p in enumerate(read_coco(root)) if ours(i % HELD_OUT_PHOTOGRAPHS == HELD_OUT_PHOTOGRAPHS - 1)]
        davis = [p for name, ps in read_davis(root).items() if ours(name in HELD_OUT_SEQUENCES) for p in ps]
        street = [f for name, fs in read_street(root).items() if ours(name in HELD_OUT_STREET) for f in fs]
        self.backdrops = [*coco, *davis, *(Photograph("street", f, {"person": [], "car": []}) for f in street)]
        self.people = [p for p in coco if large(p.instances.get("person", []), 0.06) and len(p.instances["person"]) == 1]
        self.objects: dict[str, list[Photograph]] = {}
        for photograph in [*coco, *davis]:
            for thing, masks in photograph.instances.items():
                if thing in SOUND_OF and large(masks, 0.02):
                    self.objects.setdefault(thing, []).append(photograph)

    # Sounds

    def patch(self, pcm: np.ndarray) -> np.ndarray:
        """A random 15600 samples whose last half second is not a pause; shorter recordings are padded in front."""
        pcm = np.pad(pcm, (max(0, SAMPLES - len(pcm)), 0))
        loudness = np.sqrt(np.mean(pcm**2))
        for _ in range(8):
            start = self.random.integers(0, len(pcm) - SAMPLES + 1)
            patch = pcm[start : start + SAMPLES]
            if np.sqrt(np.mean(patch[-SAMPLES // 2 :] ** 2)) > 0.3 * loudness:
                break
        return patch

    def recording(self, name: str) -> np.ndarray:
        pool = self.speech if name == "speech" else self.sounds[name]
        pcm = self.patch(pool[self.random.integers(len(pool))])
        if not self.held_out and self.random.random() < 0.6:
            pcm = self.patch(augment.change_pitch(self.random, np.concatenate((pcm, pcm))))
        return augment.record(self.random, pcm)

    def speech_of(self, talker: Talker, frame: int) -> np.ndarray:
        """The clip's own sound ending at the frame; in training often another voice, for a picture has no voice."""
        if not self.held_out and self.random.random() < 0.5:
            return self.recording("speech")
        end = SAMPLES + (frame + 1) * 16_000 // FRAME_RATE
        return augment.record(self.random, np.pad(talker.pcm, (SAMPLES, 0))[end - SAMPLES : end])

    # Pictures

    def backdrop(self) -> Picture:
        """A random crop of a photograph, stretched to the square as the server stretches frames of 4:3 or 16:9."""
        photograph = self.backdrops[self.random.integers(len(self.backdrops))]
        aspect = float(self.random.choice([4 / 3, 16 / 9, 1.0, 3 / 4], p=[0.6, 0.2, 0.1, 0.1]))
        height, width = photograph.image.shape[:2]
        crop_h = min(height, width / aspect) * self.random.uniform(0.5, 1.0)
        crop_w = crop_h * aspect
        x, y = self.random.uniform(0, width - crop_w), self.random.uniform(0, height - crop_h)
        canvas = Image.fromarray(photograph.image).resize(
            (self.side, self.side), Image.Resampling.BOX, (x, y, x + crop_w, y + crop_h)
        )
        in_view = {SOUND_OF[thing] for thing in photograph.instances if thing in SOUND_OF}
        if "person" in photograph.instances or photograph.name.split("/")[0] in SEQUENCES_WITH_PEOPLE:
            in_view |= HUMAN_SOUNDS
        return Picture(canvas, aspect, in_view=in_view)

    def paste(self, picture: Picture, image: np.ndarray, alpha: np.ndarray, height: float, x: float, y: float) -> Image.Image:
        """Pastes a cut-out with its centre at x and its lower edge at y, in pixels of the canvas; hides what it covers.

        Returns its mask on the canvas.
        """
        width = height * alpha.shape[1] / alpha.shape[0] / picture.aspect
        size = max(4, round(width)), max(4, round(height))
        flip = self.random.random() < 0.5
        cut = Image.fromarray(augment.jitter_colour(self.random, image)).resize(size, Image.Resampling.BOX)
        soft = Image.fromarray(alpha).resize(size, Image.Resampling.BOX)
        if flip:
            cut, soft = (i.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for i in (cut, soft))
        place = round(x - size[0] / 2), round(y - size[1])
        picture.canvas.paste(cut, place, soft)
        mask = Image.new("L", picture.canvas.size)
        mask.paste(soft, place)
        for _, earlier, _ in picture.sources:
            earlier.paste(0, place, soft)
        return mask

    def add_talker(self, picture: Picture, x: float, scale: float) -> None:
        talker = self.talkers[self.random.integers(len(self.talkers))]
        frame = int(self.random.choice(talker.speaking))
        alpha = talker.alpha(frame)
        rows, columns = np.flatnonzero((alpha > 128).any(1)), np.flatnonzero((alpha > 128).any(0))
        box = slice(rows[0], None), slice(columns[0], columns[-1] + 1)
        image = despill(talker.frames[frame], alpha)
        height = self.side * scale
        # The cut-out ends at the chest: mostly below the picture's edge, sometimes behind a table.
        bottom = self.side * (1 if self.random.random() < 0.75 else self.random.uniform(0.8, 1.2))
        mask = self.paste(picture, image[box], alpha[box], height, x * self.side, max(bottom, 0.8 * height))
        picture.sources.append(("speech", mask, self.speech_of(talker, frame)))
        picture.in_view |= HUMAN_SOUNDS

    def add_object(self, picture: Picture) -> None:
        thing = str(self.random.choice(list(self.objects)))
        photograph = self.objects[thing][self.random.integers(len(self.objects[thing]))]
        alpha = max(photograph.instances[thing], key=lambda mask: mask.sum())
        rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        height = self.side * self.random.uniform(0.3, 0.75)
        y = min(self.side * self.random.uniform(0.6, 1.05), self.side + 0.3 * height)
        mask = self.paste(picture, photograph.image[box], alpha[box], height, self.side * self.random.uniform(0.2, 0.8), y)
        picture.sources.append((SOUND_OF[thing], mask, self.recording(SOUND_OF[thing])))
        picture.in_view.add(SOUND_OF[thing])

    def photographed_person(self) -> Picture:
        photograph = self.people[self.random.integers(len(self.people))]
        picture = self.backdrop()
        size = (self.side, self.side)
        picture.canvas = Image.fromarray(photograph.image).resize(size, Image.Resampling.BOX)
        mask = Image.fromarray(photograph.instances["person"][0]).resize(size, Image.Resampling.BOX)
        picture.sources = [("speech", mask, self.recording("speech"))]
        picture.in_view = HUMAN_SOUNDS | {SOUND_OF[t] for t in photograph.instances if t in SOUND_OF}
        return picture

    def compose(self, scene: str) -> Picture:
        uniform = self.random.uniform
        if scene == "photographed-person" and self.people:
            return self.photographed_person()
        picture = self.backdrop()
        if scene in ("talker", "photographed-person"):
            self.add_talker(picture, uniform(0.15, 0.85), uniform(0.35, 0.65) if uniform() < 0.4 else uniform(0.5, 1.1))
        elif scene == "two-talkers":
            for x in (uniform(0.15, 0.38), uniform(0.62, 0.85)):
                self.add_talker(picture, x, uniform(0.4, 0.85))
        elif scene == "object":
            self.add_object(picture)
        elif scene == "mixed":
            self.add_object(picture)
            self.add_talker(picture, uniform(0.15, 0.85), uniform(0.4, 0.8))
        return picture

    def sample(self, scene: str | None = None) -> Sample:
        """A sample of the named scene (a key of SCENES), or of a random one."""
        scene = scene or str(self.random.choice(list(SCENES), p=list(SCENES.values())))
        picture = self.compose(scene)
        cases = self.right_cases(picture, scene)
        while len(cases) < SOUNDS_PER_PICTURE:
            cases.append(self.wrong_case(picture))
        image = np.asarray(picture.canvas)
        earlier = still(image)
        if not self.held_out:
            image, earlier = augment.film(self.random, image, earlier, 0.7)
        masks = [np.asarray(mask.resize((self.mask_side, self.mask_side), Image.Resampling.BOX)) for _, _, mask, _ in cases]
        return Sample(
            image, earlier, np.stack([c[1] for c in cases]), np.stack(masks), [c[3] for c in cases], [c[0] for c in cases]
        )

    def right_cases(self, picture: Picture, scene: str) -> list[tuple[str, np.ndarray, Image.Image, list[str]]]:
        """(tag, pcm, mask, classes) of what sounds in the picture: each source alone, or several together."""
        both = [(s, m, p) for s, m, p in picture.sources if np.count_nonzero(np.asarray(m) > 128) > 120]
        # A still picture of two people does not tell who speaks: they speak together or not at all.
        cases = [("right", p, m, [s]) for s, m, p in both] if scene != "two-talkers" else []
        if len(both) == 2 and (scene == "two-talkers" or self.random.random() < 0.3):
            union = Image.fromarray(np.maximum(*(np.asarray(m) for _, m, _ in both)))
            cases.append(("union", (both[0][2] + both[1][2]).clip(-1, 1), union, [s for s, _, _ in both]))
        return cases

    def wrong_case(self, picture: Picture) -> tuple[str, np.ndarray, Image.Image, list[str]]:
        """(tag, pcm, empty mask, classes): silence, noise, or a sound of nothing in view."""
        empty = Image.new("L", picture.canvas.size)
        tag = str(self.random.choice(["silence", "noise", "off-screen"], p=[0.25, 0.25, 0.5]))
        if tag == "silence":
            return tag, augment.silence(self.random, SAMPLES), empty, []
        if tag == "noise":
            return tag, augment.noise(self.random, SAMPLES), empty, ["noise"]
        name = str(self.random.choice(sorted({*self.sounds, "speech"} - picture.in_view)))
        return tag, self.recording(name), empty, [name]


def large(masks: list[np.ndarray], share: float) -> bool:
    """Whether the largest mask covers at least this share of its picture."""
    return max((np.count_nonzero(mask) / mask.size for mask in masks), default=0.0) >= share


def despill(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Takes the backdrop's blue and green out of the edge pixels. image [H,W,3] uint8, alpha [H,W] uint8."""
    limit = image[..., :1] * 1.05 + 8
    return np.where((alpha < 250)[..., None], np.minimum(image, limit), image).astype(np.uint8)
