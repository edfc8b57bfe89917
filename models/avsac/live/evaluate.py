"""Figures of the live model, a row a question, on pictures of a part that training does not see.

The same seed gives the same pictures every time. Masks are compared at half their side. Intervals are of the bootstrap over
pictures (Efron 1979), 95 %.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch.nn.functional as F

from ..audio import log_mel
from ..metrics.masks import iou
from .library import Library
from .sample import Sample
from .scenes import SceneSet
from .segmenter import Segmenter
from .studio import Studio

BATCH = 8
RESAMPLES = 2000
CLEARLY = 0.25  # more of the one who speaks is lit than of the other, of either's area
HEARD_IOU = 0.5

# Row -> {pictures, mean, low, high}: mean over the pictures and its 95 % interval, 0..1
Figures = dict[str, dict[str, float]]

# Of one map, all [M,M] boolean: what is lit, what sounds, what else in view might. 0..1
Measure = Callable[[np.ndarray, np.ndarray, np.ndarray], float]


def overlap(lit: np.ndarray, target: np.ndarray, other: np.ndarray) -> float:
    return iou(lit, target)


def heard_is_lit(lit: np.ndarray, target: np.ndarray, other: np.ndarray) -> float:
    of_heard = iou(lit, target)
    return float(of_heard >= HEARD_IOU and of_heard > iou(lit, other))


def clearly_right(lit: np.ndarray, target: np.ndarray, other: np.ndarray) -> float:
    """Whether the speaker's share that is lit is more than 25 points above the other person's."""
    return float(lit[target].mean() > (lit[other].mean() if other.any() else 0.0) + CLEARLY)


def lit_share(lit: np.ndarray, target: np.ndarray, other: np.ndarray) -> float:
    return float(lit.mean())


@dataclass(frozen=True)
class Row:
    """A question: pictures of a scene (None: of all), the sounds asked of each, and what is measured of each sound."""

    name: str
    scene: str | None
    asked: tuple[str, ...]
    measure: Measure


ROWS = (
    Row("IoU, one talker", "talker", ("each",), overlap),
    Row("IoU, talker beside a silent thing", "talker-and-silent-thing", ("each",), overlap),
    Row("IoU, thing beside a silent person", "thing-and-silent-person", ("each",), overlap),
    Row("IoU, thing where it stands", "thing-in-place", ("each",), overlap),
    Row("IoU, thing cut out", "thing", ("each",), overlap),
    Row("heard is lit, thing and talker", "thing-and-talker", ("each",), heard_is_lit),
    Row("heard is lit, two things", "two-things", ("each",), heard_is_lit),
    Row("IoU, drawn thing", "drawn-thing", ("each",), overlap),
    Row("heard is lit, two drawn things", "two-drawn-things", ("each",), heard_is_lit),
    Row("heard is lit, drawn and photographed", "drawn-and-photographed", ("each",), heard_is_lit),
    Row("clearly right, the other frozen", "two-people-frozen", ("each",), clearly_right),
    Row("clearly right, the other silent", "two-people-silent", ("each",), clearly_right),
    Row("clearly right, other words", "two-people-other-words", ("each",), clearly_right),
    Row("lit, silence", None, ("silence",), lit_share),
    Row("lit, noise", None, ("noise",), lit_share),
    Row("lit, sound of nothing in view", None, ("off-screen",), lit_share),
    Row("lit, voice of nobody, silent people", "silent-people", ("voice",), lit_share),
)
DEMO_SOUNDING = Row("IoU, demo scenes, sounding", None, (), overlap)
DEMO_DARK = Row("lit, demo scenes, dark", None, (), lit_share)


def demo_samples(folder: Path, count: int, split: str = "test") -> Iterator[tuple[Row, Sample]]:
    """`count` pictures of the held-out scenes in `folder`: sounds that light something, then those that do not.

    The first half of them is of the test, the second of the validation part.
    """
    scenes = SceneSet(folder / "held-out")  # before the first is asked for: it may be missing

    half = len(scenes) // 2
    pictures = range(half, len(scenes)) if split == "val" else range(half)

    def samples() -> Iterator[tuple[Row, Sample]]:
        for row, sounding in ((DEMO_SOUNDING, True), (DEMO_DARK, False)):
            for index in pictures[:count]:
                sample = scenes.sample(index)
                chosen = [i for i, mask in enumerate(sample.masks) if (mask.max() > 127) == sounding]
                if chosen:
                    yield row, sample.only(chosen)

    return samples()


def media_samples(library: Library, count: int, side: int, seed: int = 77) -> Iterator[tuple[Row, Sample]]:
    """`count` pictures of each of ROWS from the library's split; none of a scene for which it has nobody."""
    studio = Studio(library, side, seed=seed)
    for row in ROWS:
        for index in range(count) if studio.able(row.scene) else ():
            yield row, studio.sample(index, row.scene, row.asked)


def predict(segmenter: Segmenter, samples: list[Sample]) -> list[np.ndarray]:
    """Of each sample [n,M/2,M/2] float32: the logits for each of its sounds. Raises ValueError for pictures of another size."""
    if (side := len(samples[0].image)) != segmenter.side:
        raise ValueError(f"the pictures are {side} px wide, the model takes {segmenter.side}: render scenes of that --size")
    sounds = [len(sample.pcm) for sample in samples]
    image, earlier = (np.stack([getattr(sample, name) for sample in samples]) for name in ("image", "earlier"))
    mel = log_mel(np.concatenate([sample.pcm for sample in samples]))[:, None]
    logits = segmenter.logits(image, earlier, mel, sounds)
    full = F.interpolate(logits, size=(segmenter.mask_side,) * 2, mode="bilinear", align_corners=False)
    shrunk = F.interpolate(full, size=(segmenter.mask_side // 2,) * 2, mode="area")[:, 0].numpy()
    return np.split(shrunk, np.cumsum(sounds)[:-1])


def reduced(masks: np.ndarray, side: int) -> np.ndarray:
    """masks [N,m,m], 0..255 -> [N,side,side] boolean, where they cover at least half of a pixel. m is a multiple of side."""
    count, across = len(masks), masks.shape[-1] // side
    return masks.reshape(count, side, across, side, across).mean((2, 4)) > 127


# Takes the row's name, the sample, what is lit [N,M/2,M/2] boolean for each of its sounds, and the picture's value.
Watch = Callable[[str, Sample, np.ndarray, float], None]


def evaluate(segmenter: Segmenter, samples: Iterable[tuple[Row, Sample]], watch: Watch | None = None) -> Figures:
    """At the segmenter's own threshold."""
    return sweep(segmenter, samples, [segmenter.threshold], watch)[segmenter.threshold]


def sweep(
    segmenter: Segmenter, samples: Iterable[tuple[Row, Sample]], thresholds: list[float], watch: Watch | None = None
) -> dict[float, Figures]:
    """The figures at each of the thresholds, 0..1 exclusive, of the same predictions."""
    values: dict[float, dict[str, list[float]]] = {threshold: {} for threshold in thresholds}
    waiting = iter(samples)
    while batch := list(islice(waiting, BATCH)):
        for (row, sample), logits in zip(batch, predict(segmenter, [sample for _, sample in batch]), strict=True):
            others = sample.masks * 0 if sample.others is None else sample.others
            target, other = (reduced(masks, segmenter.mask_side // 2) for masks in (sample.masks, others))
            for threshold, of_rows in values.items():
                lit = logits > np.log(threshold / (1 - threshold))
                value = float(np.mean([row.measure(*of_sound) for of_sound in zip(lit, target, other, strict=True)]))
                of_rows.setdefault(row.name, []).append(value)
                if watch:
                    watch(row.name, sample, lit, value)
    return {threshold: {name: interval(np.array(v)) for name, v in of_rows.items()} for threshold, of_rows in values.items()}


def interval(values: np.ndarray) -> dict[str, float]:
    draws = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[draws].mean(1), (0.025, 0.975))
    mean, low, high = (round(float(value), 4) for value in (values.mean(), low, high))
    return {"pictures": len(values), "mean": mean, "low": low, "high": high}


def format_sweep(swept: dict[float, Figures]) -> str:
    """A line a row, a column a threshold."""
    lines = [f"{'threshold':<40}" + "".join(f"{threshold:>8.2f}" for threshold in swept)]
    for name in next(iter(swept.values())):
        lines.append(f"{name:<40}" + "".join(f"{figures[name]['mean']:>8.3f}" for figures in swept.values()))
    return "\n".join(lines)


def format_table(figures: Figures) -> str:
    lines = [f"{'':<40}{'pictures':>9}{'mean':>9}   95 % interval"]
    for name, row in figures.items():
        lines.append(f"{name:<40}{row['pictures']:>9}{row['mean']:>9.3f}   {row['low']:.3f} to {row['high']:.3f}")
    return "\n".join(lines)
