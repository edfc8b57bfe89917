"""One video as the model takes it, and several of them as tensors."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


@dataclass
class Clip:
    """T frames of S x S pixels, one sound patch a frame. S4 and MS3: T = 5; AVSS: T = 10."""

    name: str
    categories: tuple[str, ...]  # what sounds, as the metadata names it; empty for MS3, which does not say
    image: np.ndarray  # [T,S,S,3] uint8 RGB; black where not valid
    log_mel: np.ndarray  # [T,1,96,64] float32
    mask: np.ndarray  # [T,S,S] uint8: 0 or 1 (S4, MS3), class index 0..70 (AVSS); 0 where not supervised
    supervised: np.ndarray  # [T] bool: the frame has a mask
    valid: np.ndarray  # [T] bool: the frame is of the video, not padding; every supervised frame is valid


class ClipBatch(NamedTuple):
    """B clips of one data set. A named tuple, so that DataLoader can pin it and Fabric can move it to a device."""

    image: Tensor  # [B,T,S,S,3] uint8 RGB
    log_mel: Tensor  # [B,T,1,96,64] float32
    mask: Tensor  # [B,T,S,S] uint8
    supervised: Tensor  # [B,T] bool
    valid: Tensor  # [B,T] bool


def collate(clips: list[Clip]) -> ClipBatch:
    return ClipBatch(*(torch.from_numpy(np.stack([getattr(clip, field) for clip in clips])) for field in ClipBatch._fields))
