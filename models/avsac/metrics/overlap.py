"""IoU and F from pixel counts: `hit` pixels are lit and true, `lit` are lit, `true` are of the ground truth."""

import numpy as np
from numpy.typing import ArrayLike

BETA_SQUARED = 0.3


def divide(part: ArrayLike, whole: ArrayLike) -> np.ndarray:
    """Elementwise; 0 where the whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)


def iou(hit: ArrayLike, lit: ArrayLike, true: ArrayLike) -> np.ndarray:
    return divide(hit, np.add(lit, true) - hit)


def f_score(hit: ArrayLike, lit: ArrayLike, true: ArrayLike) -> np.ndarray:
    """(1 + b) P R / (b P + R) with b = beta^2, precision P = hit / lit and recall R = hit / true, multiplied out."""
    return divide((1 + BETA_SQUARED) * np.asarray(hit), BETA_SQUARED * np.asarray(true) + lit)
