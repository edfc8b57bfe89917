"""Pictures that are there as close-ups, and what a model with a `recognition_scale` makes of them."""

from torch import Tensor


def reduced(pixels: Tensor, scale: int, rows: int = 1) -> Tensor:
    """uint8, `rows` the axis of the height, the width after it -> 1/scale as high and wide, means of scale x scale, rounded."""
    if scale == 1:
        return pixels
    blocks = pixels.float().unflatten(rows + 1, (-1, scale)).unflatten(rows, (-1, scale))
    return blocks.mean((rows + 1, rows + 3)).round().to(pixels.dtype)
