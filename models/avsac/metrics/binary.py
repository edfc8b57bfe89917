"""mIoU and F of binary masks (S4, MS3): as published, which depends on the batch size, and free of batches."""

import numpy as np

from .masks import iou
from .overlap import f_score

THRESHOLDS = np.linspace(0.0, 1.0 - 1e-10, 255)
THRESHOLD = 0.5


def frame_iou(lit: np.ndarray, truth: np.ndarray) -> float:
    """lit, truth [H,W] boolean. Without ground truth: the share of pixels that are rightly dark."""
    return iou(lit, truth) if truth.any() else 1.0 - float(lit.mean())


def f_curve(probability: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """probability [H,W] in 0..1, truth [H,W] boolean, not empty -> F of probability >= THRESHOLDS, [255]."""
    passed = np.searchsorted(THRESHOLDS, probability.ravel(), side="right")  # how many thresholds each pixel reaches
    lit, hit = (
        np.bincount(pixels, minlength=len(THRESHOLDS) + 1)[::-1].cumsum()[-2::-1] for pixels in (passed, passed[truth.ravel()])
    )
    return f_score(hit, lit, truth.sum())


class BinaryScores:
    """Legacy: over the frames of a batch of videos, then over batches; F is each batch's own best threshold.

    Batch-free: every frame of the set weighs the same, at the threshold 0.5; `maxF` is the best of the whole set's mean curve.
    F leaves out frames without ground truth (and the legacy one batches of nothing else).
    """

    def __init__(self, batch_size: int = 1):
        """`batch_size` in videos; published tables are mostly of 1."""
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; a batch holds at least one video")
        self.batch_size = batch_size
        self.ious: list[list[float]] = []  # video -> frames
        self.curves: list[list[np.ndarray]] = []  # video -> frames with ground truth
        self.fs: list[float] = []

    def add(self, probability: np.ndarray, truth: np.ndarray) -> None:
        """One video's frames that have ground truth masks, in the set's order: probability [T,H,W], truth [T,H,W] boolean."""
        lit = probability > THRESHOLD
        self.ious.append([frame_iou(*frame) for frame in zip(lit, truth, strict=True)])
        sounding = truth.any((1, 2))
        self.curves.append([f_curve(*frame) for frame in zip(probability[sounding], truth[sounding], strict=True)])
        counts = (masks[sounding].sum((1, 2)) for masks in (lit & truth, lit, truth))
        self.fs.extend(f_score(*counts))

    def merge(self, other: "BinaryScores") -> None:
        """Takes in the videos of `other`, after its own."""
        self.ious += other.ious
        self.curves += other.curves
        self.fs += other.fs

    def summary(self) -> dict[str, dict[str, float | None]]:
        """{legacy: {miou, f}, batchFree: {miou, f, maxF}}, 0..1; None where nothing counts."""
        curves = flat(self.curves)
        batch_ious = [np.mean(flat(batch)) for batch in self.batches(self.ious)]
        batch_fs = [np.mean(flat(batch), 0).max() for batch in self.batches(self.curves) if flat(batch)]
        return {
            "legacy": {"miou": mean(batch_ious), "f": mean(batch_fs)},
            "batchFree": {
                "miou": mean(flat(self.ious)),
                "f": mean(self.fs),
                "maxF": float(np.mean(curves, 0).max()) if curves else None,
            },
        }

    def batches(self, videos: list) -> list[list]:
        return [videos[start : start + self.batch_size] for start in range(0, len(videos), self.batch_size)]


def flat(videos: list[list]) -> list:
    return [frame for video in videos for frame in video]


def mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
