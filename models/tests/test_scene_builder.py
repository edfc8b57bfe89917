import csv
import hashlib
import json
import sys
from itertools import combinations, pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from avsac.avsbench import open_dataset
from avsac.avsbench.check import check
from avsac.cli import main
from avsac.live import acoustics, split, stage
from avsac.live.actors import BOUNDS, FRAMES, SAMPLES, heard, recording, talker
from avsac.live.casts import sound_together, take_turns
from avsac.live.contact_sheet import draw_sheet
from avsac.live.director import CASTS, SCENES, WAY, Director
from avsac.live.library import Library
from avsac.live.media import MediaError
from avsac.live.scene_files import Order, build, read_sources
from avsac.live.scene_statistics import page
from avsac.live.talkers import SPEAKING_DBFS

SIDE = 64
RATE = 16_000


def tone(hertz: float, seconds: float, first: float = 0.0, last: float = 9.0) -> np.ndarray:
    """[n] float32, sounding from `first` to `last` seconds, at -9 dBFS."""
    time = np.arange(int(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * hertz * time) * ((time >= first) & (time < last))).astype(np.float32)


def write_sound(path: Path, pcm: np.ndarray) -> None:
    """16 kHz mono; in the container that the name asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        add_sound(
            container, container.add_stream("flac" if path.suffix == ".flac" else "libopus", rate=RATE, layout="mono"), pcm
        )


def add_sound(container: av.container.OutputContainer, stream: av.AudioStream, pcm: np.ndarray) -> None:
    frame = av.AudioFrame.from_ndarray((pcm[None] * 32767).astype(np.int16), format="s16p", layout="mono")
    frame.sample_rate = RATE
    rate = stream.codec_context.rate
    resampler = av.AudioResampler(stream.codec_context.format, "mono", rate)
    fifo = av.AudioFifo()
    for resampled in (*resampler.resample(frame), *resampler.resample(None)):
        resampled.pts = None
        fifo.write(resampled)
    while block := fifo.read(stream.codec_context.frame_size or 4096, partial=True):
        block.pts = None
        container.mux(stream.encode(block))
    container.mux(stream.encode(None))


def write_video(path: Path, frames: list[np.ndarray], pcm: np.ndarray | None = None) -> None:
    """25 fps, frames [H,W,3] uint8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg1video" if path.suffix == ".mpg" else "libx264", rate=25)
        video.height, video.width, video.pix_fmt = *frames[0].shape[:2], "yuv420p"
        video.bit_rate = 4_000_000
        sound = None if pcm is None else container.add_stream("mp2", rate=44_100, layout="mono")
        for frame in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(video.encode(None))
        if sound is not None:
            add_sound(container, sound, pcm)


@pytest.fixture(scope="session")
def small_media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A media folder with the names of the real one: figures before a blue wall that speak in tones, boxes for things."""
    root, random = tmp_path_factory.mktemp("media"), np.random.default_rng(0)
    names = ("brbk7n", "sbwe5n", "sbia1a", "bbaf2n", "lbax4n", "pwij3p", "id2_vcd_swwp2s")
    for i, name in enumerate(names):
        frames = []
        for t in range(75):
            frame = np.full((96, 120, 3), (40, 150, 200), np.uint8)
            frame[30:, 40:85] = (150 + 10 * i, 100, 90)
            frame[50 : 54 + 6 * (t // 3 % 2) * (20 <= t < 55), 55:70] = (90, 20, 20)  # the mouth
            frames.append(frame)
        write_video(root / "talkers" / f"{name}.mpg", frames, tone(250 + 60 * i, 3, 0.8, 2.2))
    for i, name in enumerate(("dog", "goat", "motocross-jump", "camel", "drift-chicane", "cows")):
        for t in range(10):
            image, mask = np.full((72, 96, 3), 60 + 20 * i, np.uint8), np.zeros((72, 96), np.uint8)
            where = slice(20, 55), slice(20 + 2 * t, 60 + 2 * t)
            image[where], mask[where] = (220, 30 * i, 40), 255
            folder = root / "davis" / name
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{t:05}.jpg")
            Image.fromarray(mask).save(folder / f"{t:05}.png")
    for kind in ("images", "labels"):
        (root / "coco128" / kind / "train").mkdir(parents=True)
    box = "0.2 0.2 0.7 0.2 0.7 0.9 0.2 0.9"
    for i in range(15):  # of each part one person, one dog and one thing that is silent
        image = random.integers(0, 255, (60, 80, 3)).astype(np.uint8)
        Image.fromarray(image).resize((160, 120)).save(root / "coco128/images/train" / f"{i:012}.jpg")
        (root / "coco128/labels/train" / f"{i:012}.txt").write_text(f"{(0, 16, 41)[i // 5]} {box}\n")
    for i, kind in enumerate(("dog-bark", "chainsaw", "clock-tick", "rain")):
        for fold in range(1, 6):
            # A bark a recording: 0.4 s, then nothing.
            pcm = tone(400 + 150 * i + 10 * fold, 5, 0.5, 0.9 if kind == "dog-bark" else 5)
            write_sound(root / "sounds" / kind / f"{fold}-{i}-A.ogg", pcm)
    for name in ("198-209-0000.ogg", "5703-47212-0000.ogg", "jfk.flac"):
        write_sound(root / "speech" / name, tone(180, 7, 0.2, 6))
    for name in ("car-detection", "one-by-one-person-detection"):
        frames = [np.full((48, 64, 3), 40 + t, np.uint8) for t in range(60)]
        write_video(root / "street" / f"{name}.mp4", frames)
    return root


def digests(folder: Path) -> dict[str, str]:
    paths = [p for p in folder.rglob("*") if p.is_file()]
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def split_of(name: str, photographs: list[str]) -> str:
    """The split that a media file belongs to, told from the lists that the recipe names, not from the builder."""
    folder, stem = name.split("/")[0], Path(name).stem
    if folder == "sounds":
        return {"4": "val", "5": "test"}.get(stem[0], "train")
    if folder == "coco128":
        return {2: "val", 4: "test"}.get(photographs.index(name) % 5, "train")
    key = name.split("/")[1] if folder == "davis" else stem
    test = split.TEST_TALKERS | split.TEST_SEQUENCES | split.TEST_SPEECH | split.TEST_STREET
    val = split.VALIDATION_TALKERS | split.VALIDATION_SEQUENCES | split.VALIDATION_SPEECH
    return "test" if key in test else "val" if key in val else "train"


def assert_splits_are_disjoint(sources: dict, media: Path) -> None:
    photographs = sorted(p.relative_to(media).as_posix() for p in (media / "coco128" / "images").rglob("*.jpg"))
    for name, content in sources.items():
        listed = set(content["files"])
        assert listed == {f for note in content["clips"] for f in note["files"]}
        assert listed
        assert {split_of(f, photographs) for f in listed} == {name}
        assert all((media / f).is_file() for f in listed)
    for one, other in combinations(sources, 2):
        assert not set(sources[one]["files"]) & set(sources[other]["files"])


@pytest.mark.parametrize("kind", ["s4", "ms3"])
def test_scenes_are_a_whole_set_of_disjoint_splits(small_media: Path, tmp_path: Path, kind: str) -> None:
    build(tmp_path, Order(kind, small_media, clips=5, side=SIDE))
    report = check(kind, tmp_path)
    assert report.faults == 0
    assert report.videos == {"train": 5, "val": 5, "test": 5}
    sources = read_sources(tmp_path)
    assert_splits_are_disjoint(sources, small_media)
    for name, content in sources.items():
        clips = open_dataset(kind, tmp_path, name, SIDE)
        for clip, note in zip(clips, content["clips"], strict=True):
            assert clip.image.shape == (FRAMES, SIDE, SIDE, 3)
            assert note["name"] == clip.name
            sounding = np.any([actor["seconds"] for actor in note["actors"]], 0)
            assert (np.array(note["litShare"]) > 0).tolist() == sounding.tolist()
            lit = clip.mask.mean((1, 2))
            np.testing.assert_allclose(lit[clip.supervised], np.array(note["litShare"])[clip.supervised], atol=1e-3)
            assert clip.supervised.sum() == (1 if (kind, name) == ("s4", "train") else 5)
            if kind == "s4":
                assert sounding.all()
                assert sum(any(actor["seconds"]) for actor in note["actors"]) == 1
                assert clip.categories == (next(a["sound"] for a in note["actors"] if a["sound"]),)
    wav = next((tmp_path / f"{kind}_data" / "audio_wav").rglob("*.wav"))
    rate, pcm = wavfile.read(wav)
    assert (rate, len(pcm)) == (16_000, 80_000)


def test_the_same_seed_gives_the_same_bytes_in_any_number_of_processes_and_calls(small_media: Path, tmp_path: Path) -> None:
    order = {"kind": "ms3", "media": small_media, "clips": 3, "side": SIDE}
    build(tmp_path / "a", Order(**order, splits=("train", "test")))
    build(tmp_path / "b", Order(**order, splits=("train",), workers=2))
    build(tmp_path / "b", Order(**order, splits=("test",)))
    build(tmp_path / "c", Order(**order, splits=("train",), seed=1))
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    other = digests(tmp_path / "c")
    assert all(digests(tmp_path / "a")[name] != digest for name, digest in other.items() if name.endswith(".wav"))


@pytest.mark.parametrize("scene", CASTS)
def test_every_scene_lights_what_sounds_and_is_loud_when_something_does(small_media: Path, scene: str) -> None:
    library = Library(small_media, "train")
    kind = "s4" if scene in SCENES["s4"] else "ms3"
    director = Director(library, kind, SIDE, clean=True)
    for seed in range(2):
        random = np.random.default_rng(seed)
        for _ in range(60):
            cast = CASTS[scene](library, random)
            backdrop, standing = director.scenery(random, cast)
            frames, masks, shares = stage.perform(random, backdrop, standing, cast.actors, WAY)
            if director.visible(cast, masks, shares):
                break
        else:
            pytest.fail(f"{scene}: nothing that sounds was visible in 60 casts")
        take = director.record(random, scene, cast, backdrop, frames, masks, {"shake": False})
        voices = [a.sound for a in cast.actors if a.sound] + cast.off_screen
        assert voices
        for t in range(FRAMES):
            in_view = any(actor.sounding[t] for actor in cast.actors)
            audible = any(voice.sounding[t] for voice in voices)
            assert (take.truths[t].max() == 255) == in_view
            level = acoustics.level(take.pcm[BOUNDS[t] : BOUNDS[t + 1]])
            assert level > -32 if audible else level < -100
        assert set(np.unique(take.truths)) <= {0, 255}


def test_a_talker_moves_the_lips_in_the_seconds_of_the_voice_only(small_media: Path) -> None:
    library = Library(small_media, "train")
    path = library.talkers[0]
    sounding = np.array([True, True, False, False, True])
    clip = library.talker(path)
    assert acoustics.level(clip.pcm[:8000]) < SPEAKING_DBFS < acoustics.level(clip.pcm[18_000:30_000])
    shown = []
    for seed in range(6):
        actor = talker(library, np.random.default_rng(seed), path, sounding)
        levels = [acoustics.level(actor.sound.pcm[a:b]) for a, b in pairwise(BOUNDS)]
        assert all((level > -20) == on for level, on in zip(levels, sounding, strict=True))
        mouths = [image[22:32, 18:28].astype(int)[..., 0] < 120 for image in actor.images]
        shown.append([int(mouth.sum()) for mouth in mouths])
    shown = np.array(shown)
    assert shown[:, ~sounding].max() < shown[:, sounding].max()  # open at some moments of speech, never in silence
    assert np.ptp(shown[:, sounding]) > 20


def test_recordings_are_dense_and_start_and_stop_with_their_seconds(small_media: Path) -> None:
    library = Library(small_media, "test")
    sounding = np.array([False, True, True, False, True])
    barks = recording(library, np.random.default_rng(0), "dog-bark", sounding)
    for t, on in enumerate(sounding):
        patch = barks.pcm[BOUNDS[t] : BOUNDS[t + 1]]
        assert (acoustics.level(patch) > -20) if on else not patch.any()
    quiet = heard("x", tone(300, 5, 1, 1.4), sounding, [], np.random.default_rng(0))
    assert len(acoustics.without_pauses(tone(300, 5, 1, 1.4))) < 0.8 * RATE
    assert len(quiet.pcm) == SAMPLES


def test_schedules() -> None:
    for seed in range(50):
        random = np.random.default_rng(seed)
        for count in (2, 3):
            turns = np.stack(take_turns(random, count))
            assert (turns.sum(0) <= 1).all()
            assert turns.any(1).sum() >= count - 1  # a pause may fall on a turn of one second
        for count in (1, 2, 4):
            assert np.stack(sound_together(random, count)).all(0).any()


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["avsac", "scenes", *map(str, arguments)])
    main()


def test_the_command_writes_sheet_and_statistics(small_media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = (tmp_path / "set", "--kind", "ms3", "--media", small_media, "--image-size", SIDE, "--workers", 0)
    sheet, statistics = tmp_path / "out" / "sheet.png", tmp_path / "out" / "page.html"
    command(monkeypatch, *base, "--clips", 3, "--split", "val", "--sheet", sheet, "--statistics", statistics)
    with Image.open(sheet) as picture:
        colours = np.asarray(picture).reshape(-1, 3)
    assert (colours == (255, 214, 10)).all(1).sum() > 50  # outlines
    text = statistics.read_text()
    assert "3 val" in text
    assert "talkers/sbia1a.mpg" in text
    command(monkeypatch, *base, "--clips", 2, "--split", "test", "--statistics", tmp_path / "page.md")
    notes = json.loads((tmp_path / "set" / "sources.json").read_text())
    assert [len(notes[s]["clips"]) for s in ("val", "test")] == [3, 2]
    areas = (tmp_path / "page.md").read_text().split("## Mask area")[1].split("##")[0].strip().splitlines()[4:]
    cells = np.array([[int(c) for c in line.split("|")[2:4]] for line in areas])
    assert cells.sum(0).tolist() == [3 * FRAMES, 2 * FRAMES]
    assert len(rows_of(tmp_path / "set" / "ms3_meta_data.csv")) == 5
    with pytest.raises(SystemExit, match="has clips of the split val already"):
        command(monkeypatch, *base, "--clips", 1, "--split", "val")


def test_errors_name_the_cause_and_the_remedy(small_media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "media" / "talkers").mkdir(parents=True)
    base = ("--kind", "s4", "--clips", 1, "--workers", 0)
    cases = {
        (
            tmp_path / "new",
            *base,
            "--media",
            tmp_path / "media",
        ): "no media folder: davis, coco128, sounds, speech, street missing",
        (tmp_path / "full", *base, "--media", small_media): "is not empty and holds no s4_meta_data.csv",
        (tmp_path / "new", *base, "--media", small_media, "--image-size", 33): "33 pixels is odd or less than 32",
        (tmp_path / "new", *base, "--media", small_media, "--statistics", "page.pdf"): "written as .html or .md",
        (tmp_path / "new", *base[:2], "--clips", 0, "--media", small_media): "at least 1 clip",
    }
    for arguments, expected in cases.items():
        with pytest.raises(SystemExit, match=expected) as error:
            command(monkeypatch, *arguments)
        assert str(error.value).startswith("avsac: ")
        assert "\n" not in str(error.value)
    assert not (tmp_path / "new").exists()
    with pytest.raises(MediaError, match="expected are the folders talkers, davis, coco128"):
        Library(tmp_path / "nowhere", "train")


def test_scenes_of_the_real_media(media: Path, tmp_path: Path) -> None:
    """The parts of the real media, all of them, and a few clips."""
    used = {name: library_files(Library(media, name)) for name in ("train", "val", "test")}
    photographs = sorted(p.relative_to(media).as_posix() for p in (media / "coco128" / "images").rglob("*.jpg"))
    for name, files in used.items():
        assert {split_of(f, photographs) for f in files} == {name}
    assert sum(map(len, used.values())) == len(set().union(*used.values()))
    assert {Path(f).stem for f in used["test"] if f.startswith("talkers")} == split.TEST_TALKERS
    build(tmp_path, Order("ms3", media, clips=2, side=SIDE))
    assert check("ms3", tmp_path).faults == 0
    sources = read_sources(tmp_path)
    assert_splits_are_disjoint(sources, media)
    assert draw_sheet("ms3", tmp_path, sources).width > 1000
    assert "MS3 scenes: 2 train, 2 val, 2 test" in page("ms3", sources, ".md")


def library_files(library: Library) -> set[str]:
    paths = [*library.talkers, *library.speech, *library.street, *(p for ps in library.sounds.values() for p in ps)]
    paths += [p for standing in (*library.photographs, *library.sequences) for p in standing.frames]
    return {library.name(p) for p in paths}
