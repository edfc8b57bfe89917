"""Talking heads before a blue screen (GRID corpus): frames, alpha by chroma key, and when they speak."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy import ndimage

from .media import read_audio, read_video
from .voices import in_another_voice

FRAME_RATE = 25
SPEAKING_DBFS = -22.0  # the rooms' own noise reaches -29


SPILL = 13  # pixels, twice the depth to which the backdrop's colour is taken out
HUSH = 6  # frames between speech and a closed mouth
# Of the picture's height:
MOUTH = (0.12, 0.13)  # half of what moves when lips and jaw do, down and across
CHIN = 0.03  # from the lips to the middle of that
INSIDE = 0.04  # as near to the edge of a head, it is the head that moves
SOFT = 0.017  # deviation of the Gaussian that blurs movement, and the edge of what is exchanged


@dataclass
class Talker:
    """One clip. `speaking` are the frames in the middle of speech, `pcm` the clip's 16 kHz mono sound."""

    name: str
    frames: np.ndarray  # [F,H,W,3] uint8 RGB
    pcm: np.ndarray  # [n] float32, -1..1
    speaking: list[int]
    keyed: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    voices: dict[float, np.ndarray] = field(default_factory=dict)

    @property
    def silent(self) -> list[int]:
        """Frames well before or after the speech, the mouth closed."""
        first, last = self.speaking[0] - HUSH, self.speaking[-1] + HUSH
        return [i for i in range(len(self.frames)) if i < first or i > last]

    def silent_before(self, frame: int, back: int) -> int:
        """The frame `back` before a silent one, played there and back where the silence is shorter."""
        silent = set(self.silent)
        first = last = frame
        while first - 1 in silent:
            first -= 1
        while last + 1 in silent:
            last += 1
        place = (frame - back - first) % max(1, 2 * (last - first))
        return first + min(place, 2 * (last - first) - place)

    def key(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """(image [H,W,3] uint8 without the backdrop's spill, alpha [H,W] uint8, 255 where the person is); kept."""
        if frame not in self.keyed:
            alpha = chroma_key(self.frames[frame])
            # The backdrop shines through curls and on collars, within the cut-out, too.
            self.keyed[frame] = despill(self.frames[frame], ndimage.minimum_filter(alpha, SPILL)), alpha
        return self.keyed[frame]

    def voice(self, ratio: float) -> np.ndarray:
        """The sound in another voice, of the same length; kept."""
        if ratio not in self.voices:
            self.voices[ratio] = in_another_voice(self.pcm, ratio)
        return self.voices[ratio]

    @cached_property
    def mouth(self) -> np.ndarray:
        """[H,W,1] float32, 1 at lips and jaw, soft at its edge: where speech moves more than silence does."""
        luma = self.frames.astype(np.float32).mean(-1)
        moved = np.abs(luma[2:] - luma[:-2])

        def movement(frames: list[int]) -> np.ndarray | float:
            places = [frame - 2 for frame in frames if frame >= 2]
            return moved[places].mean(0) if places else 0.0

        height = len(luma[0])
        within = ndimage.binary_erosion(self.key(self.speaking[0])[1] > 128, iterations=round(INSIDE * height))
        more = np.maximum(movement(self.speaking) - movement(self.silent), 0)
        spoken = ndimage.gaussian_filter(more, SOFT * height) * within
        row, column = np.unravel_index(int(spoken.argmax()), spoken.shape)
        y, x = (axis / height for axis in np.ogrid[: spoken.shape[0], : spoken.shape[1]])
        inside = ((y - row / height - CHIN) / MOUTH[0]) ** 2 + ((x - column / height) / MOUTH[1]) ** 2 < 1
        return ndimage.gaussian_filter(inside.astype(np.float32), SOFT * height)[..., None]

    def cut_out(self, frames: list[int], mouths: list[int] | None = None) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """(images, alphas) of the frames, cropped alike to what they cover; down to the picture's lower edge.

        `mouths`: frames that the mouths are of; None: the same.
        """
        images, alphas = zip(*map(self.key, frames), strict=True)
        if mouths not in (None, frames):
            theirs = [self.key(mouth)[0].astype(np.float32) for mouth in mouths]
            images = [
                np.rint(image + self.mouth * (t - image)).astype(np.uint8) for image, t in zip(images, theirs, strict=True)
            ]
        covered = np.max(alphas, 0) > 128
        rows, columns = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
        box = slice(rows[0], None), slice(columns[0], columns[-1] + 1)
        return [image[box] for image in images], [alpha[box] for alpha in alphas]


def read_talker(path: Path) -> Talker:
    frames, pcm = read_video(path), read_audio(path)
    speaking = speaking_frames(pcm, len(frames))
    if not speaking:
        raise ValueError(f"{path}: no frame is louder than {SPEAKING_DBFS} dBFS")
    return Talker(path.stem, frames, pcm, speaking)


def chroma_key(frame: np.ndarray) -> np.ndarray:
    """Alpha of what is not backdrop. frame [H,W,3] uint8 RGB -> [H,W] uint8.

    The backdrop's colour and spread are measured in the two upper corners, on each side for its own half of the picture,
    because lamps light it unevenly; luma counts little, for the same reason. Keeps the largest piece and fills its holes.
    """
    height, width = frame.shape[:2]
    colour = ndimage.gaussian_filter(frame.astype(np.float32), (1, 1, 0))
    red, green, blue = np.moveaxis(colour, -1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    features = np.stack(((blue - luma) / (luma + 40), (red - luma) / (luma + 40), luma / 400), -1)
    corner = slice(6, height // 5), width // 6
    sides = [features[corner[0], 8 : corner[1]], features[corner[0], width - corner[1] : width - 8]]
    mean_left, mean_right = (np.median(side.reshape(-1, 3), 0) for side in sides)
    blend = np.linspace(0, 1, width)[None, :, None]
    distance = (features - (mean_left * (1 - blend) + mean_right * blend)) / np.array([0.10, 0.10, 0.9])
    distance = np.sqrt((distance**2).sum(-1))
    soft = np.clip((distance - 1.8) / 1.2, 0, 1)
    soft[:, :8] = soft[:, -8:] = 0  # some clips show the edge of the backdrop
    pieces, count = ndimage.label(soft > 0.5)
    if count == 0:
        return np.zeros((height, width), np.uint8)
    sizes = ndimage.sum_labels(np.ones_like(pieces), pieces, np.arange(1, count + 1))
    solid = ndimage.binary_fill_holes(pieces == 1 + int(np.argmax(sizes)))
    soft = np.where(ndimage.binary_erosion(solid, iterations=2), 1.0, soft * ndimage.binary_dilation(solid))
    return (soft * 255).astype(np.uint8)


def despill(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Takes the backdrop's blue and green out of the edge pixels. image [H,W,3] uint8, alpha [H,W] uint8."""
    limit = image[..., :1] * 1.05 + 8
    return np.where((alpha < 250)[..., None], np.minimum(image, limit), image).astype(np.uint8)


def speaking_frames(pcm: np.ndarray, frames: int, rate: int = 16_000) -> list[int]:
    """Frames between the first and the last loud one, where a pause is shorter than the patch that the model hears."""
    hop = rate // FRAME_RATE
    level = [np.sqrt(np.mean(pcm[max(0, i * hop - hop) : (i + 1) * hop + 1] ** 2) + 1e-12) for i in range(frames)]
    loud = np.flatnonzero(20 * np.log10(level) > SPEAKING_DBFS)
    return list(range(loud[0] + 3, loud[-1])) if len(loud) else []
