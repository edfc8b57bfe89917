import numpy as np
import pytest

from avsac.metrics.binary import BinaryScores
from avsac.metrics.masks import MaskScores, iou
from avsac.metrics.semantic import SemanticScores


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


def slow_counts(lit, truth) -> tuple[int, int, int]:
    """Pixels that are lit and true, lit, true; of nested lists."""
    hit = lit_count = true_count = 0
    for lit_row, true_row in zip(lit, truth, strict=True):
        for p, t in zip(lit_row, true_row, strict=True):
            hit += bool(p and t)
            lit_count += bool(p)
            true_count += bool(t)
    return hit, lit_count, true_count


def slow_f(hit: int, lit: int, true: int) -> float:
    precision, recall = hit / lit if lit else 0.0, hit / true if true else 0.0
    return 1.3 * precision * recall / (0.3 * precision + recall) if precision + recall else 0.0


def slow_frame_iou(lit, truth) -> float:
    hit, lit_count, true = slow_counts(lit, truth)
    pixels = len(lit) * len(lit[0])
    return hit / (lit_count + true - hit) if true else (pixels - lit_count) / pixels


def slow_curve(probability, truth) -> list[float]:
    thresholds = [i * (1 - 1e-10) / 254 for i in range(255)]
    return [slow_f(*slow_counts([[p >= t for p in row] for row in probability], truth)) for t in thresholds]


def average(values: list) -> float:
    return sum(values) / len(values)


def slow_legacy(videos, batch_size: int) -> tuple[float, float]:
    ious, fs = [], []
    for start in range(0, len(videos), batch_size):
        frames = [frame for video in videos[start : start + batch_size] for frame in video]
        ious.append(average([slow_frame_iou([[p > 0.5 for p in row] for row in prob], truth) for prob, truth in frames]))
        curves = [slow_curve(prob, truth) for prob, truth in frames if any(map(any, truth))]
        if curves:
            fs.append(max(average([curve[j] for curve in curves]) for j in range(255)))
    return average(ious), average(fs)


def binary_videos() -> list[tuple[np.ndarray, np.ndarray]]:
    """(probability, truth) of seven videos: with hardly any, all, some pixels true; one without any; one saturated."""
    random = np.random.default_rng(5)
    videos = []
    for density in (0.02, 0.3, 1.0, 0.5, 0.0, 0.4, 0.6):
        truth = random.random((3, 6, 5)) < density
        probability = (0.6 * random.random((3, 6, 5)) + 0.4 * truth * random.random((3, 6, 5))).astype(np.float32)
        videos.append((probability, truth))
    videos[1][1][0] = False
    videos[5][0][:] = videos[5][0] > 0.4
    return videos


@pytest.mark.parametrize("batch_size", [1, 2, 4, 100])
def test_binary_scores_equal_nested_loops(batch_size: int) -> None:
    scores, videos, nested = BinaryScores(batch_size), binary_videos(), []
    for probability, truth in videos:
        scores.add(probability, truth)
        nested.append(list(zip(probability.astype(float).tolist(), truth.tolist(), strict=True)))
    summary = scores.summary()
    miou, f = slow_legacy(nested, batch_size)
    assert summary["legacy"] == pytest.approx({"miou": miou, "f": f})
    frames = [frame for video in nested for frame in video]
    curves = [slow_curve(prob, truth) for prob, truth in frames if any(map(any, truth))]
    halves = [([[p > 0.5 for p in row] for row in prob], truth) for prob, truth in frames]
    expected = {
        "miou": average([slow_frame_iou(*frame) for frame in halves]),
        "f": average([slow_f(*slow_counts(*frame)) for frame in halves if any(map(any, frame[1]))]),
        "maxF": max(average([curve[j] for curve in curves]) for j in range(255)),
    }
    assert summary["batchFree"] == pytest.approx(expected)


def test_only_the_legacy_scores_depend_on_the_batch_size() -> None:
    summaries = []
    for batch_size in (1, 3):
        scores = BinaryScores(batch_size)
        for video in binary_videos():
            scores.add(*video)
        summaries.append(scores.summary())
    assert summaries[0]["batchFree"] == summaries[1]["batchFree"]
    assert summaries[0]["legacy"]["miou"] != summaries[1]["legacy"]["miou"]  # seven videos: the last batch of three is short
    assert summaries[0]["legacy"]["f"] > summaries[1]["legacy"]["f"]  # one threshold for three videos fits each less well
    with pytest.raises(ValueError, match="batch_size is 0"):
        BinaryScores(0)


def test_binary_edges() -> None:
    dark, full = np.zeros((2, 4, 4)), np.ones((2, 4, 4))
    no, yes = dark.astype(bool), full.astype(bool)
    quarter = full.copy()
    quarter[:, :2, :2] = 0

    def score(*videos: tuple[np.ndarray, np.ndarray]) -> dict:
        scores = BinaryScores()
        for video in videos:
            scores.add(*video)
        return scores.summary()

    nothing = {"legacy": {"miou": None, "f": None}, "batchFree": {"miou": None, "f": None, "maxF": None}}
    assert score() == nothing
    silent = score((quarter, no))  # no ground truth: 4 of 16 pixels are rightly dark, and F does not count
    assert silent == {"legacy": {"miou": 0.25, "f": None}, "batchFree": {"miou": 0.25, "f": None, "maxF": None}}
    assert score((full, yes))["legacy"] == pytest.approx({"miou": 1.0, "f": 1.0})
    missed = score((dark, yes))
    assert missed["batchFree"]["f"] == 0
    assert missed["legacy"] == pytest.approx(
        {"miou": 0.0, "f": 1.0}
    )  # the lowest threshold, 0, lights every pixel: published F allows it
    assert score((full, yes), (dark, no))["legacy"] == pytest.approx({"miou": 1.0, "f": 1.0})


def slow_semantic(frames: list[tuple[list, list]], classes: int) -> tuple[dict, dict]:
    sums = [[0.0, 0.0, 0] for _ in range(classes)]
    totals = [[0, 0, 0] for _ in range(classes)]
    for predicted, truth in frames:
        for c in range(classes):
            counts = slow_counts([[p == c for p in row] for row in predicted], [[t == c for t in row] for row in truth])
            hit, lit, true = counts
            if lit or true:
                sums[c][0] += hit / (lit + true - hit)
                sums[c][1] += slow_f(*counts)
                sums[c][2] += 1
            totals[c] = [a + b for a, b in zip(totals[c], counts, strict=True)]
    legacy = [average([s[k] / s[2] if s[2] else 0.0 for s in sums]) for k in (0, 1)]
    seen = [(hit, lit, true) for hit, lit, true in totals if lit or true]
    whole = [average([h / (a + b - h) for h, a, b in seen]), average([slow_f(*counts) for counts in seen])]
    return dict(zip(("miou", "f"), legacy, strict=True)), dict(zip(("miou", "f"), whole, strict=True))


def test_semantic_scores_equal_nested_loops() -> None:
    random = np.random.default_rng(6)
    scores, frames = SemanticScores(7), []
    for count in (2, 5, 1):
        truth = random.integers(0, 5, (count, 6, 5)).astype(np.uint8)  # classes 5 and 6 are never true, 6 never predicted
        wrong = random.random(truth.shape) < 0.5
        predicted = np.where(wrong, random.integers(0, 6, truth.shape), truth).astype(np.uint8)
        truth[truth == 3] = 0  # class 3 is predicted only
        scores.add(predicted, truth)
        frames += zip(predicted.tolist(), truth.tolist(), strict=True)
    legacy, whole = slow_semantic(frames, 7)
    assert scores.summary()["legacy"] == pytest.approx(legacy)
    assert scores.summary()["batchFree"] == pytest.approx(whole)
    per_class = scores.per_class()
    assert per_class[6] is None
    assert per_class[3] == {"miou": 0.0, "f": 0.0, "frames": 8}
    assert sum(c["miou"] for c in per_class if c) / 7 == pytest.approx(legacy["miou"])


def test_semantic_edges() -> None:
    empty = SemanticScores(71).summary()
    assert empty == {"legacy": {"miou": None, "f": None}, "batchFree": {"miou": None, "f": None}}
    one_class = SemanticScores(71)
    one_class.add(np.zeros((3, 4, 4), np.uint8), np.zeros((3, 4, 4), np.uint8))
    summary = one_class.summary()
    assert summary["legacy"] == pytest.approx({"miou": 1 / 71, "f": 1 / 71})  # the published mean is over all 71
    assert summary["batchFree"] == pytest.approx({"miou": 1.0, "f": 1.0})
    missed = SemanticScores(71)
    missed.add(np.zeros((1, 4, 4), np.uint8), np.full((1, 4, 4), 70, np.uint8))
    assert missed.summary()["batchFree"] == {"miou": 0.0, "f": 0.0}
    assert missed.per_class()[70] == {"miou": 0.0, "f": 0.0, "frames": 1}


def test_scores_of_parts_merge_into_those_of_the_whole() -> None:
    videos = binary_videos()
    whole, first, second = BinaryScores(2), BinaryScores(2), BinaryScores(2)
    for index, video in enumerate(videos):
        whole.add(*video)
        (first if index < 3 else second).add(*video)
    first.merge(second)
    assert first.summary() == whole.summary()
    random = np.random.default_rng(7)
    whole, first, second = SemanticScores(5), SemanticScores(5), SemanticScores(5)
    for part in (first, second):
        predicted, truth = random.integers(0, 5, (2, 2, 6, 5)).astype(np.uint8)
        whole.add(predicted, truth)
        part.add(predicted, truth)
    first.merge(second)
    for name in ("legacy", "batchFree"):
        assert first.summary()[name] == pytest.approx(whole.summary()[name])
    assert [c["frames"] for c in first.per_class()] == [c["frames"] for c in whole.per_class()]
