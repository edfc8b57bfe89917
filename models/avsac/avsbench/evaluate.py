"""Figures of a model on a split of AVSBench: its masks, and whether it stays dark when nothing in view sounds."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from ..audio import log_mel
from ..metrics.binary import BinaryScores
from ..metrics.masks import MaskScores
from ..metrics.semantic import SemanticScores
from ..model.avsac import AVSAC
from .clip import Clip, collate
from .dataset import AVSBench, read_sound
from .errors import DataError
from .published import published
from .sound import AUDIO

WRONG_SOUNDS = ("silence", "noise", "off-screen")
NOISE_LEVEL = 0.1  # root mean square of the white noise: -20 dB of full scale


class WrongSounds(Dataset):
    """(clip, {sound: log-mel [T,1,96,64]}) with the sounds of WRONG_SOUNDS; off-screen needs a clip of another category."""

    def __init__(self, clips: AVSBench):
        self.clips = clips

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> tuple[Clip, dict[str, np.ndarray]]:
        clip, window = self.clips[index], self.clips.layout.window
        noise = np.random.default_rng(index).normal(0, NOISE_LEVEL, (window, AUDIO.samples)).clip(-1, 1)
        sounds = {"silence": log_mel(np.zeros((window, AUDIO.samples)))[:, None], "noise": log_mel(noise)[:, None]}
        other = self.off_screen(index)
        if other is not None:
            files = self.clips.files(other)
            # Padding is no sound: a short clip's patches go round.
            patches = np.arange(window) % len(files.frames)
            sounds["off-screen"] = read_sound(self.clips.layout, files)[patches]
        return clip, sounds

    def off_screen(self, index: int) -> int | None:
        """The first clip, from half the set further on, that has no category in common; MS3 names none: any other clip."""
        here, count = set(self.clips.files(index).categories), len(self.clips)
        for step in range(count):
            other = (index + count // 2 + step) % count
            if other != index and not here & set(self.clips.files(other).categories):
                return other
        return None


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
    samples = WrongSounds(clips) if wrong_sounds else clips
    for batch in tqdm(DataLoader(samples, batch_size, collate_fn=list, num_workers=workers), desc="eval", disable=None):
        videos = [item[0] for item in batch] if wrong_sounds else batch
        tensors = collate(videos)
        for clip, predicted in zip(videos, predict(model, tensors.image, tensors.log_mel), strict=True):
            truth = clip.mask[clip.supervised]
            scores.add(predicted[clip.supervised], truth if layout.classes > 1 else truth > 0)
            frames += len(truth)
        for sound in WRONG_SOUNDS if wrong_sounds else ():
            heard = [(clip, sounds[sound]) for clip, sounds in batch if sound in sounds]
            for clip, lit in darkness(model, heard):
                for mask in lit[clip.valid]:
                    dark.add(sound, mask, np.zeros_like(mask))
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


def darkness(model: AVSAC, heard: list[tuple[Clip, np.ndarray]]) -> Iterator[tuple[Clip, np.ndarray]]:
    """(clip, pixels lit by its sound [T,S,S] boolean)."""
    if not heard:
        return
    image = torch.from_numpy(np.stack([clip.image for clip, _ in heard]))
    mel = torch.from_numpy(np.stack([sound for _, sound in heard]))
    for (clip, _), predicted in zip(heard, predict(model, image, mel), strict=True):
        yield clip, predicted > (0.5 if model.config.classes == 1 else 0)


def predict(model: AVSAC, image: Tensor, mel: Tensor) -> np.ndarray:
    """image [B,T,S,S,3], mel [B,T,1,96,64] -> [B,T,S,S]: probability float32, or with more classes than one the class uint8."""
    device = next(model.parameters()).device
    logits = model(image.flatten(0, 1).to(device), mel.flatten(0, 1).to(device)).float()
    predicted = logits[:, 0].sigmoid() if logits.shape[1] == 1 else logits.argmax(1).byte()
    return predicted.unflatten(0, image.shape[:2]).cpu().numpy()


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
