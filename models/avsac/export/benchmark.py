"""How long a model takes: its ONNX graph, and PyTorch without and with another decoder."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..audio import AudioConfig
from ..model.avsac import AVSAC
from ..model.config import ModelConfig
from .graph import GraphConfig, random_inputs, session, write_graph

WARM_UP = 3


def median_milliseconds(run: Callable[[], object], runs: int) -> float:
    """Median time of `runs` runs after a warm-up."""
    times = []
    for _ in range(runs + WARM_UP):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return 1000 * float(np.median(times[WARM_UP:]))


def time_graph(path: Path, threads: int, runs: int, batches: tuple[int, ...] = (1, 2, 4, 8)) -> dict[int, float]:
    """Median milliseconds a frame at each of `batches`, or at the one batch that the graph takes."""
    runtime = session(path, threads)
    batch, side = runtime.get_inputs()[0].shape[:2]
    result = {}
    for frames in batches if isinstance(batch, str) else (batch,):
        image, mel = random_inputs(frames, side, AudioConfig(), seed=0)
        result[frames] = median_milliseconds(lambda: runtime.run(None, {"image": image, "log_mel": mel}), runs) / frames  # noqa: B023
    return result


def time_model(model: nn.Module, threads: int, runs: int) -> float:
    """Median milliseconds of one frame in PyTorch."""
    torch.set_num_threads(threads)
    image, mel = map(torch.from_numpy, random_inputs(1, model.config.image_size, AudioConfig(), seed=0))
    with torch.inference_mode():
        return median_milliseconds(lambda: model(image, mel), runs)


def compare(config: ModelConfig, path: Path, threads: int, runs: int) -> dict[str, float]:
    """Median milliseconds of one frame: AVSAC in PyTorch, as the graph written to `path`, and AVSegFormer, random weights."""
    times = {}
    model = AVSAC(config).eval()
    times["AVSAC, PyTorch"] = time_model(model, threads, runs)
    write_graph(model, path, GraphConfig())
    del model
    times["AVSAC, ONNX"] = time_graph(path, threads, runs, (1,))[1]
    times["AVSegFormer, PyTorch"] = time_model(AVSAC(replace(config, decoder="avsegformer")).eval(), threads, runs)
    return times
