"""Who is in a scene and who sounds when. A cast is None when the library has nobody for it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .actors import ALWAYS, FRAMES, NEVER, Actor, Sound, drawn, identity, recording, talker, thing
from .augment import Random
from .library import Library, Standing


@dataclass
class Cast:
    """Actors from back to front, sounds of nothing in view. The first may stand in its own picture (`whole`)."""

    actors: list[Actor]
    off_screen: list[Sound]


def choose(random: Random, items: list):
    return items[random.integers(len(items))]


def talkers(library: Library, random: Random, schedules: list[np.ndarray]) -> list[Actor]:
    """As many talkers as schedules, or as there are different people."""
    people: dict[str, list] = {}
    for path in library.talkers:
        people.setdefault(identity(path), []).append(path)
    chosen = [people[name] for name in random.permutation(list(people))[: len(schedules)]]
    return [talker(library, random, choose(random, paths), on) for paths, on in zip(chosen, schedules, strict=False)]


def different(random: Random, standings: list[Standing], count: int, kind: Callable[[Standing], str]) -> list[Standing]:
    """Up to `count`, each of a kind of its own."""
    found: dict[str, Standing] = {}
    for i in random.permutation(len(standings)):
        found.setdefault(kind(standings[i]), standings[i])
    return list(found.values())[:count]


def one_talker(library: Library, random: Random) -> Cast | None:
    return Cast(talkers(library, random, [ALWAYS]), [])


def talker_among_silent(library: Library, random: Random) -> Cast | None:
    silent = [thing(library, random, choose(random, library.silent), NEVER)] if library.silent else []
    actors = talkers(library, random, [ALWAYS, NEVER] if random.random() < 0.6 else [ALWAYS]) + silent
    return Cast(actors, []) if len(actors) > 1 else None


def photographed_person(library: Library, random: Random) -> Cast | None:
    return Cast([thing(library, random, choose(random, library.people), ALWAYS, whole=True)], []) if library.people else None


def object_in_place(library: Library, random: Random) -> Cast | None:
    return Cast([thing(library, random, by_kind(random, library.alone), ALWAYS, whole=True)], []) if library.alone else None


def cut_out_object(library: Library, random: Random) -> Cast | None:
    silent = talkers(library, random, [NEVER]) if random.random() < 0.3 else []
    return Cast([something(library, random, ALWAYS), *silent], []) if library.things else None


def something(library: Library, random: Random, sounding: np.ndarray) -> Actor:
    """A photographed thing, or a drawn one where there are any."""
    if library.sprites and random.random() < 0.5:
        return drawn(library, random, str(random.choice(sorted(library.sprites))), sounding)
    return thing(library, random, by_kind(random, library.things), sounding)


def by_kind(random: Random, standings: list[Standing]) -> Standing:
    """Every kind as often as any other, whatever the number of its pictures."""
    kind = choose(random, sorted({standing.thing for standing in standings}))
    return choose(random, [standing for standing in standings if standing.thing == kind])


def several(library: Library, random: Random, schedules: list[np.ndarray]) -> list[Actor]:
    """Talkers first, then objects of different sounds, photographed people; in random order."""
    actors = talkers(library, random, schedules[: int(random.integers(1, len(schedules) + 1))])
    rest = schedules[len(actors) :]
    if library.sprites and random.random() < 0.5:
        kinds = random.permutation(sorted(library.sprites)).tolist()
        actors += [drawn(library, random, kind, on) for kind, on in zip(kinds, rest, strict=False)]
    else:
        standings = different(random, library.things, len(rest), lambda s: library.sounds_of[s.thing])
        if library.people and len(standings) < len(rest):
            standings.append(choose(random, library.people))
        actors += [thing(library, random, standing, on) for standing, on in zip(standings, rest, strict=False)]
    return [actors[i] for i in random.permutation(len(actors))]


def take_turns(random: Random, count: int) -> list[np.ndarray]:
    """[5] bool each: one after the other, at times a pause between them."""
    ends = np.sort(random.choice(np.arange(1, FRAMES), count - 1, replace=False))
    turn = np.searchsorted(ends, np.arange(FRAMES), side="right")
    if random.random() < 0.4:
        turn = np.where(np.arange(FRAMES) == random.integers(FRAMES), -1, turn)
    return [turn == i for i in random.permutation(count)]


def sound_together(random: Random, count: int) -> list[np.ndarray]:
    """[5] bool each: all in one second at least, each as it likes in the others."""
    on = random.random((count, FRAMES)) < 0.6
    on[:, random.integers(FRAMES)] = True
    return list(on)


def turns(library: Library, random: Random) -> Cast | None:
    actors = several(library, random, take_turns(random, int(random.integers(2, 4))))
    return Cast(actors, []) if len(actors) > 1 else None


def together(library: Library, random: Random) -> Cast | None:
    actors = several(library, random, sound_together(random, int(random.integers(2, 5))))
    return Cast(actors, []) if len(actors) > 1 else None


def talker_and_object(library: Library, random: Random) -> Cast | None:
    if not library.things:
        return None
    spoken, made = sound_together(random, 2) if random.random() < 0.5 else take_turns(random, 2)
    return Cast([something(library, random, made), *talkers(library, random, [spoken])], [])


def bystanders(library: Library, random: Random) -> Cast | None:
    """One sounds, one or two are silent; no two objects of one sound."""
    on = sound_together(random, 1)[0]
    others = [NEVER] * int(random.integers(1, 3))
    if library.things and random.random() < 0.4:
        return Cast([something(library, random, on), *talkers(library, random, others)], [])
    silent = [thing(library, random, choose(random, library.silent), NEVER)] if library.silent else []
    return Cast([*silent, *talkers(library, random, [on, *others])], [])


def off_screen_voice(library: Library, random: Random) -> Cast | None:
    """A voice of nobody in view over silent people, at times with one in view who speaks in other seconds."""
    voice, spoken = take_turns(random, 2)
    schedules = [spoken if random.random() < 0.5 else NEVER, NEVER]
    return Cast(talkers(library, random, schedules), [recording(library, random, "speech", voice)])


CASTS: dict[str, Callable[[Library, Random], Cast | None]] = {
    "talker": one_talker,
    "talker-among-silent": talker_among_silent,
    "photographed-person": photographed_person,
    "object-in-place": object_in_place,
    "cut-out-object": cut_out_object,
    "turns": turns,
    "together": together,
    "talker-and-object": talker_and_object,
    "bystanders": bystanders,
    "off-screen-voice": off_screen_voice,
}
