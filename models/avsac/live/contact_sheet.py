"""A sheet of clips as they lie on disk: frames with outlined truths, the sound, and who sounds in which second."""

from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from ..avsbench.layouts import LAYOUTS, ClipFiles
from ..avsbench.metadata import read_table
from ..avsbench.pictures import open_picture, read_binary_mask
from .acoustics import level
from .actors import BOUNDS, FRAMES, SAMPLES
from .media import read_audio

PANEL, GAP, HEAD, STRIP, LINE = 150, 4, 34, 56, 15  # pixels
COLUMNS = 2
PAPER, INK, FAINT = (250, 250, 248), (30, 30, 34), (150, 150, 156)
OUTLINE = ((0, 0, 0), (255, 214, 10))  # visible on dark and on light
VOICES = ((209, 73, 91), (59, 110, 168), (60, 150, 90), (200, 130, 20), (120, 90, 170))
OFF_SCREEN, OFF = (110, 110, 116), (232, 232, 230)
WIDTH = FRAMES * (PANEL + GAP) - GAP


def draw_sheet(kind: str, path: Path, sources: dict, most: int = 12) -> Image.Image:
    """Up to `most` clips, evenly spread over those of each split."""
    layout = LAYOUTS[kind]
    rows = {
        next(value for column, value in row.items() if column != "split"): row for row in read_table(path / layout.table, ())
    }
    share = max(1, most // len(sources))
    notes = [
        note
        for split in sources.values()
        for note in (split["clips"][i] for i in np.unique(np.linspace(0, len(split["clips"]) - 1, share).astype(int)))
    ]
    clips = [draw_clip(note, layout.locate(path, rows[note["name"]])) for note in notes]
    heights = [max(c.height for c in clips[i : i + COLUMNS]) + 4 * GAP for i in range(0, len(clips), COLUMNS)]
    columns = min(COLUMNS, len(clips))
    sheet = Image.new("RGB", (columns * (WIDTH + 6 * GAP), sum(heights) + 4 * GAP), PAPER)
    for i, clip in enumerate(clips):
        sheet.paste(clip, (3 * GAP + i % COLUMNS * (WIDTH + 6 * GAP), 4 * GAP + sum(heights[: i // COLUMNS])))
    return sheet


def draw_clip(note: dict, files: ClipFiles) -> Image.Image:
    voices = [(a["name"], a["sound"], a["seconds"]) for a in note["actors"]]
    voices += [("off-screen", s["sound"], s["seconds"]) for s in note["offScreen"]]
    picture = Image.new("RGB", (WIDTH, HEAD + PANEL + GAP + STRIP + GAP + LINE * len(voices)), PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((0, 0), f"{note['name']}   {note['scene']}", INK, ImageFont.load_default(14))
    draw.text((0, 18), fit(draw, f"on {note['backdrop']}; {conditions(note['conditions'])}"), FAINT, ImageFont.load_default(11))
    for t, (frame, mask) in enumerate(zip(files.frames, files.masks, strict=True)):
        panel = open_picture(frame).convert("RGB").resize((PANEL, PANEL), Image.Resampling.LANCZOS)
        if mask:
            panel = outlined(panel, read_binary_mask(mask, PANEL))
        picture.paste(panel, (t * (PANEL + GAP), HEAD))
        if not mask:
            corner = t * (PANEL + GAP) + 4, HEAD + PANEL - 14
            draw.text(corner, "no mask", (255, 255, 255), ImageFont.load_default(10), stroke_width=1, stroke_fill=INK)
    picture.paste(waveform(read_audio(files.wav)), (0, HEAD + PANEL + GAP))
    for i, (name, sound, seconds) in enumerate(voices):
        top = HEAD + PANEL + 2 * GAP + STRIP + i * LINE
        colour = OFF_SCREEN if name == "off-screen" else VOICES[i % len(VOICES)]
        for t, on in enumerate(seconds):
            left, right = WIDTH * BOUNDS[t] / SAMPLES, WIDTH * BOUNDS[t + 1] / SAMPLES - 2
            draw.rectangle((left, top + 1, right, top + LINE - 2), colour if on else OFF)
        label = f"{name}: {sound}" if sound else f"{name}: silent"
        ink, paper = ((255, 255, 255), colour) if seconds[0] else (INK, OFF)
        draw.text((4, top), label, ink, ImageFont.load_default(11), stroke_width=2, stroke_fill=paper)
    return picture


def fit(draw: ImageDraw.ImageDraw, text: str) -> str:
    """Cut where the clip ends."""
    font = ImageFont.load_default(11)
    while draw.textlength(text, font) > WIDTH:
        text = text[:-4] + "…"
    return text


def conditions(how: dict) -> str:
    said = [f"{how['loudnessDbfs']:.0f} dBFS"]
    if how["snrDb"] is not None:
        said.append(f"noise ({how['noise']}) at {how['snrDb']:.0f} dB SNR")
    if how["opusKbps"]:
        said.append(f"Opus {how['opusKbps']} kb/s")
    if how.get("video"):
        said.append(f"{how['video']} {how['bitsPerPixel']} bit/pixel")
    return ", ".join(said + [name for name in ("reverberation", "dark", "blur", "shake") if how.get(name)])


def outlined(picture: Image.Image, mask: np.ndarray) -> Image.Image:
    """A bright line just within the mask, a dark one around it. mask [H,W] 0 or 1."""
    inside = mask.astype(bool)
    pixels = np.array(picture)
    bright = inside & ~ndimage.binary_erosion(inside, iterations=2, border_value=0)
    dark = ndimage.binary_dilation(inside) & ~inside
    pixels[dark], pixels[bright] = OUTLINE
    return Image.fromarray(pixels)


def waveform(pcm: np.ndarray) -> Image.Image:
    """Peaks and level over the clip, seconds divided where the model's patches begin; the loudest peak fills the strip."""
    strip = Image.new("RGB", (WIDTH, STRIP), (240, 240, 238))
    draw = ImageDraw.Draw(strip)
    peak = max(float(np.abs(pcm).max()), 1e-4)
    for x, part in enumerate(np.array_split(pcm, WIDTH)):
        high, low = part.max() / peak, part.min() / peak
        draw.line((x, STRIP / 2 * (1 - high), x, STRIP / 2 * (1 - low)), (90, 90, 98))
    for begin, end in pairwise(BOUNDS):
        x = WIDTH * begin / SAMPLES
        draw.line((x, 0, x, STRIP), (255, 255, 255), 2)
        heard = level(pcm[begin:end])
        label = f"{heard:.0f} dBFS" if heard > -85 else "silence"
        draw.text((x + 5, 1), label, INK, ImageFont.load_default(10), stroke_width=2, stroke_fill=(240, 240, 238))
    return strip
