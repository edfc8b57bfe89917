"""Recognition: where ImageNet's classifier sees what is heard. An extension of the live presets; the paper has none.

The backbone was trained to tell a thousand kinds of things on a million photographs; its classifier, which segmentation has no
use for, still can. Asked at every position of the coarsest map (class activation maps, Zhou et al. 2016), it says where a thing
of each kind may be, also of those that training had no photograph of. recognition.toml says what sounds like what.
"""

import tomllib
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .backbones import imagenet_state_dict

TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
SILENT_TABLE, UNKNOWN = TABLE.pop("silent"), TABLE.pop("unknown")["kinds"]
CLASSES, SILENT = ({name: list(map(int, row)) for name, row in table.items()} for table in (TABLE, SILENT_TABLE))
RECOGNISED = [*CLASSES, *UNKNOWN]  # K kinds of sound
LOOKS = [*RECOGNISED, *SILENT]
# The classifier's logits of a thing in view, above those of others, are about this.
LOGIT_SCALE = 5.0
SURE = 2.0  # as many kinds at once are not heard
FEATURES = 6
HIDDEN = 32
DRAWN_HIDDEN = 64
SELDOM_HEARD = -3.0
SEEN = 3.0  # a look above this says no more


class Likeness(nn.Module):
    """The packaged classifier's last layer for K things of several classes each; halves of weights move no look by 0.01."""

    classifier: Tensor
    bias: Tensor
    rows: Tensor

    def __init__(self, things: dict[str, list[int]], weights: dict[str, Tensor]):
        super().__init__()
        classes = sorted({index for indices in things.values() for index in indices})
        most = max(map(len, things.values()))
        rows = [[classes.index(index) for index in indices] for indices in things.values()]
        padded = torch.tensor([row + row[:1] * (most - len(row)) for row in rows])
        self.register_buffer("rows", padded, persistent=False)  # [K,most], of the classes as they are kept
        self.register_buffer("classifier", weights["classifier.weight"][classes].T.contiguous().half(), persistent=False)
        self.register_buffer("bias", weights["classifier.bias"][classes], persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """features [B,P,F] -> [B,P,K], the likeliest class of each, logits."""
        return (features @ self.classifier.float() + self.bias)[..., self.rows].amax(-1)


class Recognition(nn.Module):
    """Its output is zero at first: a model trained without it goes on as it was.

    ImageNet's classes are of photographs. What drawn things look like, `drawn` adds to them: two layers over the same features,
    zero at first, that have lessons of their own (`live/looks.py`) and do not change when masks are learnt.

    A model knows the things of its training by heart, and is too unsure of others (Guo et al. 2017, arXiv 1706.04599): `lift`
    says how much evidence that what is heard is seen raises the logits, where it lies and everywhere. It does not learn; zero
    at first, it is set on the validation part.
    """

    head: Tensor
    head_bias: Tensor
    lift: Tensor

    def __init__(self, audio_width: int, width: int):
        super().__init__()
        self.hear = nn.Linear(audio_width, len(RECOGNISED))
        nn.init.constant_(self.hear.bias, SELDOM_HEARD)
        last = nn.Linear(HIDDEN, width)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.embed = nn.Sequential(nn.Linear(FEATURES, HIDDEN), nn.ReLU(), last)
        weights = imagenet_state_dict()
        scale = weights["bn2.weight"] / (weights["bn2.running_var"] + 1e-3).sqrt()
        head = (weights["conv_head.weight"][:, :, 0, 0] * scale[:, None]).T.contiguous().half()
        self.register_buffer("head", head, persistent=False)
        self.register_buffer("head_bias", weights["bn2.bias"] - weights["bn2.running_mean"] * scale, persistent=False)
        self.register_buffer("lift", torch.zeros(2))
        self.kinds, self.silent = Likeness(CLASSES, weights), Likeness(SILENT, weights)
        to_kinds = nn.Linear(DRAWN_HIDDEN, len(RECOGNISED))
        nn.init.zeros_(to_kinds.weight)
        nn.init.zeros_(to_kinds.bias)
        features = nn.Linear(len(weights["bn2.bias"]), DRAWN_HIDDEN)
        self.drawn = nn.Sequential(features, nn.ReLU(), to_kinds).requires_grad_(False)

    def features(self, coarsest: Tensor) -> Tensor:
        """The backbone's coarsest map [B,C,h,w] -> what its classifier reads at each position [B,h*w,F]."""
        positions = coarsest.flatten(2).transpose(1, 2)
        # As one matrix: ONNX Runtime may fuse the transposition into the product, which then takes no empty batch.
        product = positions.flatten(0, 1) @ self.head.float()
        return (product.unflatten(0, positions.shape[:2]) + self.head_bias).clamp(0, 6)

    def photographed(self, features: Tensor, silent: bool = False) -> Tensor:
        """Features [B,P,F] -> [B,P,K], how much they look like each of RECOGNISED, or of LOOKS, to ImageNet; 0 is the mean."""
        looks = self.kinds(features)
        mean = looks.mean(-1, keepdim=True)
        unknown = mean.expand(*looks.shape[:-1], len(UNKNOWN))
        parts = (looks, unknown, self.silent(features)) if silent else (looks, unknown)
        return (torch.cat(parts, -1) - mean) / LOGIT_SCALE

    def look(
        self,
        coarsest: Tensor,
        exchanged: Tensor | None = None,
        told: Tensor | None = None,
        closer: Tensor | None = None,
    ) -> Tensor:
        """The backbone's coarsest map [B,C,h,w] -> [B,h*w,K], how much each position looks like each kind.

        `closer` [B,h*w,K]: what `look_closer` saw of a close-up, then or shortly before, NaN where there was none yet; a look
        is the mean of both. In training, `exchanged` [B,K]: of each kind, the one of LOOKS that stands for it; `told`
        [B,K,r*h,r*w], of a close-up's r: what looks gain.
        """
        looks = self.look_of(coarsest, exchanged)
        if closer is not None:
            looks = (looks + torch.where(closer.isnan(), looks, closer)) / 2
        if told is None:
            return looks
        return looks + F.max_pool2d(told, told.shape[-1] // coarsest.shape[-1]).flatten(2).transpose(1, 2)

    def look_closer(self, coarsest: Tensor, scale: int, exchanged: Tensor | None = None) -> Tensor:
        """The same of a close-up [B,C,r*h,r*w], r the scale -> [B,h*w,K], the strongest of r x r positions: small things look
        more like what they are there.
        """
        looks = self.look_of(coarsest, exchanged).transpose(1, 2).unflatten(2, coarsest.shape[-2:])
        return F.max_pool2d(looks, scale).flatten(2).transpose(1, 2)

    def look_of(self, coarsest: Tensor, exchanged: Tensor | None) -> Tensor:
        """Of one map, `look` without what it is told."""
        features = self.features(coarsest)
        if exchanged is None:
            return self.photographed(features) + self.drawn(features)
        looks = self.photographed(features, silent=True) + F.pad(self.drawn(features), (0, len(SILENT)))
        return looks.gather(-1, exchanged[:, None].expand(-1, looks.shape[1], -1))

    def forward(self, looks: Tensor, embedding: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """looks [B,P,K], audio embedding [B,A] -> what tokens of these positions gain [B,P,D]; kinds heard [B,K], logits; what
        the masks' logits gain there [B,P]."""
        heard = self.hear(embedding)
        share = heard.sigmoid()
        known = share.sum(-1).clamp(max=SURE)[:, None]
        evidence = (looks @ share[:, :, None])[..., 0] / share.sum(-1, keepdim=True).clamp(min=1)  # [B,P]
        best = looks.amax(-1)
        overall = torch.stack((evidence.amax(-1), best.amax(-1), known[:, 0]), -1)  # [B,3]
        local = torch.stack((evidence, best, evidence - known * best), -1)
        features = torch.cat((local, overall[:, None].expand(-1, looks.shape[1], -1)), -1)
        seen = evidence.clamp(0.0, SEEN)
        gain = known.clamp(max=1) * (self.lift[0] * seen + self.lift[1] * seen.amax(-1, keepdim=True))
        return self.embed(features), heard, gain
