"""Golden vectors: inputs and outputs, as raw little-endian files, that another implementation must reproduce."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch

from ..audio import AudioConfig, log_mel
from ..model.avsac import AVSAC
from ..model.close_up import reduced
from ..model.motion import EARLIER_MS, luminance
from .graph import CLOSE_UP, Graph, GraphConfig, output_names

LOG_MEL_TOLERANCE = 1e-4
# Largest difference: of logits; of fp16 and int8 logits, in standard deviations; of masks, as a share of the pixels.
LOGITS_TOLERANCE = 1e-3
DEVIATIONS = {"fp16": 0.1, "int8": 1.0}
MASK_TOLERANCE = 0.01
TENSORS = {"logMel": "log_mel", "closeUp": CLOSE_UP}

DEFAULT = AudioConfig()
# Other windows, transforms and bands, so that nothing of the defaults can be wired in.
OTHER_PARAMETERS = {
    "short-window": AudioConfig(
        sample_rate=8000, window_length=200, hop_length=80, fft_length=256, mel_bands=40, mel_high=3800.0, frames=24
    ),
    "long-window": AudioConfig(
        sample_rate=22_050,
        window_length=600,
        hop_length=275,
        fft_length=1024,
        mel_bands=80,
        mel_low=20.0,
        mel_high=11_025.0,
        log_offset=1e-3,
        frames=16,
    ),
    "window-is-transform": replace(DEFAULT, window_length=512, hop_length=256, mel_bands=20, mel_low=0.0, frames=20),
}


def signals(config: AudioConfig, seed: int = 0) -> Iterator[tuple[str, np.ndarray]]:
    """(name, pcm [config.samples] float32): tone, chirp, noise, silence, click."""
    time = np.arange(config.samples) / config.sample_rate
    top = config.sample_rate / 2
    click = np.zeros(config.samples)
    click[config.samples // 3] = 1.0
    yield "tone", (0.5 * np.sin(2 * np.pi * 440.0 * time)).astype(np.float32)
    sweep = 50.0 * time + (0.9 * top - 50.0) * time**2 / (2 * time[-1])
    yield "chirp", (0.25 * np.sin(2 * np.pi * sweep)).astype(np.float32)
    yield "noise", np.random.default_rng(seed).normal(0, 0.1, config.samples).clip(-1, 1).astype(np.float32)
    yield "silence", np.zeros(config.samples, np.float32)
    yield "click", click.astype(np.float32)


def pictures(side: int, count: int, seed: int = 0) -> np.ndarray:
    """[count,side,side,3] uint8: a gradient with a disc and a bar of random colours and places."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    images = []
    for _ in range(count):
        image = 128 + 80 * (x[..., None] * random.uniform(-1, 1, 3) + y[..., None] * random.uniform(-1, 1, 3))
        image[(x - random.uniform(0.2, 0.8)) ** 2 + (y - random.uniform(0.2, 0.8)) ** 2 < 0.04] = random.uniform(0, 255, 3)
        image[(np.abs(x - random.uniform(0.2, 0.8)) < 0.05) & (y > 0.4)] = random.uniform(0, 255, 3)
        images.append(image.clip(0, 255).astype(np.uint8))
    return np.stack(images)


def shifted_luminance(image: np.ndarray) -> np.ndarray:
    """image [B,S,S,3] uint8 -> [B,4,S,S] uint8, `earlier` of a picture that moves to the left, a pixel in 80 ms."""
    moved = [luminance(torch.from_numpy(np.roll(image, age // 80, 2))) for age in EARLIER_MS]
    return torch.cat(moved, 1).to(torch.uint8).numpy()


def write_golden(folder: Path, model: AVSAC, graph: GraphConfig) -> dict:
    """Writes the tensors' files and returns the index; every tensor there is {name, dtype, shape, file}.

    Outputs are PyTorch's, in fp32, under the key `logits` or `mask`, and `looked`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.bin"):
        stale.unlink()

    def tensor(case: str, name: str, array: np.ndarray) -> dict:
        file = f"{case}.{name}.bin"
        (folder / file).write_bytes(np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes())
        return {"name": name, "dtype": array.dtype.name, "shape": list(array.shape), "file": file}

    def log_mel_case(case: str, config: AudioConfig, pcm: np.ndarray) -> dict:
        return {
            "name": case,
            "parameters": config.to_manifest(),
            "tolerance": LOG_MEL_TOLERANCE,
            "pcm": tensor(case, "pcm", pcm),
            "logMel": tensor(case, "log_mel", log_mel(pcm, config)),
        }

    def model_case(case: str, batch: int) -> dict:
        scale, wide = model.config.recognition_scale, torch.from_numpy(pictures(model.config.close_up_size, batch, seed=batch))
        image = reduced(wide, scale).numpy()
        pcm = np.stack([pcm for _, pcm in islice(cycle(signals(DEFAULT, seed=batch)), batch)])
        inputs = {"image": image, "logMel": log_mel(pcm)[:, None]}
        if model.config.motion:
            inputs["earlier"] = shifted_luminance(image)
        with torch.no_grad():
            if scale > 1:  # of the same pictures, the last not looked at yet
                looks = model.look_closer(wide)
                looks[-1] = torch.nan
                inputs |= {"looks": looks.numpy(), "closeUp": wide.numpy()}
            given = {TENSORS.get(name, name): torch.from_numpy(values) for name, values in inputs.items()}
            made = [output.numpy() for output in Graph(model, graph).eval()(**given)]
        tolerance = LOGITS_TOLERANCE if graph.precision == "fp32" else DEVIATIONS[graph.precision] * float(made[0].std())
        return {
            "name": case,
            "tolerance": MASK_TOLERANCE if graph.output == "mask" else tolerance,
            **{name: tensor(case, TENSORS.get(name, name), array) for name, array in inputs.items()},
            **{name: tensor(case, name, array) for name, array in zip(output_names(model.config, graph), made, strict=True)},
        }

    log_mel_cases = [log_mel_case(f"log-mel-{name}", DEFAULT, pcm) for name, pcm in signals(DEFAULT)]
    for name, config in OTHER_PARAMETERS.items():
        chosen = dict(signals(config, seed=len(asdict(config))))
        log_mel_cases += [log_mel_case(f"log-mel-{name}-{signal}", config, chosen[signal]) for signal in ("chirp", "noise")]
    return {
        "byteOrder": "little",
        "logMel": log_mel_cases,
        "model": [model_case(f"model-batch-{batch}", batch) for batch in graph.batches],
    }
