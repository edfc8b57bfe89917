"""Moments: pictures with what was seen before them and several sounds."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from avsac.live.library import Library
from avsac.live.reels import MomentReel
from avsac.live.roles import SCENES, TOLD, Moment
from avsac.live.sample import covered, luminance
from avsac.live.studio import POINTED, RESTS, RESTS_DB, SEVERAL_PEOPLE, SHARES, Studio, at_rest, shares
from avsac.live.talkers import FRAME_RATE, Talker, read_talker
from avsac.live.voices import STEADY, Pace, in_another_voice
from avsac.model.motion import EARLIER_MS

from .test_scene_builder import RATE, SIDE, small_media, tone  # noqa: F401

SOUNDING = {"right", "resting", "union", "mixed"}


@pytest.fixture(scope="session")
def small_things(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `avsac things` writes it: boxes that sound."""
    root = tmp_path_factory.mktemp("things")
    for part in ("train", "val", "test"):
        for i, kind in enumerate(("cow", "violin", "bell", "whistle", "speech")):
            sprite = np.zeros((40, 30, 4), np.uint8)
            sprite[4:36, 3:27] = (240, 40 * i, 30, 255)
            (root / part / "sprites" / kind).mkdir(parents=True)
            (root / part / "sounds" / kind).mkdir(parents=True)
            Image.fromarray(sprite).save(root / part / "sprites" / kind / f"set-{kind}.png")
            wavfile.write(root / part / "sounds" / kind / "00.wav", RATE, (tone(300 + 200 * i, 4) * 32767).astype(np.int16))
    (root / "sources.json").write_text("{}")
    return root


@pytest.mark.parametrize("scene", SCENES)
def test_a_moment_lights_what_fits_and_nothing_else(small_media: Path, small_things: Path, scene: str) -> None:  # noqa: F811
    studio = Studio(Library(small_media, "train", small_things), SIDE)
    right = 0
    for index in range(4):
        sample = studio.sample(index, scene)
        assert sample.image.shape == (SIDE, SIDE, 3)
        assert sample.earlier.shape == (len(EARLIER_MS), SIDE, SIDE)
        assert sample.pcm.shape == (3, 15_600)
        assert np.abs(sample.pcm).max() <= 1
        for tag, mask, other, sounds in zip(sample.tags, sample.masks, sample.others, sample.sounds, strict=True):
            assert (mask.max() > 127) == (tag in SOUNDING)
            assert (tag == "silence") == (not sounds)
            assert not ((mask > 140) & (other > 140)).any()  # soft edges are shared
            right += tag in SOUNDING
    dark = scene in ("nothing", "silent-people")
    assert (right == 0) == dark
    assert sum(SHARES.values()) == pytest.approx(1)
    assert set(SHARES) | set(POINTED) == set(SCENES)


def test_the_share_of_several_people_leaves_the_rest_in_proportion() -> None:
    asked = shares(0.7)
    assert sum(asked[name] for name in SEVERAL_PEOPLE) == pytest.approx(0.7)
    assert sum(asked.values()) == pytest.approx(1)
    assert asked["talker"] / asked["thing"] == pytest.approx(SHARES["talker"] / SHARES["thing"])


def test_a_pointed_thing_makes_any_sound_and_recognition_is_told_where(small_media: Path, small_things: Path) -> None:  # noqa: F811
    library = Library(small_media, "train", small_things)
    assert {standing.thing for [standing] in library.pointable} == {"dog", "drift-chicane", "cows", "other"}
    studio, kinds = Studio(library, 96), set()
    for index in range(12):
        sample = studio.sample(index, "pointed", ("each",))
        for mask, [sound] in zip(sample.masks, sample.sounds, strict=True):
            told, share = sample.told[sound], covered(mask, 3)
            assert TOLD[0] <= told.max() <= TOLD[1] + 1e-6
            assert share[np.unravel_index(told.argmax(), told.shape)] > 0.5 * share.max()
            assert np.corrcoef(told.ravel(), share.ravel())[0, 1] > 0.5
            kinds.add(sound)
    assert len(kinds) > 3
    for seed in range(12):
        for role in studio.moment(np.random.default_rng(seed)).pointed():
            assert role.kind not in role.actor.in_view
            assert role.kind != library.sounds_of.get(role.actor.name)
    with pytest.raises(ValueError, match="the media of the split val gave no picture of pointed"):
        Studio(Library(small_media, "val", small_things), 96).sample(0, "pointed")


def test_speech_that_rests_is_lit_in_training_and_of_no_other_part(small_media: Path) -> None:  # noqa: F811
    studio, found = Studio(Library(small_media, "train"), SIDE), 0
    for index in range(12):
        sample = studio.sample(index, "talker-and-silent-thing")
        for tag, mask, sounds in zip(sample.tags, sample.masks, sample.sounds, strict=True):
            found += tag == "resting"
            assert tag != "resting" or (sounds == ["speech"] and mask.max() > 127)
    assert 3 < found < 24
    for part in ("val", "test"):
        held_out = Studio(Library(small_media, part), SIDE)
        assert not any("resting" in held_out.sample(index, "talker").tags for index in range(12))


def test_a_rest_is_quiet_and_short() -> None:
    speech = np.random.default_rng(0).uniform(-0.5, 0.5, 15_600).astype(np.float32)
    for seed in range(8):
        resting = at_rest(np.random.default_rng(seed), speech)
        assert resting.shape == speech.shape
        quieter = 20 * np.log10(abs(resting).clip(1e-9) / abs(speech).clip(1e-9))
        quiet = quieter < -RESTS_DB[0] + 0.1
        assert quiet[-int(RESTS[0] * RATE) :].all()
        assert not quiet[int(0.01 * RATE) : -int(RESTS[1] * RATE) - int(0.01 * RATE)].any()


def test_a_model_that_cannot_be_told_learns_from_sounds_of_their_own(small_media: Path, small_things: Path) -> None:  # noqa: F811
    studio = Studio(Library(small_media, "train", small_things), SIDE, tells=False)
    assert studio.shares == SHARES
    for index in range(24):
        sample = studio.sample(index)
        assert not sample.told
        assert not sample.looks


def test_training_mirrors_pictures_and_masks_together(small_media: Path) -> None:  # noqa: F811
    library = Library(small_media, "train")
    studio, sequence = Studio(library, 96), next(s for s in library.sequences if s.thing == "drift-chicane")
    directions = set()
    for seed in range(12):
        moment = studio.moment(np.random.default_rng(seed))
        frames, [mask], _ = studio.shoot(moment, [moment.thing(sequence, whole=True)])
        red = [np.asarray(frame)[..., 0].astype(int) - np.asarray(frame)[..., 2] > 90 for frame in frames]
        there = np.asarray(mask) > 127
        assert (red[0] & there).sum() > 0.9 * (red[0] | there).sum()
        moved = np.nonzero(red[0])[1].mean() - np.nonzero(red[-1])[1].mean()  # in the sequence it goes to the right
        directions.add(bool(moved > 0))
    assert directions == {True, False}


def test_a_sample_depends_on_seed_number_and_scene_alone(small_media: Path) -> None:  # noqa: F811
    library = Library(small_media, "val")
    one, again, other = (Studio(library, SIDE, seed=seed).sample(3, "crowd") for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.image, again.image)
    np.testing.assert_array_equal(one.pcm, again.pcm)
    assert (one.image != other.image).any()


def test_who_is_frozen_does_not_move_and_who_speaks_moves_the_lips(small_media: Path) -> None:  # noqa: F811
    library = Library(small_media, "train")
    moved = {"frozen": 0, "silent": 0, "speaking": 0}
    for state in moved:
        for seed in range(8):
            moment = Moment(library, MomentReel(np.random.default_rng(seed), (0, *EARLIER_MS)))
            role = moment.person(library.talkers[0], state)
            assert (role.voice is not None) == (state == "speaking")
            mouths = [luminance(np.ascontiguousarray(i[20:32, 15:32])).astype(int) for i in role.actor.images]
            moved[state] += any((abs(mouths[0] - mouth) > 40).sum() > 10 for mouth in mouths[1:])
    assert moved["frozen"] == moved["silent"] == 0
    assert moved["speaking"] >= 6


def test_the_voice_ends_with_the_frame(small_media: Path) -> None:  # noqa: F811
    moment = Moment(Library(small_media, "test"), MomentReel(np.random.default_rng(0), (0, *EARLIER_MS)))
    clip = Talker("ramp", np.zeros((75, 4, 4, 3), np.uint8), np.arange(3 * RATE, dtype=np.float32), [40])
    ends = [moment.speech(clip, 40, STEADY)[-1] for _ in range(50)]
    assert abs(np.array(ends) - 41 * 640).max() <= 640 + 1
    assert np.ptp(ends) > 640


def test_a_silent_moment_lies_on_one_side_of_the_speech() -> None:
    clip = Talker("quiet", np.zeros((75, 4, 4, 3), np.uint8), np.zeros(3 * RATE, np.float32), list(range(30, 51)))
    before, after = set(range(24)), set(range(57, 75))
    assert clip.silent == sorted(before | after)
    for side in (before, after):
        assert {clip.silent_before(frame, back) for frame in side for back in range(60)} == side
    assert [clip.silent_before(20, back) for back in (0, 2, 10)] == [20, 18, 10]
    assert [clip.silent_before(2, back) for back in (1, 2, 4)] == [1, 0, 2]
    assert clip.silent_before(57, 1) == 58


def test_a_mouth_is_found_and_moves_alone_or_is_held(small_media: Path) -> None:  # noqa: F811
    clip = read_talker(Library(small_media, "train").talkers[0])
    mouth, eyes = (slice(50, 60), slice(57, 68)), (slice(31, 36), slice(42, 84))
    assert clip.mouth[mouth].min() > 0.5
    assert clip.mouth[eyes].max() < 0.1
    clip.frames[21, *eyes] = 0  # an eye closes while the mouth moves
    clip.frames[24, *eyes] = 255
    cut = slice(mouth[0].start - 30, mouth[0].stop - 30), slice(mouth[1].start - 40, mouth[1].stop - 40)
    lids = slice(2, 5), slice(4, 40)
    moved = {}
    for name, arguments in {"both": ([24, 21],), "held": ([24, 21], [24, 24]), "alone": ([24, 24], [24, 21])}.items():
        (now, before), _ = clip.cut_out(*arguments)
        moved[name] = [np.abs(luminance(now).astype(int) - luminance(before))[part].max() > 40 for part in (cut, lids)]
    assert moved == {"both": [True, True], "held": [False, True], "alone": [True, False]}


def test_in_training_mouth_and_face_move_apart_and_the_voice_keeps_the_pace_of_the_mouth() -> None:
    asked = []

    class Filmed(Talker):
        def cut_out(self, frames: list[int], mouths: list[int] | None = None) -> tuple[list[np.ndarray], list[np.ndarray]]:
            asked.append((frames, mouths))
            return [np.zeros((8, 8, 3), np.uint8)] * len(frames), [np.full((8, 8), 255, np.uint8)] * len(frames)

        def voice(self, ratio: float) -> np.ndarray:
            return self.pcm

    clip = Filmed("ramp", np.zeros((75, 4, 4, 3), np.uint8), np.arange(3 * RATE, dtype=np.float32), list(range(20, 55)))
    library, moving, gone = SimpleNamespace(split="train", talker=lambda _: clip), {}, []
    for state in ("speaking", "silent", "frozen"):
        for seed in range(40):
            moment = Moment(library, MomentReel(np.random.default_rng(seed), (0, *EARLIER_MS)))
            role = moment.person(Path("ramp.mpg"), state)
            faces, mouths = asked.pop()
            moving.setdefault(state, set()).add((len(set(faces)) > 1, len(set(mouths)) > 1))
            if state == "speaking":
                heard = role.voice()[[-1 - age * RATE // 1000 for age in (0, *EARLIER_MS)]]
                late = heard - [(mouth + 1) * RATE / FRAME_RATE for mouth in mouths]
                gone.append(np.ptp(late))
    assert moving == {
        "speaking": {(True, True), (False, True)},
        "silent": {(True, True), (True, False)},
        "frozen": {(False, False)},
    }
    assert max(gone) <= RATE / FRAME_RATE + 2  # a frame is chosen to half its length


def test_a_pace_is_never_more_than_a_quarter_off_and_plays_what_there_is() -> None:
    pcm = np.arange(4 * RATE, dtype=np.float32)
    np.testing.assert_allclose(STEADY.play(pcm, 3 * RATE), pcm[3 * RATE - 15_600 : 3 * RATE])
    assert STEADY.play(pcm[1:], 100)[:-100].max() == 0  # there was nothing before
    for seed in range(20):
        heard = Pace.wavering(np.random.default_rng(seed)).play(pcm, 3 * RATE)
        assert ((np.diff(heard) > 0.79) & (np.diff(heard) < 1.26)).all()


def test_another_voice_keeps_the_pace() -> None:
    time = np.arange(2 * RATE) / RATE
    words = (np.sin(2 * np.pi * 400 * time) * (np.sin(2 * np.pi * 3 * time) > 0)).astype(np.float32)
    for ratio in (0.8, 1.25):
        other = in_another_voice(words, ratio)
        assert len(other) == len(words)
        spectrum = np.abs(np.fft.rfft(other))
        assert np.fft.rfftfreq(len(other), 1 / RATE)[spectrum.argmax()] == pytest.approx(400 * ratio, rel=0.02)
        loud = [np.sqrt((pcm.reshape(-1, 160) ** 2).mean(1)) for pcm in (words, other)]
        together = [np.corrcoef(loud[0][20:-20], np.roll(loud[1], lag)[20:-20])[0, 1] for lag in range(-9, 10)]
        assert np.argmax(together) in (8, 9, 10)  # within 10 ms
        assert max(together) > 0.8


def test_moments_of_the_real_media(media: Path) -> None:
    library = Library(media, "test")
    studio = Studio(library, 96)
    for scene in ("two-people-other-words", "thing-and-silent-person", "two-things"):
        sample = studio.sample(0, scene)
        lit = [mask > 127 for mask, tag in zip(sample.masks, sample.tags, strict=True) if tag == "right"]
        assert lit
        assert all(mask.mean() > 0.002 for mask in lit)
