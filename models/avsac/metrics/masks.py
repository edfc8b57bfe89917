"""Measures of masks, gathered per group of samples."""

from collections import defaultdict

import numpy as np

LIT_FRAME = 0.01  # a picture counts as lit when more than this share of it is


def iou(predicted: np.ndarray, target: np.ndarray) -> float:
    """Intersection over union of two boolean masks of one shape; 1 when both are empty."""
    union = np.count_nonzero(predicted | target)
    return np.count_nonzero(predicted & target) / union if union else 1.0


class MaskScores:
    """Mean IoU where something sounds, share of lit pixels and pictures where nothing in view does; per group."""

    def __init__(self, smallest: float = 0.003):
        """Targets below this share of the picture, but not empty, are left out: nearly covered things."""
        self.smallest = smallest
        self.ious: dict[str, list[float]] = defaultdict(list)
        self.lit: dict[str, list[float]] = defaultdict(list)

    def add(self, group: str, predicted: np.ndarray, target: np.ndarray) -> None:
        """predicted, target [H,W] boolean."""
        share = target.mean()
        if share == 0:
            self.lit[group].append(float(predicted.mean()))
        elif share >= self.smallest:
            self.ious[group].append(iou(predicted, target))

    def summary(self) -> dict[str, dict[str, float]]:
        """group -> {count, iou} and, with " (dark)" after its name, {count, litPixels, litPictures}; all shares 0..1."""
        table = {}
        for group, values in self.ious.items():
            table[group] = {"count": len(values), "iou": float(np.mean(values))}
        for group, values in self.lit.items():
            lit = np.array(values)
            table[f"{group} (dark)"] = {
                "count": len(values),
                "litPixels": float(lit.mean()),
                "litPictures": float((lit > LIT_FRAME).mean()),
            }
        return {
            group: {key: value if key == "count" else round(value, 4) for key, value in table[group].items()}
            for group in sorted(table)
        }
