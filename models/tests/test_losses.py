import math

import torch

from avsac.losses import avfs_loss, dice_loss, segmentation_loss


def test_avfs_is_the_mean_divergence_over_pixels() -> None:
    query, feature = torch.randn(2, 3, 4), torch.randn(2, 4, 2, 2)
    total = 0.0
    for frame in range(2):
        target = query[frame].mean(0).softmax(0)
        for row in range(2):
            for column in range(2):
                predicted = feature[frame, :, row, column].softmax(0)
                total += sum(t * math.log(t / p) for t, p in zip(target.tolist(), predicted.tolist(), strict=True))
    assert math.isclose(avfs_loss(query, feature).item(), total / 8, rel_tol=1e-5)


def test_avfs_teaches_the_picture_only() -> None:
    query = torch.randn(2, 3, 4, requires_grad=True)
    feature = torch.randn(2, 4, 2, 2, requires_grad=True)
    avfs_loss(query, feature).backward()
    assert query.grad is None
    assert feature.grad.abs().sum() > 0


def test_avfs_is_zero_where_every_pixel_equals_the_sound_and_positive_elsewhere() -> None:
    query = torch.randn(1, 5, 8)
    same = query.mean(1)[:, :, None, None].expand(1, 8, 3, 3)
    assert abs(avfs_loss(query, same).item()) < 1e-6
    assert abs(avfs_loss(query, same + 7).item()) < 1e-6  # softmax ignores a constant
    assert avfs_loss(query, same + torch.randn(1, 8, 3, 3)).item() > 0.01


def test_dice_rewards_overlap_and_darkens_empty_targets() -> None:
    target = torch.zeros(1, 1, 8, 8)
    target[..., :4] = 1
    right = (target * 2 - 1) * 20
    assert dice_loss(right, target).item() < 1e-3
    assert dice_loss(-right, target).item() > 0.9
    logits = torch.zeros(1, 1, 8, 8, requires_grad=True)
    segmentation_loss(logits, torch.zeros(1, 1, 8, 8)).backward()
    assert (logits.grad > 0).all()
    assert dice_loss(torch.full((1, 1, 8, 8), -20.0), torch.zeros(1, 1, 8, 8)).item() < 1e-6
