"""What training minimises.

A frame's losses are one number each, [N] for N frames. `clip_mean` averages them over the counted frames of each clip, then
over the clips (the 1/T of Eq. 4), so a batch gives the same gradient however it is cut into micro-batches and processes.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .model.avsac import Output

FOCAL_GAMMA, FOCAL_ALPHA = 2.0, 0.25
DICE_EPSILON = 1e-3


def clip_mean(values: Tensor, counted: Tensor) -> Tensor:
    """Mean over the counted frames of each clip, then over the B clips; a clip without one gives 0. Scalar.

    values [n] of the counted frames in order, counted [B,T] bool with n true.
    """
    weight = counted / (counted.sum(1, keepdim=True).clamp(min=1) * len(counted))
    return (values * weight[counted].to(values)).sum()


# Synchrony of sound and picture: F_a [N,Q,D] is the audio input of the decoder, F_AGV [N,D,h,w] the mask feature.


def distributions(audio_query: Tensor, mask_feature: Tensor) -> tuple[Tensor, Tensor]:
    """P of Eq. 4, over the channels: P(F_a) [N,D,1], F_a averaged over its queries, and log P(F_AGV) [N,D,h*w].

    P(F_a) is detached: the picture learns from the sound, never the sound from the picture.
    """
    return audio_query.detach().mean(1).softmax(-1)[:, :, None], mask_feature.flatten(2).log_softmax(1)


def avfs(audio_query: Tensor, mask_feature: Tensor) -> Tensor:
    """Eq. 4: KL(P(F_a) || P(F_AGV)), summed over the channels, mean over the pixels. [N]."""
    target, predicted = distributions(audio_query, mask_feature)
    return (torch.xlogy(target, target) - target * predicted).sum(1).mean(-1)


def frame_wise_l2(audio_query: Tensor, mask_feature: Tensor) -> Tensor:
    """Table 4's fourth row: the L2 norm in the place of Eq. 4's divergence, frame by frame. [N]."""
    target, predicted = distributions(audio_query, mask_feature)
    return torch.linalg.vector_norm(predicted.exp() - target, dim=1).mean(-1)


def l2(audio_query: Tensor, mask_feature: Tensor, valid: Tensor) -> Tensor:
    """Table 4's third row: the L2 norm of clips instead of frame pairs. Rows are the n true ones of valid [B,T]. Scalar.

    The paper does not say how it differs from the frame-wise row. Ours: both distributions are averaged over the clip's
    valid frames first, so nothing ties a frame's picture to that frame's sound.
    """
    target, predicted = distributions(audio_query, mask_feature)
    weight = (valid / valid.sum(1, keepdim=True).clamp(min=1))[valid].to(predicted)[:, None, None]
    clips = predicted.new_zeros(len(valid), *predicted.shape[1:])
    clips = clips.index_add(0, valid.nonzero()[:, 0], weight * (predicted.exp() - target))
    return torch.linalg.vector_norm(clips, dim=1).mean()


def sync_loss(kind: str, audio_query: Tensor, mask_feature: Tensor, valid: Tensor) -> Tensor:
    """`kind` of SYNC but "none", over the valid frames. audio_query [B*T,Q,D], mask_feature [B*T,D,h,w], valid [B,T]."""
    # Left out by index, not by a factor: a padded frame may hold anything, and 0 * inf is not 0.
    frames = valid.flatten()
    audio_query, mask_feature = audio_query[frames], mask_feature[frames]
    if kind == "l2":
        return l2(audio_query, mask_feature, valid)
    distance = {"avfs": avfs, "frame-wise-l2": frame_wise_l2}[kind]
    return clip_mean(distance(audio_query, mask_feature), valid)


# Segmentation: logits [N,K,h,w], target [N,h,w] integers: 0 or 1 where K is 1, else classes 0..K-1, 0 the background.


def focal(logits: Tensor, target: Tensor) -> Tensor:
    """Focal loss (arXiv 1708.02002), mean over the pixels. [N].

    alpha weighs sounding pixels and 1 - alpha the background, with K > 1 classes (softmax) as with one (sigmoid).
    """
    if logits.shape[1] == 1:
        right = F.logsigmoid(torch.where(target > 0, logits[:, 0], -logits[:, 0]))
    else:
        right = logits.log_softmax(1).gather(1, target[:, None].long())[:, 0]
    alpha = torch.where(target > 0, FOCAL_ALPHA, 1 - FOCAL_ALPHA)
    return -(alpha * (1 - right.exp()) ** FOCAL_GAMMA * right).flatten(1).mean(1)


def dice(logits: Tensor, target: Tensor) -> Tensor:
    """1 - 2 sum(p g) / (sum p^2 + sum g^2), either sum plus 1e-3 (V-Net, arXiv 1606.04797), 0..1. [N].

    With K > 1 classes, the mean over the classes that the frame's truth holds, background included: the others have no
    overlap, hence no gradient.
    """
    target = target.flatten(1).long()
    if logits.shape[1] == 1:
        probability = logits.flatten(2).sigmoid()
        overlap = (probability[:, 0] * target).sum(1, keepdim=True)
        area = target.sum(1, keepdim=True)
        counted = torch.ones_like(area, dtype=torch.bool)
    else:
        probability = logits.flatten(2).softmax(1)
        # Sums by class without a one-hot copy of the target, which would be as large as the logits.
        right = probability.gather(1, target[:, None])[:, 0]
        overlap = right.new_zeros(probability.shape[:2]).scatter_add(1, target, right)
        area = right.new_zeros(probability.shape[:2]).scatter_add(1, target, torch.ones_like(right))
        counted = area > 0
    loss = 1 - 2 * overlap / (probability.square().sum(-1) + area + 2 * DICE_EPSILON)
    return (loss * counted).sum(1) / counted.sum(1)


def segmentation_loss(kind: str, logits: Tensor, mask: Tensor, supervised: Tensor) -> Tensor:
    """`kind` of SEGMENTATION over the supervised frames; logits are enlarged to the masks. Scalar.

    logits [B*T,K,h,w], mask [B,T,S,S] integers, supervised [B,T] bool: S4 trains on frame 1, AVSS on its flagged frames.
    """
    frames = supervised.flatten()
    logits, target = logits[frames], mask.flatten(0, 1)[frames]
    logits = F.interpolate(logits, size=target.shape[-2:], mode="bilinear", align_corners=False)
    loss = dice(logits, target)
    if kind == "focal-dice":
        loss = loss + focal(logits, target)
    return clip_mean(loss, supervised)


def live_segmentation_loss(logits: Tensor, target: Tensor, smooth: float = 0.005) -> Tensor:
    """3 BCE + dice, the live recipe's. logits, target [N,1,h,w], target 0..1. [N].

    `smooth` is a share of the picture's area: with it, an empty target still gives dice a gradient that darkens the map.
    """
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none").flatten(1).mean(1)
    probability, target = logits.sigmoid().flatten(1), target.flatten(1)
    area = smooth * target.shape[-1]
    overlap = 2 * (probability * target).sum(-1) + area
    return 3 * entropy + 1 - overlap / (probability.square().sum(-1) + target.square().sum(-1) + area)


# A teacher's answers (Hinton et al. 2015, arXiv 1503.02531; features as in FitNets, arXiv 1412.6550).

TAUGHT_FEATURES = ("mask_feature", "audio_query", "audio_embedding")


def distillation(ours: Output, theirs: Output) -> Tensor:
    """3 BCE to the teacher's probabilities, and 3 times each feature's squared error by the teacher's variance. [N]."""
    decided = F.binary_cross_entropy_with_logits(ours.logits, theirs.logits.sigmoid(), reduction="none").flatten(1).mean(1)
    features = [(getattr(ours, name), getattr(theirs, name)) for name in TAUGHT_FEATURES]
    return 3 * (decided + sum((mine - taught).square().flatten(1).mean(1) / taught.var() for mine, taught in features))
