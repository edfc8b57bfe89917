"""Fig. 1: the share that each modality contributes to the final feature.

The paper compares "the proportion of audio and visual feature components included in the final feature" and gives no
formula. Ours: the final feature is what Eq. 1's linear layer takes, f = F_AGV + MLP(F_AGV . F_VGA). A modality's component
is its Shapley value, as in MM-SHAP (Parcalabescu and Frank 2023, arXiv:2212.08158): what f changes by when the modality
joins, averaged over joining first and joining second,

    audio  = ((f(v, a) - f(v, -)) + (f(-, a) - f(-, -))) / 2
    vision = ((f(v, a) - f(-, a)) + (f(v, -) - f(-, -))) / 2        audio + vision = f(v, a) - f(-, -)

where an absent sound is silence and an absent picture one of the backbone's mean colour. The size of a component is its
L2 norm over channels; the share of audio is the size of its component divided by the sum of both.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..avsbench import AVSBench, Clip
from ..avsbench.wrong_sounds import Heard
from ..model.avsac import AVSAC, Encoded


@dataclass(frozen=True)
class Contribution:
    """Sizes of the two components at each pixel of the mask feature, [T,h,w] float32, of a clip's T valid frames."""

    clip: Clip
    audio: np.ndarray
    vision: np.ndarray

    @property
    def share(self) -> float:
        """The audio's, 0..1, of the whole clip."""
        return float(self.audio.sum() / (self.audio.sum() + self.vision.sum()))

    @property
    def maps(self) -> np.ndarray:
        """[T,h,w], the audio's share at each pixel, 0..1."""
        return self.audio / (self.audio + self.vision)


def contributions(model: AVSAC, clips: AVSBench, indices: Iterable[int]) -> Iterator[Contribution]:
    """Of the clips at `indices`, by a model in eval mode, on its own device."""
    heard = Heard(clips, ("silence",))
    for index in indices:
        clip, sounds = heard[index]
        yield contribution(model, clip, sounds["silence"])


@torch.no_grad()
def contribution(model: AVSAC, clip: Clip, silence: np.ndarray) -> Contribution:
    """silence: log-mel of the clip's shape [T,1,96,64]."""
    device = next(model.parameters()).device
    image, sound, silence = (torch.from_numpy(x[clip.valid]).to(device) for x in (clip.image, clip.log_mel, silence))
    seen, blank = model.encode_image(image), model.encode_image(mean_colour(model, image))
    both, picture = final_feature(model, seen, sound), final_feature(model, seen, silence)
    heard, nothing = final_feature(model, blank, sound), final_feature(model, blank, silence)
    audio = ((both - picture) + (heard - nothing)) / 2
    vision = ((both - heard) + (picture - nothing)) / 2
    return Contribution(clip, audio.norm(dim=1).cpu().numpy(), vision.norm(dim=1).cpu().numpy())


def mean_colour(model: AVSAC, image: Tensor) -> Tensor:
    """A picture that the backbone's normalisation makes nearly 0, of the shape [B,S,S,3] of `image`."""
    colour = torch.as_tensor(model.backbone.mean).flatten().round().byte()
    return colour.to(image.device).expand_as(image)


def final_feature(model: AVSAC, seen: Encoded, mel: Tensor) -> Tensor:
    """What `encode_image` saw, mel [B,1,96,64] -> F_AGV + MLP(F_AGV . F_VGA), [B,D,h,w]."""
    taken: list[Tensor] = []
    handle = model.head.reduce.register_forward_pre_hook(lambda _, inputs: taken.append(inputs[0].float()))
    try:
        model.decode(seen, mel)
    finally:
        handle.remove()
    return taken[0]
