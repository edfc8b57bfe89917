"""Held-out figures: demo scenes never trained on, and moments of people, photographs and sounds never trained on."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ..audio import log_mel
from ..metrics.masks import MaskScores
from ..model.avsac import AVSAC
from .library import Library
from .sample import Sample
from .scenes import SceneSet
from .studio import SHARES, Studio

BATCH = 8


def scene_samples(folder: Path, count: int) -> Iterator[tuple[str, Sample]]:
    """(source, sample) of the first `count` pictures of the held-out scenes in `folder`."""
    scenes = SceneSet(folder / "held-out")
    for index in range(min(count, len(scenes))):
        yield "scene", scenes.sample(index)


def media_samples(root: Path, count: int, side: int, split: str = "val", seed: int = 77) -> Iterator[tuple[str, Sample]]:
    """(scene, sample), `count` of them in the proportions of training, of a part that training does not see."""
    studio = Studio(Library(root, split), side, seed=seed)
    for scene, share in SHARES.items():
        for index in range(max(1, round(share * count))):
            yield scene, studio.sample(index, scene)


@torch.no_grad()
def predict(model: AVSAC, samples: list[Sample], side: int) -> np.ndarray:
    """[P,3,side,side] boolean: what the model lights for each picture and sound, shrunk to the masks' side."""
    picture, earlier = (
        torch.from_numpy(np.stack(frames)) for frames in zip(*((s.image, s.earlier) for s in samples), strict=True)
    )
    tokens = model.encode_image(picture, earlier)
    mel = torch.from_numpy(log_mel(np.concatenate([s.pcm for s in samples]))[:, None])
    sounds = len(mel) // len(samples)
    logits = model.decode(tokens.repeat_interleave(sounds, 0), mel).logits
    full = F.interpolate(logits, size=(model.config.image_size,) * 2, mode="bilinear", align_corners=False)
    shrunk = F.interpolate(full, size=(side, side), mode="area")
    return (shrunk[:, 0] > 0).unflatten(0, (len(samples), sounds)).numpy()


def evaluate(model: AVSAC, samples: Iterable[tuple[str, Sample]]) -> dict[str, dict[str, float]]:
    """`MaskScores.summary` with groups "source/tag"."""
    training = model.training
    model.eval()
    scores, waiting = MaskScores(), []

    def score() -> None:
        predicted = predict(model, [sample for _, sample in waiting], waiting[0][1].masks.shape[-1])
        for (source, sample), masks in zip(waiting, predicted, strict=True):
            for tag, mask, target in zip(sample.tags, masks, sample.masks, strict=True):
                scores.add(f"{source}/{tag}", mask, target > 127)
        waiting.clear()

    for item in samples:
        waiting.append(item)
        if len(waiting) == BATCH:
            score()
    if waiting:
        score()
    model.train(training)
    return scores.summary()


def format_table(summary: dict[str, dict[str, float]]) -> str:
    lines = [f"{'group':<36}{'count':>6}{'IoU':>8}{'lit pixels':>12}{'lit pictures':>14}"]
    for group, row in summary.items():
        cells = (row.get(key) for key in ("iou", "litPixels", "litPictures"))
        iou, pixels, pictures = ("" if c is None else f"{c:.3f}" for c in cells)
        lines.append(f"{group:<36}{row['count']:>6}{iou:>8}{pixels:>12}{pictures:>14}")
    return "\n".join(lines)
