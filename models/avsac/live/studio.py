"""Shoots moments: samples of pictures with the sounds that they may come with, for training and for figures.

A sample depends on the seed, the split, its number and its scene alone.
"""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from ..model.avsac import STRIDES
from . import acoustics, augment, camera, stage
from .director import LEAST_VISIBLE, SMALLEST, SPLITS
from .library import ENGINES, HUMAN_SOUNDS, Library
from .media import SAMPLE_RATE
from .reels import MomentReel
from .roles import SCENES, Moment, Role
from .sample import SAMPLES, SOUNDS_PER_PICTURE, Sample, covered, luminance

# Of the pictures in which nothing is pointed at.
SHARES = {
    "talker": 0.1,
    "silent-people": 0.065,
    "two-people-frozen": 0.07,
    "two-people-silent": 0.09,
    "two-people-other-words": 0.08,
    "crowd": 0.03,
    "talker-and-silent-thing": 0.035,
    "thing-and-talker": 0.045,
    "thing-and-silent-person": 0.055,
    "two-things": 0.065,
    "thing": 0.035,
    "thing-in-place": 0.055,
    "nothing": 0.02,
    "drawn-thing": 0.065,
    "two-drawn-things": 0.08,
    "drawn-things": 0.02,
    "drawn-and-photographed": 0.045,
    "drawn-and-talker": 0.025,
    "drawn-and-silent-person": 0.02,
}
POINTED = {"pointed": 0.07, "pointed-and-more": 0.07}  # of training's pictures; the rest are SHARES
SEVERAL_PEOPLE = ("two-people-frozen", "two-people-silent", "two-people-other-words", "crowd")
OF_PEOPLE = (*SEVERAL_PEOPLE, "talker", "silent-people")
TRIES = 60
PERFORMANCES = 4
AGES_MS = ((60, 100), (130, 200), (240, 330), (360, 460))  # cameras differ
SWAY_MS = 165.0  # in which an actor goes as far as he sways
BLUR = 0.7  # positions of recognition: deviation at most
ENDED, SPEECH_ENDED = (0.06, 0.5), (0.3, 0.5)  # seconds ago
# How long speech is quiet between words, in seconds, and by how many dB; the share of training's patches that end so.
RESTS, RESTS_DB, RESTING = (0.04, 0.2), (8.0, 45.0), 0.4


@dataclass
class Heard:
    """A sound of a picture: what makes it, by its place among the roles, and its classes."""

    tag: str
    pcm: np.ndarray  # [15600] float32
    lit: list[int]
    kinds: list[str]


def shares(people: float | None = None) -> dict[str, float]:
    """SHARES, or with several people in this share of the pictures, 0..1, and the rest in proportion."""
    if people is None:
        return SHARES
    usual = sum(SHARES[name] for name in SEVERAL_PEOPLE)
    return {n: s * (people / usual if n in SEVERAL_PEOPLE else (1 - people) / (1 - usual)) for n, s in SHARES.items()}


def at_rest(random: augment.Random, pcm: np.ndarray) -> np.ndarray:
    """Speech [15600] that ends between two words: quiet does not mean yet that it is over."""
    rest = int(random.uniform(*RESTS) * SAMPLE_RATE)
    quiet = pcm[-rest:] * np.float32(10 ** (-random.uniform(*RESTS_DB) / 20))
    return np.concatenate((acoustics.faded(pcm[:-rest]), quiet))


class Studio:
    """Samples of a library's split. `side` of the pictures and `mask_side` of the masks, in pixels.

    In training, things make the sounds of other kinds, too, and recognition is told so; not for a model without it (`tells`).
    """

    def __init__(
        self,
        library: Library,
        side: int,
        mask_side: int | None = None,
        seed: int = 0,
        people: float | None = None,
        tells: bool = True,
    ):
        self.library, self.side, self.mask_side, self.seed = library, side, mask_side or side // 2, seed
        self.shares = shares(people)
        self.training = library.split == "train"
        self.tells = self.training and tells
        if self.tells:
            self.shares = {name: share * (1 - sum(POINTED.values())) for name, share in self.shares.items()} | POINTED

    def sample(self, index: int, scene: str | None = None, asked: tuple[str, ...] = ()) -> Sample:
        """The sample of this number, of the named scene or of a random one, with the sounds that are asked for.

        asked: tags; "each" is one for everything that sounds. Without it, three as training takes them. Raises ValueError when
        the media give no such picture.
        """
        number = [list(SCENES).index(scene)] if scene else []
        random = np.random.default_rng([self.seed, SPLITS.index(self.library.split), index, *number])
        for _ in range(TRIES):
            moment = self.moment(random)
            name = scene or str(random.choice(list(self.shares), p=list(self.shares.values())))
            roles = SCENES[name](moment)
            if self.tells:
                moment.exchange_sounds(roles or [])
            if roles is not None and (shot := self.shoot(moment, roles)):
                return replace(self.record(moment, roles, *shot, asked), of_people=name in OF_PEOPLE)
        raise ValueError(f"the media of the split {self.library.split} gave no picture of {scene or 'any scene'}; add to them")

    def able(self, scene: str | None) -> bool:
        """Whether the media have somebody for the scene."""
        return scene is None or SCENES[scene](self.moment(np.random.default_rng(0))) is not None

    def moment(self, random: augment.Random) -> Moment:
        return Moment(self.library, MomentReel(random, (0.0, *(float(random.uniform(*ages)) for ages in AGES_MS))))

    def shoot(self, moment: Moment, roles: list[Role]) -> tuple[list[Image.Image], list[Image.Image], set[str]] | None:
        """(the T pictures, mask of each role in the first, sound classes in view), or None when one cannot be seen."""
        random, actors = moment.random, [role.actor for role in roles]
        kinds = {role.kind for role in roles if role.kind}
        # Other people may stand about: they do not move their lips.
        avoid = (kinds | {role.looks for role in roles if role.looks}) - HUMAN_SOUNDS
        if whole := [actor for actor in actors if actor.whole]:
            scene, standing = stage.in_place(random, whole, self.side)
        else:
            scene, standing = stage.backdrop(self.library, moment.reel, self.side, avoid), None
        way = [-age / SWAY_MS for age in moment.reel.ages_ms]
        for _ in range(PERFORMANCES):
            frames, masks, shares = stage.perform(random, scene, standing, actors, way)
            areas = np.array([stage.lit(mask) for mask in masks[0]])
            counts = np.array([bool(role.kind) for role in roles], bool)
            if ((areas >= SMALLEST * self.side**2) & (shares[0] >= LEAST_VISIBLE))[counts].all():
                break
        else:
            return None
        if random.random() < 0.35:
            frames, masks = camera.shake(random, frames, masks, random.uniform(0.02, 0.3))
        visible = masks[0]
        if self.training and random.random() < 0.5:
            frames, visible = ([ImageOps.mirror(picture) for picture in pictures] for pictures in (frames, visible))
        in_view = scene.in_view | kinds
        for alike in (HUMAN_SOUNDS, ENGINES):
            in_view |= alike if in_view & alike else set()
        return frames, visible, in_view

    def record(
        self,
        moment: Moment,
        roles: list[Role],
        frames: list[Image.Image],
        masks: list[Image.Image],
        in_view: set[str],
        asked: tuple[str, ...],
    ) -> Sample:
        image = np.asarray(frames[0])
        earlier = np.stack([luminance(np.asarray(frame)) for frame in frames[1:]])
        if self.training:
            image, earlier = augment.film(moment.random, image, earlier, 0.7)
        size = (self.mask_side, self.mask_side)
        small = [np.asarray(mask.resize(size, Image.Resampling.BOX)) for mask in masks]
        dark = np.zeros(size, np.uint8)
        sounds = self.asked(moment, roles, in_view, asked) if asked else self.sounds(moment, roles, in_view)
        lit = [np.max([dark, *(small[i] for i in heard.lit)], 0) for heard in sounds]
        able = [i for i, role in enumerate(roles) if role.kind]
        others = [np.max([dark, *(small[i] for i in able if i not in heard.lit)], 0) for heard in sounds]
        return Sample(
            image,
            earlier,
            np.stack([heard.pcm for heard in sounds]),
            np.stack(lit),
            [heard.kinds for heard in sounds],
            [heard.tag for heard in sounds],
            np.stack(others),
            {role.kind: role.looks for role in roles if role.kind and role.looks and role.looks != role.kind},
            {role.kind: self.told(moment, role, mask) for role, mask in zip(roles, small, strict=True) if role.told},
        )

    def told(self, moment: Moment, role: Role, mask: np.ndarray) -> np.ndarray:
        """What the look of a pointed thing's kind gains, [S/32,S/32]: as much where it stands, less about it."""
        there = ndimage.gaussian_filter(covered(mask, self.side // STRIDES[-1]), moment.random.uniform(0, BLUR))
        return role.told * there / max(there.max(), 1e-3)

    # Sounds

    def asked(self, moment: Moment, roles: list[Role], in_view: set[str], tags: tuple[str, ...]) -> list[Heard]:
        each = [self.right(moment, roles, [i]) for i, role in enumerate(roles) if role.voice] if "each" in tags else []
        return each + [self.wrong(moment, roles, in_view, tag) for tag in tags if tag != "each"]

    def sounds(self, moment: Moment, roles: list[Role], in_view: set[str]) -> list[Heard]:
        """Three: what fits the picture, each alone, mixed or together; and what does not."""
        random = moment.random
        able = [i for i, role in enumerate(roles) if role.voice]
        heard = []
        for i in random.permutation(able).tolist()[:2]:
            heard.append(self.right(moment, roles, [i], self.elsewhere(random, in_view) if random.random() < 0.15 else None))
        if len(able) > 1 and random.random() < 0.3:
            heard.append(self.right(moment, roles, able[:2]))
        people = [role for role in roles if role.kind == "speech"]
        nobody_speaks = people and not any(role.voice for role in people)
        while len(heard) < SOUNDS_PER_PICTURE:
            tag = str(random.choice(["silence", "noise", "off-screen", "ended"], p=[0.12, 0.08, 0.42, 0.38]))
            tag = "voice" if nobody_speaks and random.random() < 0.5 else tag if able or tag != "ended" else "off-screen"
            heard.append(self.wrong(moment, roles, in_view, tag))
        return heard

    def right(self, moment: Moment, roles: list[Role], lit: list[int], beside: str | None = None) -> Heard:
        """What some of the roles sound like together; at times beside a sound of nothing in view."""
        random, kinds = moment.random, sorted({roles[i].kind for i in lit})
        pcm = sum(acoustics.at_level(roles[i].voice(), random.uniform(-26, -20)) for i in lit)
        tag = "right" if len(lit) == 1 else "union"
        if self.training and kinds == ["speech"] and not beside and random.random() < RESTING:
            tag, pcm = "resting", at_rest(random, pcm)
        if beside:
            pcm = acoustics.add_noise(random, pcm, moment.recording(beside), random.uniform(-3, 15), np.ones(SAMPLES, bool))
            tag, kinds = "mixed", [*kinds, beside]
        return Heard(tag, self.microphone(random, pcm), lit, kinds)

    def wrong(self, moment: Moment, roles: list[Role], in_view: set[str], tag: str) -> Heard:
        """silence; noise; off-screen, a sound of nothing in view; voice, of nobody in view; ended, what fitted until then."""
        random = moment.random
        if tag == "silence":
            return Heard(tag, augment.silence(random, SAMPLES), [], [])
        if tag == "noise":
            return Heard(tag, augment.noise(random, SAMPLES), [], ["noise"])
        if tag == "ended":
            able = [role for role in roles if role.voice]
            role = able[random.integers(len(able))]
            gone = int(random.uniform(*(SPEECH_ENDED if role.kind == "speech" else ENDED)) * SAMPLE_RATE)
            pcm = np.concatenate((acoustics.faded(role.voice()[: SAMPLES - gone]), np.zeros(gone, np.float32)))
            return Heard(tag, augment.record(random, pcm), [], [role.kind])
        kind = "speech" if tag == "voice" else self.elsewhere(random, in_view)
        return Heard(tag, self.microphone(random, moment.recording(kind)), [], [kind])

    def sound(self, random: augment.Random) -> tuple[np.ndarray, list[str]]:
        """One sound without a picture, [15600], and its classes."""
        if random.random() < 0.15:
            return augment.noise(random, SAMPLES), ["noise"]
        kind = self.elsewhere(random, set())
        return self.microphone(random, self.moment(random).recording(kind)), [kind]

    def elsewhere(self, random: augment.Random, in_view: set[str]) -> str:
        return str(random.choice(sorted({*self.library.sounds, "speech"} - in_view)))

    def microphone(self, random: augment.Random, pcm: np.ndarray) -> np.ndarray:
        """As it is recorded, at any level; in training at times in a room, in noise, through a call's codec."""
        if self.training:
            if random.random() < 0.2:
                pcm = acoustics.reverberate(pcm, acoustics.room(random))
            if random.random() < 0.25:
                pcm = acoustics.add_noise(random, pcm, None, random.uniform(-5, 20), np.ones(SAMPLES, bool))
            if random.random() < 0.05:
                pcm = acoustics.opus(pcm, int(random.choice([12, 16, 24, 32])) * 1000)
        return augment.record(random, pcm)
