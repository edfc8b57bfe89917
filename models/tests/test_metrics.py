import numpy as np
import pytest

from avsac.metrics import MaskScores, iou


def slow_iou(a: np.ndarray, b: np.ndarray) -> float:
    both = either = 0
    for p, q in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True):
        both += p and q
        either += p or q
    return both / either if either else 1.0


def test_iou_equals_counting() -> None:
    random = np.random.default_rng(0)
    for density in (0.0, 0.1, 0.5, 1.0):
        for _ in range(5):
            a, b = random.random((9, 7)) < density, random.random((9, 7)) < 0.4
            assert iou(a, b) == pytest.approx(slow_iou(a, b))
    assert iou(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 1


def test_scores_keep_sounding_and_dark_apart_and_leave_out_specks() -> None:
    scores = MaskScores(smallest=0.01)
    full, none, speck = np.ones((20, 20), bool), np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    speck[0, :2] = True
    half = full.copy()
    half[:10] = False
    scores.add("right", half, full)
    scores.add("right", full, full)
    scores.add("right", full, speck)
    scores.add("silent", none, none)
    scores.add("silent", half, none)
    assert scores.summary() == {
        "right": {"count": 2, "iou": 0.75},
        "silent (dark)": {"count": 2, "litPixels": 0.25, "litPictures": 0.5},
    }
