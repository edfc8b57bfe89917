"""Who and what is in the picture of a moment, and the sound that fits what is seen of each.

A scene is a list of roles from back to front, or None when the library has nobody for it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..model.recognition import RECOGNISED, SILENT
from . import augment
from .actors import SPRITE_HEIGHTS, TALKER_HEIGHTS, THING_HEIGHTS, Actor, box_of, identity
from .augment import Random
from .casts import by_kind, choose
from .library import Library, Standing
from .media import SAMPLE_RATE
from .reels import MomentReel
from .sample import SAMPLES
from .sprites import paint
from .talkers import FRAME_RATE, Talker
from .voices import PACES, RATIOS, STEADY, Pace

HOP = SAMPLE_RATE // FRAME_RATE
LEAD = SAMPLE_RATE // 25  # samples: how far microphone and camera may be apart
APART = 8  # frames, 0.32 s: between two moments of one clip that are to differ
FASTEST = math.ceil(SAMPLES * PACES[1])  # samples of a recording that the fastest pace takes
EXCHANGED = 0.4
TOLD = (0.5, 3.5)  # in the unit of looks: what is in view mostly has 0.3 to 6
STATES = ("frozen", "silent", "other-words")
# In training, how often a person is silent with the mouth held while the face goes on, or speaks with it alone moving.
PARTS = {"silent": 0.5, "speaking": 0.3}


@dataclass(eq=False)
class Role:
    """An actor in T pictures, the moment's first; voice gives a patch [15600] that fits them, None where it is silent."""

    actor: Actor
    kind: str | None  # sound class; None: it makes none
    voice: Callable[[], np.ndarray] | None
    frame: int | None = None  # of a talker's clip, the moment's
    told: float = 0.0  # how much the look of its kind gains where it stands
    looks: str | None = None  # of a photographed thing that may sound: what of recognition.LOOKS it looks like


@dataclass(frozen=True)
class Moment:
    """What scenes are cast from."""

    library: Library
    reel: MomentReel

    @property
    def random(self) -> Random:
        return self.reel.random

    # Sounds

    def patch(self, pcm: np.ndarray, length: int = SAMPLES) -> np.ndarray:
        """A random `length` samples whose last half second is not a pause; shorter recordings are padded in front."""
        pcm = np.pad(pcm, (max(0, length - len(pcm)), 0))
        loudness = np.sqrt(np.mean(pcm**2))
        for _ in range(8):
            start = self.random.integers(0, len(pcm) - length + 1)
            patch = pcm[start : start + length]
            if np.sqrt(np.mean(patch[-SAMPLES // 2 :] ** 2)) > 0.3 * loudness:
                break
        return patch

    def recording(self, kind: str) -> np.ndarray:
        """[15600] of the class, in training often at another pitch, speech at another pace."""
        if kind == "speech" and self.random.random() < 0.5:
            # The talkers' own voices, too: else a voice would tell whether its owner is in view.
            clip = self.library.talker(choose(self.random, self.library.talkers))
            return self.speech(clip, int(choose(self.random, clip.speaking)), self.pace())
        pcm = self.library.pcm(choose(self.random, self.library.recordings(kind)))
        if self.training and kind == "speech":
            return self.pace().play(self.patch(pcm, FASTEST), FASTEST)
        patch = self.patch(pcm)
        if self.training and self.random.random() < 0.6:
            patch = self.patch(augment.change_pitch(self.random, np.concatenate((patch, patch))))
        return patch

    def speech(self, clip: Talker, frame: int, pace: Pace) -> np.ndarray:
        """The clip's own sound that ends with the frame, to a frame or so; in training in any of several voices."""
        pcm = clip.voice(choose(self.random, RATIOS) if self.training else 1.0)
        return pace.play(pcm, (frame + 1) * HOP + int(self.random.integers(-LEAD, LEAD)))

    def pace(self) -> Pace:
        return Pace.wavering(self.random) if self.training else STEADY

    @property
    def training(self) -> bool:
        return self.library.split == "train"

    # Roles

    def people(self, count: int) -> list:
        """Clips of as many different people; where there are fewer, some more than once."""
        people: dict[str, list] = {}
        for path in self.library.talkers:
            people.setdefault(identity(path), []).append(path)
        names = [name for _ in range(count) for name in self.random.permutation(list(people))][:count]
        return [choose(self.random, people[name]) for name in names]

    def person(self, path, state: str, elsewhere: int | None = None) -> Role:
        """speaking; frozen: one picture held; silent: he moves, the mouth closed. Speaking alone has a voice that fits.

        In training he may be silent with the mouth held amid speech, speak and move nothing but the mouth, sway while frozen.
        elsewhere: a frame of the clip that the moment is not to lie near.
        """
        clip, pace = self.library.talker(path), self.pace()
        backs = [round(float(pace.back(age / 1000)) * FRAME_RATE) for age in self.reel.ages_ms]
        # Training has few silences: who looked like one of them would be silent, whatever the lips did.
        part = self.training and self.random.random() < PARTS.get(state, 0.0)
        moving = clip.silent if state == "silent" and not part else [f for f in clip.speaking if f - backs[-1] >= 0]
        if elsewhere is not None:
            moving = [f for f in moving if abs(f - elsewhere) >= APART] or moving
        now = int(choose(self.random, clip.silent if state == "frozen" and self.random.random() < 0.3 else moving))
        if state == "silent" and not part:
            faces = mouths = [clip.silent_before(now, back) for back in backs]
        else:
            held, moved = [now] * len(backs), [now - back for back in backs]
            faces = held if state == "frozen" or (part and state == "speaking") else moved
            mouths = moved if state == "speaking" else held
        images, alphas = clip.cut_out(faces, mouths)
        if self.training and self.random.random() < 0.7:
            images, alphas = augment.disguise(self.random, images, alphas)
        sway = 0.0 if state == "frozen" and not (self.training and self.random.random() < 0.5) else 0.02
        actor = Actor(f"talker {path.stem} {state}", images, alphas, [path], TALKER_HEIGHTS, from_edge=True, sway=sway)
        return Role(actor, "speech", (lambda: self.speech(clip, now, pace)) if state == "speaking" else None, now)

    def thing(self, standing: Standing, whole: bool = False, heights: tuple[float, float] = THING_HEIGHTS) -> Role:
        images, alphas, files = self.reel.standing(standing)
        kind = self.library.sounds_of.get(standing.thing)
        if not whole:
            box = box_of(np.max(alphas, 0))
            images, alphas = [image[box] for image in images], [alpha[box] for alpha in alphas]
            if self.training and self.random.random() < 0.5:
                images, alphas = augment.disguise(self.random, images, alphas)
        sway = 0.02 if self.random.random() < 0.5 else 0.0
        in_view = self.library.in_view(standing) if whole else set()
        actor = Actor(standing.thing, images, alphas, files, heights, whole=whole, in_view=in_view, sway=sway)
        looks = standing.thing if standing.thing in SILENT else kind
        return Role(actor, kind, (lambda: self.recording(kind)) if kind else None, looks=looks)

    def exchange_sounds(self, roles: list[Role]) -> None:
        """Gives some photographed things, and all mute ones, the sound of another kind that recognition knows.

        Training has few photographed things, and would know them by heart. Where recognition is told of the exchange, what a
        thing looks like can only be known from it.
        """
        for role in roles:
            taken = {kind for other in roles for kind in (other.kind, other.looks)}
            free = sorted({*RECOGNISED} & {*self.library.sounds} - taken)
            if role.looks and free and (role.kind is None or self.random.random() < EXCHANGED):
                role.kind = str(self.random.choice(free))
                role.voice = partial(self.recording, role.kind)

    def pointed(self) -> list[Role]:
        """Up to three things of one photograph, or that of a sequence, where they stand. Whatever they are, they make the sound
        of any kind, and recognition is told where.

        Training has few things that sound, and knows by heart where they stand. What else stands in its photographs is many
        more; which of it sounds, the look alone tells.
        """
        standings = choose(self.random, self.library.pointable)
        chosen = [standings[i] for i in self.random.permutation(len(standings))[: self.random.integers(1, 4)]]
        roles = [self.thing(standing, whole=True) for standing in chosen]
        free = sorted({*RECOGNISED} & {*self.library.sounds} - roles[0].actor.in_view)
        for role, kind in zip(roles, self.random.permutation(free).tolist(), strict=False):
            role.kind, role.voice, role.looks = kind, partial(self.recording, kind), None
            role.told = float(self.random.uniform(*TOLD))
        return roles

    def things(self, count: int) -> list[Role]:
        """Photographed things that sound, each of another sound, and in training the mute."""
        library, things = self.library, [*self.library.things, *self.library.mute]
        kinds = self.random.permutation(sorted({library.looks(s.thing) for s in things}))[:count]
        return [self.thing(by_kind(self.random, [s for s in things if library.looks(s.thing) == kind])) for kind in kinds]

    def drawn(self, count: int) -> list[Role]:
        """Drawn things, each of another sound."""
        return [self.sprite(kind) for kind in self.random.permutation(sorted(self.library.sprites))[:count].tolist()]

    def sprite(self, kind: str) -> Role:
        path = choose(self.random, self.library.sprites[kind])
        image, alpha = paint(self.random, self.library.sprite(path))
        count, sway = self.reel.count, 0.02 if self.random.random() < 0.5 else 0.0
        actor = Actor(f"drawn {kind}", [image] * count, [alpha] * count, [path], SPRITE_HEIGHTS, sway=sway)
        return Role(actor, kind, lambda: self.recording(kind))

    def silent_thing(self) -> list[Role]:
        return [self.thing(choose(self.random, self.library.silent))] if self.library.silent else []

    def among(self, states: list[str]) -> list[Role]:
        """A speaking person among others in these states; random order.

        Training has few people, and what they say is soon known by heart: it would tell faces and words, not lips and sounds.
        So the speaker often has anybody's words there, and where it is the words that tell, often stands beside himself.
        """
        paths, others = self.people(1 + len(states)), "other-words" in states
        if self.training and others and self.random.random() < 0.6:
            paths = [paths[0] if state == "other-words" else path for path, state in zip(paths, ["", *states], strict=True)]
        speaker = self.person(paths[0], "speaking")
        if self.training and not others and self.random.random() < 0.5:
            speaker.voice = lambda: self.recording("speech")
        roles = [speaker]
        for path, state in zip(paths[1:], states, strict=True):
            beside_himself = speaker.frame if path == paths[0] and state == "other-words" else None
            roles.append(self.person(path, "speaking" if state == "other-words" else state, beside_himself))
        return [roles[i] for i in self.random.permutation(len(roles))]

    def state(self) -> str:
        return str(self.random.choice(STATES))


def talker(moment: Moment) -> list[Role]:
    distraction = moment.silent_thing() if moment.random.random() < 0.3 else []
    return [*distraction, *moment.among([])]


def silent_people(moment: Moment) -> list[Role]:
    """Nobody speaks: a voice is of somebody else."""
    paths = moment.people(int(moment.random.integers(1, 3)))
    return [moment.person(path, str(moment.random.choice(["frozen", "silent"]))) for path in paths]


def crowd(moment: Moment) -> list[Role]:
    return moment.among([moment.state() for _ in range(int(moment.random.integers(2, 4)))])


def talker_and_silent_thing(moment: Moment) -> list[Role]:
    return [*moment.silent_thing(), *moment.among([])]


def thing_and_talker(moment: Moment) -> list[Role]:
    return [*moment.things(1), *moment.among([])]


def thing_and_silent_person(moment: Moment) -> list[Role]:
    [path] = moment.people(1)
    return [*moment.things(1), moment.person(path, str(moment.random.choice(["frozen", "silent"])))]


def two_things(moment: Moment) -> list[Role] | None:
    return several(moment.things(2))


def several(roles: list[Role]) -> list[Role] | None:
    return roles if len(roles) > 1 else None


def drawn_and_photographed(moment: Moment) -> list[Role] | None:
    photographed = moment.things(1)
    drawn = [role for role in moment.drawn(2) if role.kind != photographed[0].kind][:1] if photographed else []
    return several([*photographed, *drawn])


def drawn_and_talker(moment: Moment) -> list[Role] | None:
    return several([*moment.drawn(1), *moment.among([])])


def drawn_and_silent_person(moment: Moment) -> list[Role] | None:
    [path] = moment.people(1)
    return several([*moment.drawn(1), moment.person(path, str(moment.random.choice(["frozen", "silent"])))])


def thing(moment: Moment) -> list[Role] | None:
    return moment.things(1) or None


def thing_in_place(moment: Moment) -> list[Role] | None:
    alone = [*moment.library.alone, *moment.library.mute_alone]
    return [moment.thing(by_kind(moment.random, alone), whole=True)] if alone else None


def pointed(moment: Moment) -> list[Role] | None:
    return moment.pointed() if moment.library.pointable else None


def pointed_and_more(moment: Moment) -> list[Role] | None:
    """Before them stands something drawn, somebody, or what makes no sound."""
    roles = pointed(moment) or []
    match moment.random.integers(3):
        case 0:
            more = [role for role in moment.drawn(4) if role.kind not in {role.kind for role in roles}][:1]
        case 1:
            [path] = moment.people(1)
            more = [moment.person(path, str(moment.random.choice(["speaking", "silent"])))]
        case _:
            more = moment.silent_thing()
    return [*roles, *more] if roles and more else None


def nothing(moment: Moment) -> list[Role]:
    return moment.silent_thing() if moment.random.random() < 0.5 else []


SCENES: dict[str, Callable[[Moment], list[Role] | None]] = {
    "talker": talker,
    "silent-people": silent_people,
    "two-people-frozen": lambda moment: moment.among(["frozen"]),
    "two-people-silent": lambda moment: moment.among(["silent"]),
    "two-people-other-words": lambda moment: moment.among(["other-words"]),
    "crowd": crowd,
    "talker-and-silent-thing": talker_and_silent_thing,
    "thing-and-talker": thing_and_talker,
    "thing-and-silent-person": thing_and_silent_person,
    "two-things": two_things,
    "thing": thing,
    "thing-in-place": thing_in_place,
    "nothing": nothing,
    "drawn-thing": lambda moment: moment.drawn(1) or None,
    "two-drawn-things": lambda moment: several(moment.drawn(2)),
    "drawn-things": lambda moment: several(moment.drawn(int(moment.random.integers(3, 5)))),
    "drawn-and-photographed": drawn_and_photographed,
    "drawn-and-talker": drawn_and_talker,
    "drawn-and-silent-person": drawn_and_silent_person,
    "pointed": pointed,
    "pointed-and-more": pointed_and_more,
}
