"""AVSAC (arXiv 2402.02327): bootstrapping audio-visual segmentation by strengthening audio cues.

Every frame is processed on its own: a window of T frames is T rows of the batch.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import sine_position
from .audio_encoders import AUDIO_ENCODERS
from .backbones import BACKBONES
from .bavd import BAVDLayer
from .config import ModelConfig
from .encoder import EncoderLayer
from .mask_feature import MaskFeature
from .mask_head import MaskHead
from .motion import EARLIER_MS, MotionStem, Rhythm
from .query_decoder import QueryDecoderLayer
from .query_generator import QueryGenerator
from .recognition import Recognition

STRIDES = (8, 16, 32)
MEL_SHAPE = (1, 96, 64)


class Encoded(NamedTuple):
    """A picture as `decode` takes it, for one sound or several."""

    tokens: Tensor  # [B,L,D], encoded, of strides 8, 16 and 32; L 756 at 192 px, 5376 at 512
    fine: Tensor | None = None  # [B,D,S/4,S/4], stride 4 as projected, where the mask feature takes it
    finest: Tensor | None = None  # [B,C,S/4,S/4], the backbone's stride 4, where the head takes it
    looks: Tensor | None = None  # [B,P,K], what each position of stride 32 looks like, of a model with recognition

    def repeat(self, times: Tensor | int) -> "Encoded":
        """Each picture as often as it has sounds, one after the other."""
        return Encoded(*(None if part is None else part.repeat_interleave(times, 0) for part in self))


@dataclass
class Output:
    """What training needs of a forward pass. S is the side of the input, h that of the mask feature (S / mask stride)."""

    logits: Tensor  # [B,K,scale*h,scale*h]
    mask_feature: Tensor  # [B,D,h,h], the F_AGV of Eq. 4
    audio_query: Tensor  # [B,Q,D], the F_a of Eq. 4
    audio_embedding: Tensor  # [B,A]
    heard: Tensor | None = None  # [B,len(RECOGNISED)], logits of the kinds heard, of a model with recognition


class AVSAC(nn.Module):
    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        width = config.width
        self.level_shapes = [(config.image_size // s, config.image_size // s) for s in STRIDES]
        self.backbone = BACKBONES[config.backbone](config.strides, config.drop_path)
        self.in_proj = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, width, 1), nn.GroupNorm(config.groups, width))
            for channels in self.backbone.channels[-len(STRIDES) - (config.mask_stride == 4) :]
        )
        self.motion = MotionStem(width) if config.motion else None
        self.rhythm = Rhythm(width) if config.motion else None
        self.recognition = Recognition(config.audio_width, width) if config.recognition else None
        self.level_embedding = nn.Parameter(torch.randn(len(STRIDES), width) * 0.1)
        self.register_buffer("sine", torch.cat([sine_position(h, w, width) for h, w in self.level_shapes]), persistent=False)
        level = [torch.full((h * w,), index) for index, (h, w) in enumerate(self.level_shapes)]
        self.register_buffer("level", torch.cat(level), persistent=False)
        finest, coarser = (slice(1), slice(1, None)) if config.coarse_first else (slice(None), slice(None))
        self.encoder = nn.ModuleList(
            EncoderLayer(width, config.heads, config.points, config.encoder_ffn, self.level_shapes, coarser)
            for _ in range(config.encoder_layers)
        )
        self.audio_encoder = AUDIO_ENCODERS[config.audio_encoder](config)
        self.audio_proj = nn.Linear(config.audio_width, width)
        self.query_generator = QueryGenerator(width, config.heads, config.query_ffn, config.query_layers, config.queries)
        decoder_layer = QueryDecoderLayer if config.decoder == "avsegformer" else BAVDLayer
        changing = [coarser] * (config.decoder_layers - 1) + [finest]
        self.decoder = nn.ModuleList(decoder_layer(config, self.level_shapes, levels) for levels in changing)
        self.mask_feature = MaskFeature(config)
        self.head = MaskHead(config, self.backbone.channels[0] if config.head_lateral else 0)

    def position(self) -> Tensor:
        """[L,D]: sine position plus the level's embedding, added to deformable queries only."""
        return self.sine + self.level_embedding[self.level]

    def encode_image(
        self,
        image: Tensor,
        earlier: Tensor | None = None,
        exchanged: Tensor | None = None,
        told: Tensor | None = None,
        closer: Tensor | None = None,
    ) -> Encoded:
        """image [B,S,S,3] uint8 RGB, earlier [B,4,S,S] uint8 -> Encoded, levels finest first.

        `earlier` is the luminance (`motion.luminance`) of the frames `EARLIER_MS` before; where one is not to be had, that of
        `image`. A model without motion does not look at it. `exchanged` [B,K], in training: of each kind, the one whose look
        stands for it, `told` [B,K,rS/32,rS/32] what looks gain. `closer` [B,P,K]: what `look_closer` saw, of a model with a
        `recognition_scale` r. Raises ValueError for another size or no `earlier`.
        """
        side = self.config.image_size
        if image.shape[1:] != (side, side, 3):
            raise ValueError(f"this model takes images [B,{side},{side},3], not {list(image.shape)}: resize, or set image_size")
        seen = self.backbone_maps(image)
        maps = [project(level) for project, level in zip(self.in_proj, seen[-len(self.in_proj) :], strict=True)]
        fine, coarse = maps[: -len(STRIDES)], maps[-len(STRIDES) :]
        if self.motion is not None:
            shape = (image.shape[0], len(EARLIER_MS), side, side)
            if earlier is None or earlier.shape != shape:
                raise ValueError(
                    f"this model sees motion: give earlier {list(shape)}, luminance of the frames "
                    f"{', '.join(map(str, EARLIER_MS))} ms before, not {None if earlier is None else list(earlier.shape)}; "
                    "or take the preset live-still"
                )
            coarse[0] = coarse[0] + self.motion(image, earlier)
        tokens, position = self.flatten(coarse), self.position()
        for layer in self.encoder:
            tokens = layer(tokens, position)
        looks = None
        if self.recognition is not None:
            looks = self.recognition.look(seen[-1], exchanged, told, closer)
        return Encoded(tokens, fine[0] if fine else None, seen[0] if self.config.head_lateral else None, looks)

    def look_closer(self, close_up: Tensor, exchanged: Tensor | None = None) -> Tensor:
        """close_up [B,rS,rS,3] uint8 RGB, the picture r times as wide as `image` has it, r the `recognition_scale` -> [B,P,K],
        what each position of stride 32 looks like there. `exchanged`: `encode_image`'s. Raises ValueError for another size.
        """
        side = self.config.close_up_size
        if close_up.shape[1:] != (side, side, 3):
            raise ValueError(f"close-ups of this model are [B,{side},{side},3], not {list(close_up.shape)}: resize")
        return self.recognition.look_closer(self.backbone_maps(close_up)[-1], self.config.recognition_scale, exchanged)

    def backbone_maps(self, image: Tensor) -> list[Tensor]:
        """image [B,S,S,3] uint8 RGB -> the backbone's maps, finest first."""
        pixels = image.permute(0, 3, 1, 2).float()
        return self.backbone((pixels - self.backbone.mean) / self.backbone.std)

    @staticmethod
    def flatten(levels: list[Tensor]) -> Tensor:
        """Maps [B,D,h,w] -> tokens [B,sum of h*w,D]."""
        return torch.cat([level.flatten(2).transpose(1, 2) for level in levels], 1)

    def decode(self, seen: Encoded, mel: Tensor) -> Output:
        """What `encode_image` saw of B pictures, mel [B,1,96,64] float32 -> Output. Raises ValueError for another mel."""
        if mel.shape[1:] != MEL_SHAPE:
            raise ValueError(f"a log-mel patch is {list(MEL_SHAPE)}, not {list(mel.shape[1:])}")
        embedding = self.audio_encoder(mel)
        audio = self.audio_proj(embedding)
        if self.rhythm is not None:
            audio = audio + self.rhythm(mel)
        audio = audio[:, None]  # [B,1,D]
        query = self.query_generator(audio)
        encoded, heard, coarsest = seen.tokens, None, self.level_shapes[-1][0]
        if self.recognition is not None:
            recognised, heard, gain = self.recognition(seen.looks, embedding)
            encoded = encoded + self.spread(self.unflatten(recognised, coarsest))
        agv, vga, position = encoded, query, self.position()
        for layer in self.decoder:
            agv, vga = layer(agv, vga, encoded, position)
        side = self.level_shapes[0][0]
        coarse = self.unflatten(agv[:, : side * side], side)
        feature = self.mask_feature(coarse, seen.fine, audio)
        logits = self.head(feature, vga, seen.finest)
        if self.recognition is not None:
            gain = self.unflatten(gain[..., None], coarsest)
            logits = logits + F.interpolate(gain, logits.shape[-2:], mode="bilinear", align_corners=False)
        return Output(logits, feature, query, embedding, heard)

    def spread(self, coarsest: Tensor) -> Tensor:
        """A map of the coarsest level [B,D,h,w] -> the same at every level [B,L,D]."""
        resized = [F.interpolate(coarsest, shape, mode="bilinear", align_corners=False) for shape in self.level_shapes]
        return self.flatten(resized)

    @staticmethod
    def unflatten(tokens: Tensor, side: int) -> Tensor:
        """One level's tokens [B,side*side,D] -> map [B,D,side,side]."""
        return tokens.transpose(1, 2).unflatten(2, (side, side))

    def forward(self, image: Tensor, mel: Tensor, earlier: Tensor | None = None, closer: Tensor | None = None) -> Tensor:
        """image [B,S,S,3] uint8 RGB, mel [B,1,96,64] float32 -> logits [B,K,S,S]; sounding where sigmoid > 0.5.

        `earlier` and `closer` are `encode_image`'s.
        """
        logits = self.decode(self.encode_image(image, earlier, closer=closer), mel).logits
        side = self.config.image_size
        if logits.shape[-1] == side:
            return logits
        return F.interpolate(logits, size=(side, side), mode="bilinear", align_corners=False)
