"""The one configuration of the model. A preset is a value of it; the code path is the same for all."""

from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of AVSAC. Strides are in input pixels; the input is square.

    `image_size` must be divisible by the coarsest stride, `width` by `heads`, by 4 (sine position: sine and cosine of two
    axes) and by `groups`.
    """

    backbone: str = "efficientnet-lite0"
    image_size: int = 192
    width: int = 96
    heads: int = 4
    groups: int = 32
    points: int = 4
    encoder_layers: int = 1
    encoder_ffn: int = 512
    queries: int = 32
    query_layers: int = 1
    query_ffn: int = 512
    decoder_layers: int = 2
    vga_residual: bool = True
    audio_channels: tuple[int, ...] = (32, 64, 128, 128)
    audio_width: int = 128
    channel_gate: bool = True
    mlp_hidden: int = 128
    head_channels: tuple[int, int] = (48, 16)
    head_scale: int = 2
    classes: int = 1

    def __post_init__(self) -> None:
        if self.image_size % 32:
            raise ValueError(f"image_size {self.image_size} is not divisible by the coarsest stride, 32")
        for name, divisor in (("heads", self.heads), ("groups", self.groups), ("4", 4)):
            if self.width % divisor:
                raise ValueError(f"width {self.width} is not divisible by {name} ({divisor})")

    def to_dict(self) -> dict:
        return asdict(self)

    @staticmethod
    def from_dict(values: dict) -> "ModelConfig":
        """Inverse of `to_dict`, also after a JSON round trip (lists become tuples). Unknown keys raise TypeError."""
        return ModelConfig(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


LIVE = ModelConfig(points=2)

# A net that a test builds, trains and exports in seconds; `tiny` as backbone has no downloaded weights.
TINY = replace(
    LIVE,
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

PRESETS = {"live": LIVE, "tiny": TINY}
