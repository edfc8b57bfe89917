"""Training losses: segmentation (BCE + dice), audio-visual frame-wise synchrony (AVFS, Eq. 4)."""

import torch
import torch.nn.functional as F
from torch import Tensor


def avfs_loss(audio_query: Tensor, mask_feature: Tensor) -> Tensor:
    """Eq. 4: KL(softmax(F_a) || softmax(F_AGV)) over the channels, mean over pixels and frames. Scalar.

    audio_query F_a [B,Q,D], averaged over its queries and detached: the picture learns from the sound, never the sound
    from the picture. mask_feature F_AGV [B,D,h,w].
    """
    target = audio_query.detach().mean(1).softmax(-1)[:, :, None]  # [B,D,1]
    predicted = mask_feature.flatten(2).log_softmax(1)  # [B,D,h*w]
    return (torch.xlogy(target, target) - target * predicted).sum(1).mean()


def dice_loss(logits: Tensor, target: Tensor, smooth: float = 0.005) -> Tensor:
    """1 - dice per map with squared denominators, mean over the maps. Scalar in 0..1.

    logits, target [B,K,h,w], target in 0..1. `smooth` is a share of the picture's area: with it, an empty target still
    gives a gradient that darkens the map.
    """
    probability = logits.sigmoid().flatten(2)
    target = target.flatten(2)
    area = smooth * target.shape[-1]
    overlap = 2 * (probability * target).sum(-1) + area
    return (1 - overlap / (probability.square().sum(-1) + target.square().sum(-1) + area)).mean()


def segmentation_loss(logits: Tensor, target: Tensor) -> Tensor:
    """3 BCE + dice. logits, target [B,K,h,w], target in 0..1. Scalar."""
    return 3 * F.binary_cross_entropy_with_logits(logits, target) + dice_loss(logits, target)
