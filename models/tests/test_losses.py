import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck

from avsac.losses import (
    avfs,
    clip_mean,
    dice,
    distillation,
    focal,
    live_segmentation_loss,
    segmentation_loss,
    sync_loss,
)
from avsac.model.avsac import Output

VALID = torch.tensor([[True, True, False], [True, False, False]])
KINDS = ["avfs", "frame-wise-l2", "l2"]


def features(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """F_a [6,3,4] and F_AGV [6,4,2,2]: two clips of three frames."""
    return torch.randn(6, 3, 4, dtype=dtype), torch.randn(6, 4, 2, 2, dtype=dtype)


def softmax(values: list[float]) -> list[float]:
    total = sum(math.exp(v) for v in values)
    return [math.exp(v) / total for v in values]


def pairs(query: Tensor, feature: Tensor, frame: int) -> list[tuple[list[float], list[float]]]:
    """(audio distribution, picture distribution) of each of the frame's four pixels."""
    target = softmax(query[frame].mean(0).tolist())
    return [(target, softmax(feature[frame, :, y, x].tolist())) for y in range(2) for x in range(2)]


def norm(a: list[float], b: list[float]) -> float:
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))


def mean(rows: list[list[float]]) -> list[float]:
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def slow_sync(kind: str, query: Tensor, feature: Tensor) -> float:
    clips = []
    for counted in ([0, 1], [3]):  # the frames that VALID counts
        frames = [pairs(query, feature, frame) for frame in counted]
        if kind == "l2":
            averaged = [(mean([f[p][0] for f in frames]), mean([f[p][1] for f in frames])) for p in range(4)]
            clips.append(sum(norm(a, b) for a, b in averaged) / 4)
            continue
        distances = []
        for pixels in frames:
            if kind == "avfs":
                each = [sum(t * math.log(t / p) for t, p in zip(a, b, strict=True)) for a, b in pixels]
            else:
                each = [norm(a, b) for a, b in pixels]
            distances.append(sum(each) / 4)
        clips.append(sum(distances) / len(distances))
    return sum(clips) / 2


@pytest.mark.parametrize("kind", KINDS)
def test_sync_losses_equal_loops_over_clips_frames_and_pixels(kind: str) -> None:
    query, feature = features()
    assert sync_loss(kind, query, feature, VALID).item() == pytest.approx(slow_sync(kind, query, feature), rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_sync_gradients_are_right_reach_the_picture_only_and_pass_by_padded_frames(kind: str) -> None:
    query, feature = features()
    feature[2], query[2] = math.inf, math.nan  # padding may hold anything
    feature.requires_grad_()
    query.requires_grad_()
    counted = VALID.flatten()

    def of_counted(rows: Tensor) -> Tensor:
        return sync_loss(kind, query.detach(), feature.detach().index_put((counted,), rows), VALID)

    assert gradcheck(of_counted, feature.detach()[counted].requires_grad_())
    sync_loss(kind, query, feature, VALID).backward()
    assert query.grad is None
    assert (feature.grad[~counted] == 0).all()
    assert (feature.grad[counted].abs().sum((1, 2, 3)) > 0).all()


def test_avfs_is_zero_where_every_pixel_equals_the_sound_and_positive_elsewhere() -> None:
    query = torch.randn(1, 5, 8)
    same = query.mean(1)[:, :, None, None].expand(1, 8, 3, 3)
    assert abs(avfs(query, same).item()) < 1e-6
    assert abs(avfs(query, same + 7).item()) < 1e-6  # softmax ignores a constant
    assert avfs(query, same + torch.randn(1, 8, 3, 3)).item() > 0.01


def test_l2_of_clips_does_not_see_which_frame_had_which_sound() -> None:
    query, feature = features()
    valid, swapped = torch.ones(2, 3, dtype=torch.bool), torch.tensor([1, 2, 0, 3, 4, 5])
    assert sync_loss("l2", query[swapped], feature, valid) == pytest.approx(sync_loss("l2", query, feature, valid).item())
    difference = sync_loss("frame-wise-l2", query[swapped], feature, valid) - sync_loss("frame-wise-l2", query, feature, valid)
    assert difference.abs() > 1e-3


def slow_focal_dice(logits: Tensor, target: Tensor, alphas: list[float]) -> tuple[float, float]:
    """One frame by loops over its pixels; logits [K,h,w] with K the number of classes of a softmax, target [h,w]."""
    height, width = target.shape
    probability = [[softmax(logits[:, y, x].tolist()) for x in range(width)] for y in range(height)]
    every = [(probability[y][x], int(target[y, x])) for y in range(height) for x in range(width)]
    loss = sum(-alphas[t] * (1 - p[t]) ** 2 * math.log(p[t]) for p, t in every) / len(every)
    dices = []
    for k in sorted({t for _, t in every}):
        overlap = sum(p[k] for p, t in every if t == k)
        squares = sum(p[k] ** 2 for p, _ in every) + 1e-3
        area = sum(t == k for _, t in every) + 1e-3
        dices.append(1 - 2 * overlap / (squares + area))
    return loss, sum(dices) / len(dices)


def test_focal_and_dice_of_classes_equal_loops_over_pixels() -> None:
    logits, target = torch.randn(2, 5, 3, 4, dtype=torch.float64), torch.randint(0, 4, (2, 3, 4))
    for frame in range(2):
        slow = slow_focal_dice(logits[frame], target[frame], [0.75, 0.25, 0.25, 0.25, 0.25])
        assert focal(logits, target)[frame].item() == pytest.approx(slow[0], rel=1e-9)
        assert dice(logits, target)[frame].item() == pytest.approx(slow[1], rel=1e-9)


def test_focal_and_dice_of_one_class_are_those_of_the_sigmoid() -> None:
    logits, target = torch.randn(2, 1, 3, 4, dtype=torch.float64), torch.randint(0, 2, (2, 3, 4))
    for frame in range(2):
        two = torch.cat((torch.zeros(1, 3, 4), logits[frame]))  # softmax of (0, z) is the sigmoid of z
        slow, _ = slow_focal_dice(two, target[frame], [0.75, 0.25])
        assert focal(logits, target)[frame].item() == pytest.approx(slow, rel=1e-9)
        p, g = logits[frame, 0].sigmoid().flatten(), target[frame].flatten()
        expected = 1 - 2 * (p @ g.double()) / (p @ p + 1e-3 + g.sum() + 1e-3)
        assert dice(logits, target)[frame].item() == pytest.approx(expected.item(), rel=1e-9)


@pytest.mark.parametrize("classes", [1, 4])
@pytest.mark.parametrize("kind", ["focal-dice", "dice"])
def test_segmentation_gradients_are_right_and_pass_by_unsupervised_frames(kind: str, classes: int) -> None:
    logits = torch.randn(6, classes, 2, 2, dtype=torch.float64)
    mask = torch.randint(0, max(classes, 2), (2, 3, 4, 4))
    assert gradcheck(lambda x: segmentation_loss(kind, x, mask, VALID), logits.clone().requires_grad_())
    logits[2], mask[0, 2] = math.nan, 255  # a frame without ground truth may hold anything
    logits.requires_grad_()
    segmentation_loss(kind, logits, mask, VALID).backward()
    counted = VALID.flatten()
    assert (logits.grad[~counted] == 0).all()
    assert (logits.grad[counted].abs().sum((1, 2, 3)) > 0).all()


def test_segmentation_counts_each_clip_the_same_and_enlarges_the_logits() -> None:
    logits, mask = torch.randn(6, 1, 2, 2), torch.randint(0, 2, (2, 3, 8, 8), dtype=torch.uint8)
    large = F.interpolate(logits, size=(8, 8), mode="bilinear", align_corners=False)
    frames = focal(large, mask.flatten(0, 1)) + dice(large, mask.flatten(0, 1))
    expected = ((frames[0] + frames[1]) / 2 + frames[3]) / 2
    assert segmentation_loss("focal-dice", logits, mask, VALID).item() == pytest.approx(expected.item(), rel=1e-6)
    assert clip_mean(torch.zeros(0), torch.zeros(2, 3, dtype=torch.bool)).item() == 0


def test_a_batch_in_parts_gives_the_mean_of_the_parts() -> None:
    query, feature = features()
    whole = sync_loss("avfs", query, feature, VALID)
    parts = [sync_loss("avfs", query[3 * c : 3 * c + 3], feature[3 * c : 3 * c + 3], VALID[c : c + 1]) for c in (0, 1)]
    assert (sum(parts) / 2).item() == pytest.approx(whole.item(), rel=1e-12)


def test_the_live_loss_rewards_overlap_and_darkens_empty_targets() -> None:
    target = torch.zeros(1, 1, 8, 8)
    target[..., :4] = 1
    right = (target * 2 - 1) * 20
    good, bad = live_segmentation_loss(torch.cat((right, -right)), torch.cat((target, target)))
    assert good.item() < 1e-3
    assert bad.item() > 0.9
    logits = torch.zeros(1, 1, 8, 8, requires_grad=True)
    live_segmentation_loss(logits, torch.zeros(1, 1, 8, 8)).backward()
    assert (logits.grad > 0).all()


def test_distillation_is_least_at_the_teachers_answers_and_counts_each_of_them() -> None:
    shapes = {"logits": (2, 1, 4, 4), "mask_feature": (2, 3, 2, 2), "audio_query": (2, 3, 3), "audio_embedding": (2, 5)}
    theirs = {name: torch.randn(shape, dtype=torch.float64) for name, shape in shapes.items()}
    probability = theirs["logits"].sigmoid()
    least = 3 * -(probability * probability.log() + (1 - probability) * (1 - probability).log()).mean((1, 2, 3))
    torch.testing.assert_close(distillation(Output(**theirs), Output(**theirs)), least)
    for name, taught in theirs.items():
        ours = theirs | {name: taught + 1}
        if name == "logits":
            moved = (taught + 1).sigmoid()
            expected = 3 * -(probability * moved.log() + (1 - probability) * (1 - moved).log()).mean((1, 2, 3)) - least
        else:
            expected = (3 / taught.var()).expand(2)
        torch.testing.assert_close(distillation(Output(**ours), Output(**theirs)) - least, expected)
