"""Directs clips: who is in view, who sounds when, and what microphone, camera and call make of it.

A clip depends on the seed, its kind, split and number alone: the same in any order and in any process.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image

from . import acoustics, augment, camera, stage
from .actors import ALWAYS, BOUNDS, FRAMES, SAMPLES, Sound, recording, runs
from .augment import Random
from .casts import CASTS, Cast
from .library import HUMAN_SOUNDS, Library
from .reels import ClipReel
from .stage import Backdrop

KINDS = ("s4", "ms3")
SPLITS = ("train", "val", "test")
SCENES = {
    "s4": {
        "talker": 0.3,
        "talker-among-silent": 0.15,
        "photographed-person": 0.12,
        "object-in-place": 0.22,
        "cut-out-object": 0.21,
    },
    "ms3": {"turns": 0.25, "together": 0.2, "talker-and-object": 0.2, "bystanders": 0.2, "off-screen-voice": 0.15},
}
SMALLEST = 0.003  # of the picture: what sounds is at least so large
LEAST_VISIBLE = 0.65  # of what sounds
WAY = [t / (FRAMES - 1) for t in range(FRAMES)]
AMBIENT = ("rain", "sea-waves", "fire-crackling", "helicopter")


@dataclass
class Take:
    """frames [5][S,S,3] uint8 RGB; truths [5][S,S] uint8, 0 or 255 where something sounds; pcm [80000] float32, 16 kHz."""

    scene: str
    category: str  # sound class of the one that sounds, the classes joined with + for several
    frames: list[np.ndarray]
    truths: list[np.ndarray]
    pcm: np.ndarray
    note: dict  # for sources.json


class Director:
    def __init__(self, library: Library, kind: str, side: int, seed: int = 0, clean: bool = False):
        """kind: s4 or ms3; side: of the frames in pixels, even, at least 32; clean: nothing is degraded."""
        if kind not in KINDS:
            raise ValueError(f"there are no scenes {kind!r}; there are {', '.join(KINDS)}")
        if side < 32 or side % 2:
            raise ValueError(f"an image size of {side} pixels is odd or less than 32")
        self.library, self.kind, self.side, self.seed, self.clean = library, kind, side, seed, clean

    def take(self, index: int) -> Take:
        """The clip of this number. Raises ValueError when the media give no scene."""
        random = np.random.default_rng([self.seed, KINDS.index(self.kind), SPLITS.index(self.library.split), index])
        # A scene that cannot be seen is cast again, not replaced: crowded ones would else be rare.
        for attempt in range(120):
            if attempt % 20 == 0:
                scene = str(random.choice(list(SCENES[self.kind]), p=list(SCENES[self.kind].values())))
            cast = CASTS[scene](self.library, random)
            if cast is None:
                continue
            backdrop, standing = self.scenery(random, cast)
            for _ in range(3):
                frames, masks, shares = stage.perform(random, backdrop, standing, cast.actors, WAY)
                shaken = not self.clean and bool(random.random() < 0.25)
                if shaken:
                    frames, masks = camera.shake(random, frames, masks, random.uniform(0.3, 1.0))
                if self.visible(cast, masks, shares):
                    return self.record(random, scene, cast, backdrop, frames, masks, {"shake": shaken})
        raise ValueError(f"the media of the split {self.library.split} gave no {self.kind} scene in 120 tries; add to them")

    def scenery(self, random: Random, cast: Cast) -> tuple[Backdrop, list[list[Image.Image]] | None]:
        if cast.actors and cast.actors[0].whole:
            return stage.in_place(random, cast.actors[:1], self.side)
        sounds = [a.sound for a in cast.actors if a.sound] + cast.off_screen
        kinds = {sound.kind for sound in sounds}
        # Silent people may stand in the backdrop of MS3; things of a kind that sounds never, for nobody could tell which it is.
        avoid = kinds if self.kind == "s4" else kinds - HUMAN_SOUNDS
        return stage.backdrop(self.library, ClipReel(random, FRAMES), self.side, avoid), None

    def visible(self, cast: Cast, masks: list[list[Image.Image]], shares: np.ndarray) -> bool:
        """Whether whatever sounds can be seen, in each of its seconds."""
        areas = [[np.count_nonzero(np.asarray(mask) > 127) for mask in row] for row in masks]
        seen = (np.array(areas) >= SMALLEST * self.side**2) & (shares >= LEAST_VISIBLE)
        return bool(seen[np.stack([actor.sounding for actor in cast.actors], 1)].all())

    def record(self, random: Random, scene: str, cast: Cast, backdrop: Backdrop, frames: list, masks: list, how: dict) -> Take:
        sounds = [a.sound for a in cast.actors if a.sound] + cast.off_screen
        truths, dark = [], np.zeros((self.side, self.side), np.uint8)
        for t, row in enumerate(masks):
            lit = [np.asarray(mask) for actor, mask in zip(cast.actors, row, strict=True) if actor.sounding[t]]
            truths.append(np.where(np.max([dark, *lit], 0) > 127, 255, 0).astype(np.uint8))
        pictures = self.film(random, [np.asarray(frame) for frame in frames], how)
        pcm, noise_files = self.hear(random, sounds, backdrop, how)
        kinds = sorted({actor.sound.kind for actor in cast.actors if actor.sound})
        files = [*backdrop.files, *noise_files, *(f for source in (*cast.actors, *sounds) for f in source.files)]
        note = {
            "scene": scene,
            "actors": [
                {"name": a.name, "sound": a.sound.kind if a.sound else None, "seconds": a.sounding.astype(int).tolist()}
                for a in cast.actors
            ],
            "offScreen": [{"sound": s.kind, "seconds": s.sounding.astype(int).tolist()} for s in cast.off_screen],
            "backdrop": backdrop.name,
            "conditions": how,
            "levelsDbfs": [round(acoustics.level(pcm[a:b]), 1) for a, b in pairwise(BOUNDS)],
            "files": sorted({self.library.name(path) for path in files}),
        }
        return Take(scene, "+".join(kinds) or "none", pictures, truths, pcm, note)

    def film(self, random: Random, frames: list[np.ndarray], how: dict) -> list[np.ndarray]:
        """Light, focus and call. Adds what it did to `how`."""
        if self.clean:
            return frames
        colour = int(random.integers(1 << 31))
        frames = [
            np.asarray(augment.jitter_colour(np.random.default_rng(colour), Image.fromarray(frame), 0.6)) for frame in frames
        ]
        how |= {"dark": bool(random.random() < 0.15), "blur": bool(random.random() < 0.2), "video": None}
        if how["blur"]:
            frames = camera.blur(random, frames)
        if how["dark"]:
            frames = camera.darken(random, frames)
        if random.random() < 0.4:
            how["video"], codec = (("VP8", "libvpx"), ("H.264", "libx264"))[random.integers(2)]
            how["bitsPerPixel"] = round(float(random.uniform(0.08, 0.4)), 2)
            frames = camera.video_codec(frames, codec, how["bitsPerPixel"])
        return frames

    def hear(self, random: Random, sounds: list[Sound], backdrop: Backdrop, how: dict) -> tuple[np.ndarray, list]:
        """(pcm [80000], files of noise). Loudness, room, noise, Opus; adds what it did to `how`."""
        mix, over, files = np.zeros(SAMPLES, np.float32), np.zeros(SAMPLES, bool), []
        loudness = -20.0 if self.clean else float(random.uniform(-35, -15))
        response = None if self.clean or random.random() < 0.6 else acoustics.room(random)
        for sound in sounds:
            on = np.zeros(SAMPLES, bool)
            for first, end in runs(sound.sounding):
                on[BOUNDS[first] : BOUNDS[end]] = True
            own = 0.0 if self.clean else random.uniform(-4, 4)
            pcm = acoustics.at_level(sound.pcm, loudness + own, on)
            mix += pcm if response is None else acoustics.reverberate(pcm, response)
            over |= on
        how |= {"loudnessDbfs": round(loudness, 1), "reverberation": response is not None, "snrDb": None, "opusKbps": None}
        if not self.clean and random.random() < 0.5:
            how["snrDb"], noise, how["noise"] = round(float(random.uniform(-5, 20)), 1), None, "generated"
            ambient = [k for k in AMBIENT if k in self.library.sounds and k not in {s.kind for s in sounds} | backdrop.in_view]
            if ambient and random.random() < 0.4:
                how["noise"] = str(random.choice(ambient))
                ambience = recording(self.library, random, how["noise"], ALWAYS)
                noise, files = ambience.pcm, ambience.files
            mix = acoustics.add_noise(random, mix, noise, how["snrDb"], over)
        if not self.clean and random.random() < 0.7:
            mix = mix + acoustics.at_level(random.standard_normal(SAMPLES), random.uniform(-80, -55))  # the microphone's own
        if not self.clean and random.random() < 0.4:
            how["opusKbps"] = int(random.choice([12, 16, 24, 32]))
            mix = acoustics.opus(mix, how["opusKbps"] * 1000)
        return acoustics.sixteen_bits(mix), files
