"""What a camera and a call make of five frames: shake, low light, blur, sensor noise, VP8 or H.264."""

import io

import av
import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

from .augment import Random

MARGIN = 0.05  # of the side, on each edge: what a shaken frame may lose
REPEATS = 4  # coded frames a shown one: a call sends the frames in between, too
FRAME_RATE = 25


def shake(random: Random, frames: list[Image.Image], masks: list[list[Image.Image]], strength: float) -> tuple[list, list]:
    """Each frame shifted and turned by its own amount, its masks with it; all a little enlarged.

    strength 1: by up to 3 % of the side and 2 degrees.
    """
    moves = [(random.uniform(-strength, strength, 2) * 0.03, strength * random.uniform(-2, 2)) for _ in frames]
    moved = [move(frame, *how, Image.Resampling.BICUBIC) for frame, how in zip(frames, moves, strict=True)]
    return moved, [[move(mask, *how, Image.Resampling.BILINEAR) for mask in row] for row, how in zip(masks, moves, strict=True)]


def move(picture: Image.Image, shift: np.ndarray, degrees: float, resampling: Image.Resampling) -> Image.Image:
    side, scale = picture.width, 1 - 2 * MARGIN
    cosine, sine = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    x, y = side / 2 + side * shift
    centre = side / 2
    matrix = (cosine, -sine, x - cosine * centre + sine * centre, sine, cosine, y - sine * centre - cosine * centre)
    return picture.transform(picture.size, Image.Transform.AFFINE, matrix, resampling)


def darken(random: Random, frames: list[np.ndarray]) -> list[np.ndarray]:
    """Low light: 0.25 to 0.55 of the light, a colour cast, and the noise of a sensor that is turned up."""
    light, cast, grain = random.uniform(0.25, 0.55), random.uniform(0.85, 1.15, 3), random.uniform(3, 10)
    return [(f * light * cast + random.normal(0, grain, f.shape)).clip(0, 255).astype(np.uint8) for f in frames]


def blur(random: Random, frames: list[np.ndarray]) -> list[np.ndarray]:
    """Out of focus, or smeared along one direction: up to 1 % of the side, or 4 %."""
    side = len(frames[0])
    if random.random() < 0.5:
        radius = side * random.uniform(0.003, 0.01)
        return [np.asarray(Image.fromarray(f).filter(ImageFilter.GaussianBlur(radius))) for f in frames]
    length, angle = max(2.0, side * random.uniform(0.01, 0.04)), random.uniform(0, np.pi)
    reach = int(np.ceil(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    along = np.linspace(-length / 2, length / 2, 8 * reach)
    rows, columns = (np.rint(reach + along * axis).astype(int) for axis in (np.sin(angle), np.cos(angle)))
    np.add.at(kernel, (rows, columns), 1 / len(along))
    return [np.stack([ndimage.convolve(f[..., c], kernel, np.float32) for c in range(3)], -1).astype(np.uint8) for f in frames]


def video_codec(frames: list[np.ndarray], codec: str, bits_per_pixel: float) -> list[np.ndarray]:
    """The frames as a call shows them: coded REPEATS times each at the bit rate, the last of each taken.

    codec: libvpx (VP8) or libx264; bits_per_pixel: bits a pixel and frame, 0.05 to 0.25 at usual call bit rates
    (300 to 1500 kb/s of 640x360 at 25 fps). Frames are [S,S,3] uint8 RGB, S even.
    """
    side, file = len(frames[0]), io.BytesIO()
    options = {"libvpx": {"deadline": "realtime", "cpu-used": "6"}, "libx264": {"preset": "veryfast", "tune": "zerolatency"}}
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream(codec, rate=FRAME_RATE, options=options[codec])
        stream.width = stream.height = side
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = max(8000, int(bits_per_pixel * side * side * FRAME_RATE))
        stream.codec_context.thread_count = 1  # the same bytes on every machine of one kind
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            for _ in range(REPEATS):
                picture.pts = None
                container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    if len(decoded) != REPEATS * len(frames):
        raise ValueError(f"{codec} gave {len(decoded)} frames for {REPEATS * len(frames)}; another build of PyAV may not")
    return decoded[REPEATS - 1 :: REPEATS]
