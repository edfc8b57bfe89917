"""Per-class IoU and F of semantic masks (AVSS)."""

import numpy as np

from .overlap import f_score, iou


class SemanticScores:
    """Legacy: each class averaged over the frames where it is in prediction or truth, then over all classes, absent ones as 0.

    Batch-free: each class's pixels summed over the whole set, then averaged over the classes that are in prediction or truth.
    """

    def __init__(self, classes: int):
        self.classes = classes
        self.frames = np.zeros(classes, np.int64)  # where the class is in prediction or truth
        self.iou_sums, self.f_sums = np.zeros(classes), np.zeros(classes)
        self.counts = np.zeros((3, classes), np.int64)  # hit, lit, true pixels

    def add(self, predicted: np.ndarray, truth: np.ndarray) -> None:
        """One video's frames that have ground truth masks: class of each pixel, both [T,H,W] uint8, 0 to classes - 1."""
        for p, t in zip(predicted, truth, strict=True):
            counts = np.stack([np.bincount(pixels.ravel(), minlength=self.classes) for pixels in (p[p == t], p, t)])
            self.counts += counts
            self.frames += counts[1:].any(0)
            self.iou_sums += iou(*counts)
            self.f_sums += f_score(*counts)

    def merge(self, other: "SemanticScores") -> None:
        """Takes in the videos of `other`."""
        self.frames += other.frames
        self.iou_sums += other.iou_sums
        self.f_sums += other.f_sums
        self.counts += other.counts

    def summary(self) -> dict[str, dict[str, float | None]]:
        """{legacy: {miou, f}, batchFree: {miou, f}}, 0..1; None before the first frame."""
        seen = self.frames > 0
        if not seen.any():
            return {"legacy": {"miou": None, "f": None}, "batchFree": {"miou": None, "f": None}}
        frames = np.maximum(self.frames, 1)
        return {
            "legacy": {"miou": float((self.iou_sums / frames).mean()), "f": float((self.f_sums / frames).mean())},
            "batchFree": {
                "miou": float(iou(*self.counts)[seen].mean()),
                "f": float(f_score(*self.counts)[seen].mean()),
            },
        }

    def per_class(self) -> list[dict[str, float] | None]:
        """{miou, f, frames} of each class by index, the terms of the legacy mean; None for a class that never occurs."""
        return [
            {"miou": float(i / n), "f": float(f / n), "frames": int(n)} if n else None
            for i, f, n in zip(self.iou_sums, self.f_sums, self.frames, strict=True)
        ]
