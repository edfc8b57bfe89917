"""Drawn things: their table, their sounds, how they are painted."""

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avsac.avsbench.check import check
from avsac.live import synthesis
from avsac.live.acoustics import level
from avsac.live.kinds import KINDS, PHOTOGRAPHED
from avsac.live.library import Library
from avsac.live.media import COCO_NAMES, MediaError
from avsac.live.scene_files import Order, build, read_sources
from avsac.live.split import ICON_SETS, SOUND_FONTS
from avsac.live.sprites import paint
from avsac.live.things import FONT_FOLDERS, draw, filled, midi_file, phrase, play

from .test_scene_builder import SIDE, small_media  # noqa: F401
from .test_studio import small_things  # noqa: F401


def test_the_table_of_kinds_names_what_there_is() -> None:
    assert len(KINDS) > 60
    for kind in KINDS.values():
        assert kind.icons
        assert kind.recipe in {*synthesis.RECIPES, "music", None}
    assert set(PHOTOGRAPHED) - {"cows", "goat", "blackswan"} <= set(COCO_NAMES.values())
    assert {s.part for s in ICON_SETS} == {"train", "val", "test"}
    assert sorted(part for parts in SOUND_FONTS.values() for part in parts) == ["test", "train", "val"]


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.recipe in synthesis.RECIPES])
def test_a_rendition_can_be_heard_and_is_its_own(name: str) -> None:
    kind = KINDS[name]
    one, again, other = (synthesis.render(kind.recipe, kind.settings, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert one.shape == (synthesis.COUNT,)
    assert np.abs(one).max() == pytest.approx(0.5, abs=1e-3)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.9
    thirds = np.linspace(0, len(one), 4).astype(int)
    assert all(level(one[a:b]) > -50 for a, b in pairwise(thirds))


def test_midi_bytes() -> None:
    note = [(0, b"\xc0\x28"), (480, b"\x80\x3c\x00"), (240, b"\x90\x3c\x64")]
    assert midi_file(note).hex(" ") == (
        "4d 54 68 64 00 00 00 06 00 00 00 01 01 e0 "
        "4d 54 72 6b 00 00 00 18 00 ff 51 03 0f 42 40 00 c0 28 81 70 90 3c 64 81 70 80 3c 00 00 ff 2f 00"
    )
    for drum in ((), (36, 38)):
        events = phrase(np.random.default_rng(0), 8.0, (60, 72), drum)
        assert all(8 * 480 <= tick <= 12 * 480 for tick, _ in events)
        struck = {message[1] for _, message in events if message[0] & 0xF0 == 0x90}
        assert struck <= set(drum) if drum else max(struck) < 90


@pytest.mark.skipif(not shutil.which("fluidsynth"), reason="fluidsynth is not installed")
def test_a_sound_font_plays_the_pitch() -> None:
    fonts = [folder / "TimGM6mb.sf2" for folder in FONT_FOLDERS if (folder / "TimGM6mb.sf2").exists()]
    if not fonts:
        pytest.skip("timgm6mb-soundfont is not installed")
    first, second = play(np.random.default_rng(0), fonts[0], 2, program=73, notes=(69, 81))
    assert len(first) == len(second) == synthesis.COUNT
    assert min(level(first), level(second)) > -35
    spectrum = np.abs(np.fft.rfft(first))
    assert 300 < np.fft.rfftfreq(len(first), 1 / 16_000)[spectrum.argmax()] < 3000


def test_icons_are_drawn_whole(tmp_path: Path) -> None:
    ring = "<circle cx='8' cy='8' r='6' fill='none' stroke='currentColor' stroke-width='2'/>"
    icons = {"icons": {"bell": {"body": ring}, "other": {"body": ring}}, "aliases": {"ringing-bell": {"parent": "bell"}}}
    draw(KINDS["bell"], icons, tmp_path / "bell", "set")
    assert sorted(path.name for path in tmp_path.rglob("*.png")) == ["set-bell.png", "set-ringing-bell.png"]
    pixels = np.asarray(Image.open(tmp_path / "bell" / "set-bell.png"))
    middle = tuple(s // 2 for s in pixels.shape[:2])
    assert pixels[middle].tolist() == [0, 0, 0, 255]
    assert pixels[middle[0], 3].tolist() == [255, 255, 255, 255]
    np.testing.assert_array_equal(np.asarray(filled(Image.fromarray(pixels))), pixels)


def test_paint_keeps_what_covers_and_gives_silhouettes_a_colour() -> None:
    sprite = np.zeros((64, 64, 4), np.uint8)
    sprite[8:56, 20:44] = 255
    seen = []
    for seed in range(12):
        image, alpha = paint(np.random.default_rng(seed), Image.fromarray(sprite))
        assert image.shape[:2] == alpha.shape
        assert (alpha > 127).sum() == pytest.approx(48 * 24, rel=0.1)
        assert alpha.any(1).all() and alpha.any(0).all()
        seen.append(image[alpha > 200].mean(0))
    assert np.ptp(seen, 0).min() > 60


def test_drawn_things_widen_what_photographs_sound_like(small_media: Path, small_things: Path) -> None:  # noqa: F811
    with_things, without = Library(small_media, "train", small_things), Library(small_media, "train")
    assert not without.sprites
    assert "cows" in {standing.thing for standing in without.silent}
    assert with_things.sounds_of["cows"] == "cow"
    assert "cows" in {standing.thing for standing in with_things.things}
    assert with_things.name(with_things.sprites["cow"][0]) == "things/train/sprites/cow/set-cow.png"
    assert len(with_things.speech) == len(without.speech) + 1
    with pytest.raises(MediaError, match="build them with `avsac things"):
        Library(small_media, "train", small_media)


@pytest.mark.parametrize("kind", ["s4", "ms3"])
def test_clips_have_drawn_things(small_media: Path, small_things: Path, tmp_path: Path, kind: str) -> None:  # noqa: F811
    build(tmp_path, Order(kind, small_media, clips=12, splits=("test",), side=SIDE, things=small_things))
    report = check(kind, tmp_path)
    assert report.faults == 0
    sources = read_sources(tmp_path)
    drawn = [a for note in sources["test"]["clips"] for a in note["actors"] if a["name"].startswith("drawn ")]
    assert any(any(actor["seconds"]) for actor in drawn)
    used = {file for file in sources["test"]["files"] if file.startswith("things/")}
    assert used
    assert all(file.startswith("things/test/") for file in used)
