"""Figures of a model on a split of AVSBench: its masks, and whether it stays dark when nothing in view sounds."""

from collections.abc import Iterator

import numpy as np
import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from ..metrics.binary import THRESHOLD, BinaryScores
from ..metrics.masks import MaskScores
from ..metrics.semantic import SemanticScores
from ..model.avsac import AVSAC
from .clip import Clip
from .dataset import AVSBench
from .errors import DataError
from .published import published
from .wrong_sounds import WRONG_SOUNDS, Heard


@torch.no_grad()
def evaluate(model: AVSAC, clips: AVSBench, batch_size: int = 1, wrong_sounds: bool = True, workers: int = 0) -> dict:
    """Runs the model, on its own device, over the split. `batch_size` in videos: the legacy figures depend on it.

    Returns {kind, split, videos, frames, batchSize, legacy, batchFree, perClass (AVSS), wrongSounds, published}, shares 0..1.
    Raises DataError when the model's classes or image size are not the set's.
    """
    layout, config = clips.layout, model.config
    if config.classes != layout.classes:
        raise DataError(f"the model tells {config.classes} classes apart, {layout.kind} has {layout.classes}")
    if config.image_size != clips.image_size:
        raise DataError(f"the model takes {config.image_size} pixels a side; open the set with that, not {clips.image_size}")
    training = model.training
    model.eval()
    scores = BinaryScores(batch_size) if layout.classes == 1 else SemanticScores(layout.classes)
    dark, frames = MaskScores(), 0
    samples = Heard(clips, WRONG_SOUNDS if wrong_sounds else ())
    for batch in tqdm(DataLoader(samples, batch_size, collate_fn=list, num_workers=workers), desc="eval", disable=None):
        for clip, predicted in predict(model, [(clip, clip.log_mel) for clip, _ in batch]):
            truth = clip.mask[clip.supervised]
            scores.add(predicted[clip.supervised], truth if layout.classes > 1 else truth > 0)
            frames += len(truth)
        for sound in samples.sounds:
            for clip, predicted in predict(model, [(clip, sounds[sound]) for clip, sounds in batch if sound in sounds]):
                for lit in predicted[clip.valid] > (THRESHOLD if layout.classes == 1 else 0):
                    dark.add(sound, lit, np.zeros_like(lit))
    model.train(training)
    return {
        "kind": layout.kind,
        "split": clips.split,
        "videos": len(clips),
        "frames": frames,
        "batchSize": batch_size,
        **scores.summary(),
        **({"perClass": dict(zip(clips.class_names, scores.per_class(), strict=True))} if layout.classes > 1 else {}),
        "wrongSounds": {group.removesuffix(" (dark)"): row for group, row in dark.summary().items()},
        "published": published(layout),
    }


def predict(model: AVSAC, heard: list[tuple[Clip, np.ndarray]]) -> Iterator[tuple[Clip, np.ndarray]]:
    """(clip, log-mel [T,1,96,64]) in one batch -> (clip, [T,S,S]): probability float32, or the likeliest class uint8."""
    if not heard:
        return
    device = next(model.parameters()).device
    image = torch.from_numpy(np.concatenate([clip.image for clip, _ in heard])).to(device)
    mel = torch.from_numpy(np.concatenate([sound for _, sound in heard])).to(device)
    logits = model(image, mel).float()
    predicted = logits[:, 0].sigmoid() if logits.shape[1] == 1 else logits.argmax(1).byte()
    for (clip, _), frames in zip(heard, predicted.unflatten(0, (len(heard), -1)).cpu().numpy(), strict=True):
        yield clip, frames


def format_table(figures: dict) -> str:
    """The figures in percent beside the paper's, then how much is wrongly lit."""

    def percent(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.2f}"

    title = f"{figures['kind'].upper()} {figures['split']}, {figures['videos']} videos, {figures['frames']} frames"
    lines = [f"{title:<52}{'mIoU':>8}{'F':>8}"]
    whole = figures["batchFree"]
    rows = {f"legacy, batches of {figures['batchSize']}": figures["legacy"], "batch-free": whole}
    if "maxF" in whole:
        rows["batch-free, F at the best threshold"] = {"miou": whole["miou"], "f": whole["maxF"]}
    rows |= {f"paper: {method} (test)": row for method, row in figures["published"].items()}
    lines += [f"{name:<52}{percent(row['miou']):>8}{percent(row['f']):>8}" for name, row in rows.items()]
    if figures["wrongSounds"]:
        lines += ["", f"{'sound of nothing in view':<32}{'frames':>8}{'lit pixels %':>14}{'lit frames %':>14}"]
    for sound, row in figures["wrongSounds"].items():
        lines.append(f"{sound:<32}{row['count']:>8}{percent(row['litPixels']):>14}{percent(row['litPictures']):>14}")
    return "\n".join(lines)
