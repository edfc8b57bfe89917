"""Answers as pictures: of each row of the figures a poor one, some in between and a good one."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .contact_sheet import FAINT, GAP, INK, PAPER, outlined
from .sample import Sample

PANEL, LABEL, HEAD = 128, 250, 30  # pixels
LIT = np.array([235, 60, 50])
QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.95)  # of a row's values


class AnswerSheet:
    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[float, Image.Image]]] = {}

    def add(self, row: str, sample: Sample, lit: np.ndarray, value: float) -> None:
        """lit [N,h,h] boolean: what is lit for each sound; the first is drawn, with the value of the picture."""
        self.answers.setdefault(row, []).append((value, panel(sample.image, lit[0], sample.masks[0] > 127)))

    def draw(self) -> Image.Image:
        width = LABEL + len(QUANTILES) * (PANEL + GAP)
        sheet = Image.new("RGB", (width, HEAD + len(self.answers) * (PANEL + GAP)), PAPER)
        draw = ImageDraw.Draw(sheet)
        font, small = ImageFont.load_default(13), ImageFont.load_default(11)
        draw.text((GAP, 8), "lit: red; what sounds: outlined", FAINT, small)
        for column, quantile in enumerate(QUANTILES):
            draw.text(
                (LABEL + column * (PANEL + GAP), 8), f"{quantile:.0%} of the values are lower", FAINT, ImageFont.load_default(9)
            )
        for index, (row, answers) in enumerate(self.answers.items()):
            top, ranked = HEAD + index * (PANEL + GAP), sorted(answers, key=lambda answer: answer[0])
            draw.text((GAP, top + 4), row, INK, font)
            draw.text((GAP, top + 24), f"mean {np.mean([value for value, _ in answers]):.3f} of {len(answers)}", FAINT, small)
            for column, quantile in enumerate(QUANTILES):
                value, picture = ranked[round(quantile * (len(ranked) - 1))]
                place = LABEL + column * (PANEL + GAP), top
                sheet.paste(picture, place)
                draw.text((place[0] + 3, top + PANEL - 15), f"{value:.2f}", PAPER, small, stroke_width=2, stroke_fill=INK)
        return sheet


def panel(image: np.ndarray, lit: np.ndarray, target: np.ndarray) -> Image.Image:
    """image [S,S,3] uint8, lit [h,h] and target [M,M] boolean."""
    size, nearest = (PANEL, PANEL), Image.Resampling.NEAREST
    pixels = np.array(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    shown, truth = (np.array(Image.fromarray(mask).resize(size, nearest)) for mask in (lit, target))
    pixels[shown] = pixels[shown] // 2 + LIT // 2
    return outlined(Image.fromarray(pixels), truth)
