"""Lessons of recognition's layers `drawn`, before masks are learnt: what drawn things look like, and photographs do not.

Recognition as ImageNet taught it finds photographed things, and drawn ones hardly better than by chance. The layers read
the same features; told in lessons of their own which kind lies where, they know drawings that training did not have.
"""

import copy
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from ..model.avsac import AVSAC

# Of the lessons' pictures, by scene. What photographs look like is ImageNet's to say: there the layers are to say nothing.
LESSONS = {
    "drawn-thing": 0.3,
    "two-drawn-things": 0.4,
    "drawn-and-photographed": 0.16,
    "thing": 0.04,
    "thing-in-place": 0.05,
    "two-things": 0.05,
}
DRAWN = {"drawn-thing": 1, "two-drawn-things": 2, "drawn-and-photographed": 1}  # the last so many things of each
SEVERAL = max(DRAWN.values())
COVERED = 0.3  # share of a position from which on it is asked for its kind
EPOCHS = 12
LEARNING_RATE, WEIGHT_DECAY, DROPOUT, PICTURES = 2e-3, 0.2, 0.4, 64
WHICH, WHERE, ASIDE = 0.3, 2.0, 2.5


class LookBatch(NamedTuple):
    """P pictures, and up to two drawn things in each."""

    image: np.ndarray  # [P,S,S,3] uint8
    cover: np.ndarray  # [P,2,S/32,S/32] float32, share of each position that the thing covers
    kind: np.ndarray  # [P,2] int64, its place in RECOGNISED; -1: there is none


class Lesson(NamedTuple):
    """LookBatches as the layers see them: N pictures of Q positions."""

    coarsest: Tensor  # [N,C,h,w] float16, the backbone's coarsest map
    cover: Tensor  # [N,2,Q]
    kind: Tensor  # [N,2]


def look_loss(looks: Tensor, drawn: Tensor, cover: Tensor, kind: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """looks [P,Q,K] and what `drawn` adds to them [P,Q,K], cover [P,2,Q], kind [P,2], scale scalar, bias [K] -> scalar.

    Which kind a covered position shows (cross-entropy), where the kinds in view are (BCE to their cover, of a logistic of its
    look), and that the layer adds nothing elsewhere (square).
    """
    there, place = kind >= 0, kind.clamp(min=0)
    count = there.sum().clamp(min=1)
    covered = cover * (cover > COVERED) * there[..., None]
    covered = covered / covered.sum(-1, keepdim=True).clamp(min=1e-3)
    likelihood = (2 * looks).log_softmax(-1).transpose(1, 2)  # [P,K,Q]
    each = place[..., None].expand(-1, -1, looks.shape[1])
    which = -(likelihood.gather(1, each) * covered).sum() / count
    look = scale * looks.transpose(1, 2).gather(1, each) + bias[place][..., None]
    where = (F.binary_cross_entropy_with_logits(look, cover, reduction="none").mean(-1) * there).sum() / count
    elsewhere = 1 - (cover * there[..., None]).amax(1)
    aside = (drawn.square().mean(-1) * elsewhere).mean()
    return WHICH * which + WHERE * where + ASIDE * aside


@torch.no_grad()
def look_at(model: AVSAC, batches: Iterable[LookBatch]) -> Lesson:
    """What the frozen backbone sees of the pictures, once for all epochs."""
    coarsest, cover, kind = [], [], []
    for batch in batches:
        coarsest.append(model.backbone_maps(torch.from_numpy(batch.image))[-1].half())
        cover.append(torch.from_numpy(batch.cover).flatten(2))
        kind.append(torch.from_numpy(batch.kind))
    return Lesson(torch.cat(coarsest), torch.cat(cover), torch.cat(kind))


def learn_looks(model: AVSAC, lesson: Lesson, epochs: int = EPOCHS) -> None:
    """Fits `recognition.drawn`, with a progress bar. Its kinds add up to 0 at every position: it tells kinds, not drawings."""
    recognition = model.recognition
    layers = copy.deepcopy(recognition.drawn).requires_grad_(True)
    scale, bias = nn.Parameter(torch.ones(())), nn.Parameter(torch.full_like(layers[-1].bias, -1.0))
    products = [weight for weight in layers.parameters() if weight.dim() > 1]
    settled = [weight for weight in (*layers.parameters(), scale, bias) if weight.dim() <= 1]
    groups = [{"params": products}, {"params": settled, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = max(2, epochs * len(lesson.kind) // PICTURES)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, steps)
    for _ in tqdm(range(steps), "looks", mininterval=1):
        chosen = torch.randint(len(lesson.kind), (PICTURES,))
        with torch.no_grad():
            features = recognition.features(lesson.coarsest[chosen].float())
            photographed = recognition.photographed(features)
        drawn = centred(layers(F.dropout(features, DROPOUT)))
        loss = look_loss(photographed + drawn, drawn, lesson.cover[chosen], lesson.kind[chosen], scale, bias)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        layers[-1].weight.copy_(centred(layers[-1].weight, 0))
        layers[-1].bias.copy_(centred(layers[-1].bias))
    recognition.drawn.load_state_dict(layers.state_dict())


def centred(values: Tensor, axis: int = -1) -> Tensor:
    return values - values.mean(axis, keepdim=True)
