"""The one configuration of the model. A preset is a value of it; the code path is the same for all."""

from dataclasses import asdict, dataclass, replace

DECODERS = ("bavd", "audio-to-vision", "vision-to-audio", "avsegformer")


@dataclass(frozen=True)
class ModelConfig:
    """Sizes and switches of AVSAC. Strides are in input pixels; the input is square.

    `image_size` must be divisible by the coarsest stride, `width` by `heads`, by 4 (sine position: sine and cosine of two axes)
    and by `groups`. Raises ValueError for a size that does not divide and a switch that is not known.
    """

    backbone: str = "efficientnet-lite0"
    drop_path: float = 0.0  # of the PVT's blocks, where the backbone is trained
    image_size: int = 192
    motion: bool = False  # see earlier frames, and hear the rhythm, too: ours, not the paper's
    recognition: bool = False  # see what ImageNet's classifier recognises, too: ours, not the paper's
    recognition_scale: int = 1  # above 1, recognition sees close-ups, too: the picture so many times as wide
    frames: int = 5  # T: rows of the batch that make one window; the forward pass does not know
    width: int = 96
    heads: int = 4
    groups: int = 32
    points: int = 4
    encoder_layers: int = 1
    coarse_first: bool = False  # stride 8 changes in the last decoder layer alone, and it alone there: ours, not the paper's
    encoder_ffn: int = 512  # hidden channels of the encoder's FFN, and of the decoder's where it has one
    queries: int = 32
    query_layers: int = 1  # 0: the audio token itself, repeated (AVSegFormer's first version)
    query_ffn: int = 512
    decoder: str = "bavd"  # "bavd"; Table 3's "audio-to-vision" and "vision-to-audio"; the baseline, "avsegformer"
    decoder_layers: int = 2
    decoder_activation: str = "gelu"  # "relu" or "gelu", of the decoder's FFN
    bavd_ffn: bool = False
    vga_residual: bool = True  # False: Eq. 3 as printed
    audio_weight: str = "scalar"  # the w of Eq. 2: "scalar" or "channel"
    audio_encoder: str = "convolutional"  # or "vggish"
    audio_channels: tuple[int, ...] = (32, 64, 128, 128)  # of the convolutional encoder; VGGish's are its own
    audio_width: int = 128
    mask_stride: int = 8  # 4: the stride-8 tokens doubled, plus a lateral convolution of the backbone's stride 4
    mask_bias: bool = False  # of the mask feature's 3x3 convolution
    channel_gate: bool = True
    gate_projection: bool = True  # biases in the gate's attention and a linear layer after it; AVSegFormer has neither
    mlp_hidden: int = 128
    head_channels: tuple[int, int] = (48, 16)
    head_scale: int = 2
    head_lateral: bool = False  # the head sees the backbone's stride 4, too: ours, not the paper's
    scale_product: bool = True  # divide Eq. 1's product by sqrt(width)
    classes: int = 1

    def __post_init__(self) -> None:
        for name in ("classes", "decoder_layers", "queries", "points", "recognition_scale"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name)} is less than 1")
        if self.image_size < 32 or self.image_size % 32:
            raise ValueError(f"image_size {self.image_size} is not divisible by the coarsest stride, 32")
        for name, divisor in (("heads", self.heads), ("groups", self.groups), ("4", 4)):
            if self.width % divisor:
                raise ValueError(f"width {self.width} is not divisible by {name} ({divisor})")
        for name, known in KNOWN.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} {getattr(self, name)!r} is not one of {', '.join(map(str, known))}")
        if self.recognition and self.backbone != "efficientnet-lite0":
            raise ValueError(f"recognition takes the backbone efficientnet-lite0, not {self.backbone}")
        if self.audio_encoder == "vggish" and self.audio_width != 128:
            raise ValueError(f"audio_width {self.audio_width} is not VGGish's, 128")
        if self.head_lateral and self.mask_stride != 4 * self.head_scale:
            raise ValueError(
                f"head_lateral adds a map of stride 4, not mask_stride {self.mask_stride} by head_scale {self.head_scale}"
            )
        if self.recognition_scale > 1 and not self.recognition:
            raise ValueError(f"recognition_scale {self.recognition_scale} is of a model with recognition")

    @property
    def close_up_size(self) -> int:
        """Side of the picture as recognition sees it, and of the pictures that training takes."""
        return self.image_size * self.recognition_scale

    @property
    def strides(self) -> tuple[int, ...]:
        """Strides of the backbone's maps that the model takes, finest first."""
        return (4, 8, 16, 32) if self.mask_stride == 4 or self.head_lateral else (8, 16, 32)

    def to_dict(self) -> dict:
        return asdict(self)

    @staticmethod
    def from_dict(values: dict) -> "ModelConfig":
        """Inverse of `to_dict`, also after a JSON round trip (lists become tuples). Unknown keys raise TypeError."""
        return ModelConfig(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


KNOWN = {
    "backbone": ("efficientnet-lite0", "tiny", "resnet50", *(f"pvt-v2-b{size}" for size in range(6))),
    "decoder": DECODERS,
    "decoder_activation": ("relu", "gelu"),
    "audio_weight": ("scalar", "channel"),
    "audio_encoder": ("convolutional", "vggish"),
    "mask_stride": (4, 8),
}

LIVE_STILL = ModelConfig(points=2)
LIVE = replace(
    LIVE_STILL,
    motion=True,
    recognition=True,
    recognition_scale=2,
    head_lateral=True,
    coarse_first=True,
    audio_channels=(32, 64, 96, 128),
)

# A net that a test builds, trains and exports in seconds; `tiny` as backbone has no downloaded weights.
TINY = replace(
    LIVE_STILL,
    backbone="tiny",
    image_size=64,
    width=32,
    heads=2,
    groups=8,
    encoder_ffn=64,
    queries=8,
    query_ffn=64,
    audio_channels=(8, 16),
    audio_width=32,
    mlp_hidden=32,
    head_channels=(16, 8),
)

# The paper's model (sections 3 and 4.3, Tables 5 and 6).
PAPER = ModelConfig(
    backbone="pvt-v2-b5",
    drop_path=0.1,
    image_size=512,
    width=256,
    heads=8,
    encoder_layers=6,
    encoder_ffn=2048,
    queries=300,
    query_layers=6,
    query_ffn=1024,
    decoder_layers=6,
    audio_encoder="vggish",
    mask_stride=4,
    mask_bias=True,
    gate_projection=False,
    mlp_hidden=2048,
    head_channels=(128, 32),
    head_scale=4,
    scale_product=False,
)

# Single and multiple sources have one class, ten-second semantic clips 71.
TASKS = {"s4": PAPER, "ms3": PAPER, "avss": replace(PAPER, image_size=224, frames=10, classes=71)}
BACKBONE_NAMES = {"pvt": "pvt-v2-b5", "r50": "resnet50"}

PRESETS = {"live": LIVE, "live-still": LIVE_STILL, "tiny": TINY} | {
    f"{task}-{short}": replace(config, backbone=backbone)
    for task, config in TASKS.items()
    for short, backbone in BACKBONE_NAMES.items()
}
