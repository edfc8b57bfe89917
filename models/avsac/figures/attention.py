"""Fig. 5: where the decoder's branches attend, layer by layer, as maps over the frame."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..avsbench import Clip
from ..avsbench.evaluate import predict
from ..model.avsac import AVSAC

# Attention of a decoder layer, by the layer's name for it.
AUDIO_GUIDES = "audio_to_vision"  # pixels read the queries: Eq. 2
VISION_GUIDES = ("vision_to_audio", "cross_attention")  # queries read the pixels: Eq. 3, and AVSegFormer's decoder


@dataclass(frozen=True)
class Heat:
    """One layer's attention over T frames. 1 is what it would be if it were even: over the queries, or over the frame."""

    title: str
    maps: np.ndarray  # [T,h,w] float32, h and w those of stride 8


@dataclass(frozen=True)
class Attention:
    """A model's answer to a clip. A branch that the decoder kind lacks is empty."""

    predicted: np.ndarray  # [T,S,S] probability float32, or the likeliest class uint8
    audio_guides: list[Heat]  # a map a layer
    vision_guides: list[Heat]


@contextmanager
def recorded(model: AVSAC) -> Iterator[list[tuple[str, Tensor]]]:
    """Within it, what runs adds (the attention's name, weights [B,N,M], mean over heads) to the list, in the order of layers.

    Rows sum to 1. Fused attention never has these weights: they are computed beside it.
    """
    taken: list[tuple[str, Tensor]] = []

    def record(name: str):
        return lambda attention, inputs: taken.append((name, attention.weights(*inputs).mean(1).cpu()))

    names = (AUDIO_GUIDES, *VISION_GUIDES)
    present = [(name, getattr(layer, name)) for layer in model.decoder for name in names if hasattr(layer, name)]
    handles = [attention.register_forward_pre_hook(record(name)) for name, attention in present]
    try:
        yield taken
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def attend(model: AVSAC, clip: Clip) -> Attention:
    """Runs the model, in eval mode and on its own device, on a clip of its image size."""
    with recorded(model) as taken:
        [(_, predicted)] = predict(model, [(clip, clip.log_mel)])
    audio = [weights for name, weights in taken if name == AUDIO_GUIDES]
    vision = [weights for name, weights in taken if name in VISION_GUIDES]
    return Attention(
        predicted,
        [audio_guided(weights, model.level_shapes, f"layer {i}") for i, weights in enumerate(audio, 1)],
        [vision_guided(weights, model.level_shapes, f"layer {i}") for i, weights in enumerate(vision, 1)],
    )


def audio_guided(weights: Tensor, level_shapes: list[tuple[int, int]], title: str) -> Heat:
    """weights [T,L,Q], of a pixel over the queries -> how much the pixels of stride 8 read one query.

    All queries together get 1 from every pixel, so their mean shows nothing: the map is that of the query whose weight
    differs most over the clip (largest standard deviation). It is multiplied by Q: 1 is an equal part of all queries.
    """
    (height, width), queries = level_shapes[0], weights.shape[-1]
    fine = weights[:, : height * width] * queries
    query = int(fine.flatten(0, 1).std(0).argmax())
    return Heat(f"{title}, query {query}", fine[..., query].unflatten(1, (height, width)).numpy())


def vision_guided(weights: Tensor, level_shapes: list[tuple[int, int]], title: str) -> Heat:
    """weights [T,Q,L], of a query over the pixels of all levels -> density of attention over the frame, mean of queries.

    A coarse cell's weight is spread over the fine cells that it covers. The mean of each map is 1.
    """
    height, width = level_shapes[0]
    density = torch.zeros(len(weights), height, width)
    levels = weights.mean(1).split([h * w for h, w in level_shapes], 1)
    for (h, w), level in zip(level_shapes, levels, strict=True):
        cells = level.unflatten(1, (h, w)) * (h * w)
        density += cells.repeat_interleave(height // h, 1).repeat_interleave(width // w, 2)
    return Heat(title, density.numpy())
