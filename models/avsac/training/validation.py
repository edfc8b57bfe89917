"""A model's figures and pictures on a validation split, the videos shared among the processes."""

import colorsys

import numpy as np
import torch
from lightning.fabric import Fabric
from torch.utils.data import DataLoader, Subset

from ..avsbench import AVSBench
from ..avsbench.evaluate import predict
from ..metrics.binary import THRESHOLD, BinaryScores
from ..metrics.semantic import SemanticScores
from ..model.avsac import AVSAC

PICTURES = 4


def measure(fabric: Fabric, model: AVSAC, clips: AVSBench, workers: int = 0) -> tuple[dict, dict[str, np.ndarray]]:
    """`summary` of BinaryScores or SemanticScores, the same on every process, and pictures of the first videos by name.

    One video at a time, as the published figures were taken. `model` in eval mode.
    """
    classes = model.config.classes
    scores = BinaryScores() if classes == 1 else SemanticScores(classes)
    mine = range(fabric.global_rank, len(clips), fabric.world_size)
    pictures = {}
    loader = DataLoader(Subset(clips, mine), collate_fn=list, num_workers=workers, generator=torch.Generator())
    for index, videos in zip(mine, loader, strict=True):
        ((clip, predicted),) = predict(model, [(clip, clip.log_mel) for clip in videos])
        image, truth, predicted = (frames[clip.supervised] for frames in (clip.image, clip.mask, predicted))
        scores.add(predicted, truth if classes > 1 else truth > 0)
        if index < PICTURES and len(truth):
            lit = predicted[0] if classes > 1 else (predicted[0] > THRESHOLD).astype(np.uint8)
            pictures[f"validation/{index}"] = picture(image[0], truth[0], lit)
    first, *others = gather(fabric, scores)
    for other in others:
        first.merge(other)
    return first.summary(), pictures


def gather(fabric: Fabric, scores: object) -> list:
    """`scores` of every process."""
    every = [scores] * fabric.world_size
    if fabric.world_size > 1:
        torch.distributed.all_gather_object(every, scores)
    return every


def picture(image: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """image [S,S,3] uint8, two masks [S,S] of classes -> [S,3S,3] uint8: frame, truth and mask side by side."""
    colours = np.array([(0, 0, 0), *(colorsys.hsv_to_rgb(0.618 * k % 1, 0.7, 1) for k in range(1, 256))])
    colours = (255 * colours).astype(np.uint8)
    return np.concatenate([image, colours[truth], colours[predicted]], 1)
