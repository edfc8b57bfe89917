"""Builds the folder of drawn things, once: sprites from icon sets, sounds by synthesis and sound fonts, voices by espeak-ng.

`FOLDER/<split>/sprites/<kind>/*.png` (RGBA), `FOLDER/<split>/sounds/<kind>/*.wav` (16 kHz) and sources.json. What the test part
has, icon sets, sound fonts, voices and seeds, the others do not have.
"""

import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image
from scipy import ndimage
from scipy.io import wavfile
from tqdm import tqdm

from .augment import Random
from .kinds import KINDS, Kind
from .media import SAMPLE_RATE, MediaError, read_audio
from .split import ICON_SETS, SOUND_FONTS, VOICES, IconSet
from .synthesis import COUNT, SECONDS, render, scaled

SPRITE_SIDE = 256
RENDITIONS = {"train": 16, "val": 4, "test": 6}  # of each kind
SENTENCES = 4  # of each voice
FONT_FOLDERS = (Path("/usr/share/sounds/sf2"), Path("/usr/share/soundfonts"))
WORDS = """the a this that my your his her our some morning river window paper yellow seven garden people water music quiet
seldom walked opened carried found under over behind between never always perhaps tomorrow quickly small heavy bright old green
bird train table question answer street letter winter summer boat with without and or but through""".split()


def build_things(folder: Path, seed: int = 0) -> None:
    """Writes the folder, with a progress bar. Raises MediaError when a tool or a sound font is missing."""
    if folder.exists() and any(folder.iterdir()):
        raise MediaError(f"{folder} is not empty; give a new folder")
    fonts = {name: find_font(name) for name in SOUND_FONTS}
    for tool, package in (("fluidsynth", "fluidsynth"), ("espeak-ng", "espeak-ng"), ("npm", "npm")):
        if not shutil.which(tool):
            raise MediaError(f"{tool} is not installed; on Debian: apt-get install {package}")
    sets = {icon_set: read_icons(icon_set) for icon_set in ICON_SETS}
    with tqdm(total=len(KINDS) * len(RENDITIONS), unit="kind", mininterval=1) as bar:
        for number, (name, kind) in enumerate(KINDS.items()):
            for part, renditions in RENDITIONS.items():
                for icon_set, icons in sets.items():
                    if icon_set.part == part:
                        draw(kind, icons, folder / part / "sprites" / name, icon_set.name)
                random = np.random.default_rng([seed, number, list(RENDITIONS).index(part)])
                [font] = [path for name, path in fonts.items() if part in SOUND_FONTS[name]]
                for i, pcm in enumerate(sounds(kind, random, renditions, font)):
                    write(folder / part / "sounds" / name / f"{i:02}.wav", pcm)
                bar.update()
    random = np.random.default_rng([seed, len(KINDS)])
    for i, voice in enumerate(VOICES * SENTENCES):
        write(folder / "train" / "sounds" / "speech" / f"{i:03}.wav", speak(random, voice))
    sources = {
        "seed": seed,
        "icons": {s.package: {"version": s.version, "licence": s.licence, "part": s.part} for s in ICON_SETS},
        "soundFonts": {name: {"parts": parts, "file": str(fonts[name])} for name, parts in SOUND_FONTS.items()},
        "voices": VOICES,
    }
    (folder / "sources.json").write_text(json.dumps(sources, indent=1) + "\n")


def find_font(name: str) -> Path:
    for folder in FONT_FOLDERS:
        if (folder / name).exists():
            return folder / name
    raise MediaError(f"the sound font {name} is missing; on Debian: apt-get install fluid-soundfont-gm timgm6mb-soundfont")


def write(path: Path, pcm: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, SAMPLE_RATE, (pcm * 32767).astype(np.int16))


# Sprites


def read_icons(icon_set: IconSet) -> dict:
    """The set's icons.json, from the npm registry."""
    with tempfile.TemporaryDirectory() as folder:
        call("npm", "pack", "--silent", f"{icon_set.package}@{icon_set.version}", cwd=folder)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            return json.load(archive.extractfile("package/icons.json"))


def draw(kind: Kind, icons: dict, folder: Path, set_name: str) -> None:
    for name in kind.icons:
        drawn = icons["icons"].get(icons.get("aliases", {}).get(name, {}).get("parent", name))
        if drawn:
            width, height = (drawn.get(key, icons.get(key, 16)) for key in ("width", "height"))
            # Sets of one colour are drawn in white, to be painted when they are shown.
            body = drawn["body"].replace("currentColor", "#fff")
            svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{body}</svg>'
            png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=SPRITE_SIDE))
            picture = Image.open(io.BytesIO(png)).convert("RGBA")
            picture = filled(picture.crop(picture.getchannel("A").getbbox()))
            folder.mkdir(parents=True, exist_ok=True)
            picture.save(folder / f"{set_name}-{name}.png")


def filled(picture: Image.Image) -> Image.Image:
    """Holes in a thing are black parts of it."""
    pixels = np.array(picture)
    solid = pixels[..., 3] > 127
    pixels[ndimage.binary_fill_holes(solid) & ~solid] = (0, 0, 0, 255)
    return Image.fromarray(pixels)


# Sounds


def sounds(kind: Kind, random: Random, count: int, font: Path) -> list[np.ndarray]:
    """`count` renditions of 4 s; none of a kind that has recordings."""
    if kind.recipe == "music":
        return play(random, font, count, **kind.settings)
    return [render(kind.recipe, kind.settings, random) for _ in range(count)] if kind.recipe else []


def play(
    random: Random, font: Path, count: int, program: int = 0, notes: tuple[int, int] = (48, 84), drum: tuple[int, ...] = ()
) -> list[np.ndarray]:
    """Melodies of a program of General MIDI, or rhythms of its drums, by FluidSynth."""
    events = [(0, bytes([0xC0, program]))]
    for i in range(count):
        events += phrase(random, i * SECONDS, notes, drum)
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = Path(folder) / "a.mid", Path(folder) / "a.wav"
        midi.write_bytes(midi_file(events))
        command = ["fluidsynth", "-niq", "-R", "0", "-C", "0", "-g", "0.8", "-r", str(SAMPLE_RATE), "-F", wav, font, midi]
        call(*map(str, command))
        pcm = np.pad(read_audio(wav), (0, count * COUNT))
    return [scaled(pcm[i * COUNT : (i + 1) * COUNT]) for i in range(count)]


TICKS = 480  # a second
SCALE = np.array([0, 2, 4, 5, 7, 9, 11])


def phrase(random: Random, start: float, notes: tuple[int, int], drum: tuple[int, ...]) -> list[tuple[int, bytes]]:
    """(tick, MIDI message) of SECONDS: a walk over a scale, or strokes; at a pace of its own."""
    pace, key, place, events, time = random.uniform(0.12, 0.6), random.integers(12), random.uniform(*notes), [], 0.0
    while time < SECONDS - 0.3:
        place = np.clip(place + random.normal(0, 3), *notes)
        pitches = [int(random.choice(drum))] if drum else [int(12 * (place // 12) + key % 2 + random.choice(SCALE))]
        if not drum and random.random() < 0.25:
            pitches.append(pitches[0] + int(random.choice([3, 4, 7])))
        channel, long = 9 if drum else 0, pace * random.choice([0.5, 1, 1, 2])
        for pitch in pitches:
            velocity = int(random.integers(70, 120))
            events.append((int((start + time) * TICKS), bytes([0x90 | channel, min(pitch, 108), velocity])))
            events.append((int((start + min(time + long, SECONDS - 0.1)) * TICKS), bytes([0x80 | channel, min(pitch, 108), 0])))
        time += long
    return events


def midi_file(events: list[tuple[int, bytes]]) -> bytes:
    """A file of format 0, 480 ticks a quarter of one second (Standard MIDI Files 1.0)."""
    track, now = bytearray(b"\x00\xff\x51\x03\x0f\x42\x40"), 0  # 1 000 000 microseconds a quarter
    for tick, message in sorted(events, key=lambda event: event[0]):
        track += variable_length(tick - now) + message
        now = tick
    track += b"\x00\xff\x2f\x00"
    header = b"MThd" + (6).to_bytes(4, "big") + b"".join(n.to_bytes(2, "big") for n in (0, 1, TICKS))
    return header + b"MTrk" + len(track).to_bytes(4, "big") + bytes(track)


def variable_length(value: int) -> bytes:
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(0x80 | value & 0x7F)
    return bytes(out[::-1])


def speak(random: Random, voice: str) -> np.ndarray:
    """A sentence of random words, some five seconds, at a pace and pitch of its own."""
    text = " ".join(random.choice(WORDS, 16))
    pace, pitch = int(random.integers(130, 190)), int(random.integers(25, 75))
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        call("espeak-ng", "-v", voice, "-s", str(pace), "-p", str(pitch), "-w", file.name, text)
        return scaled(read_audio(Path(file.name)))


def call(*command: str, cwd: str | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise MediaError(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-300:]}")
