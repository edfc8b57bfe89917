"""How long a model takes: its ONNX graph, its backbone alone, PyTorch, and PyTorch with another decoder."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from ..audio import AudioConfig
from ..model.avsac import AVSAC
from ..model.config import ModelConfig
from .graph import CLOSE_UP, Graph, GraphConfig, random_inputs, session, to_onnx, write_graph

WARM_UP = 3


def median_milliseconds(candidates: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Median time of `runs` runs of each after a warm-up; they take turns, so that a busy machine slows all of them."""
    times = {name: [] for name in candidates}
    for _ in range(runs + WARM_UP):
        for name, run in candidates.items():
            began = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - began)
    return {name: 1000 * float(np.median(taken[WARM_UP:])) for name, taken in times.items()}


def random_feed(runtime: onnxruntime.InferenceSession, frames: int) -> dict[str, np.ndarray]:
    """Inputs of the graph's own names, types and shapes, without close-ups."""
    random, feed = np.random.default_rng(0), {}
    for tensor in runtime.get_inputs():
        shape = (0 if tensor.name == CLOSE_UP else frames, *tensor.shape[1:])
        integers = tensor.type == "tensor(uint8)"
        values = random.integers(0, 256, shape) if integers else random.normal(-2, 2.5, shape)
        feed[tensor.name] = values.astype(np.uint8 if integers else np.float32)
    return feed


def time_graph(path: Path, threads: int, runs: int, batches: tuple[int, ...] = (1, 2, 4, 8)) -> dict[int, float]:
    """Median milliseconds a frame at each of `batches`, or at the one batch that the graph takes."""
    runtime = session(path, threads)
    batch = runtime.get_inputs()[0].shape[0]
    result = {}
    for frames in batches if isinstance(batch, str) else (batch,):
        feed = random_feed(runtime, frames)
        result[frames] = median_milliseconds({"run": lambda: runtime.run(None, feed)}, runs)["run"] / frames  # noqa: B023
    return result


def time_graphs(paths: dict[str, Path], threads: int, runs: int) -> dict[str, float]:
    """Median milliseconds of one frame of each graph, in turns."""
    runtimes = {name: session(path, threads) for name, path in paths.items()}
    feeds = {name: random_feed(runtime, 1) for name, runtime in runtimes.items()}
    return median_milliseconds({name: lambda name=name: runtimes[name].run(None, feeds[name]) for name in paths}, runs)


def time_model(model: AVSAC, threads: int, runs: int) -> float:
    """Median milliseconds of one frame in PyTorch, without a close-up."""
    torch.set_num_threads(threads)
    values = random_inputs(1, model.config, AudioConfig(), seed=0)
    inputs = {name: torch.from_numpy(value) for name, value in values.items() if name != CLOSE_UP}
    graph = Graph(model, GraphConfig())
    with torch.inference_mode():
        return median_milliseconds({"run": lambda: graph(**inputs)}, runs)["run"]


class BareBackbone(nn.Module):
    def __init__(self, model: AVSAC):
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> list[Tensor]:
        """image [B,S,S,3] uint8 RGB -> the backbone's maps."""
        return self.model.backbone_maps(image)


def compare(config: ModelConfig, folder: Path, threads: int, runs: int) -> dict[str, float]:
    """Median milliseconds of one frame, random weights: AVSAC in PyTorch, the graphs written to `folder`, and AVSegFormer.

    The graphs are AVSAC, AVSAC without motion where the configuration has it, and the backbone alone.
    """
    model = AVSAC(config).eval()
    times = {"AVSAC, PyTorch": time_model(model, threads, runs)}
    graphs = {"AVSAC, ONNX": folder / "avsac.onnx", "backbone, ONNX": folder / "backbone.onnx"}
    write_graph(model, graphs["AVSAC, ONNX"], GraphConfig())
    image = {"image": random_inputs(2, config, AudioConfig(), seed=0)["image"]}
    strides = [f"stride_{stride}" for stride in config.strides]
    onnx.save(to_onnx(BareBackbone(model), image, strides, any_batch=True), graphs["backbone, ONNX"])
    if config.motion:
        graphs["AVSAC without motion, ONNX"] = folder / "still.onnx"
        still = AVSAC(replace(config, motion=False)).eval()
        write_graph(still, graphs["AVSAC without motion, ONNX"], GraphConfig())
    del model
    times |= time_graphs(graphs, threads, runs)
    times["AVSegFormer, PyTorch"] = time_model(AVSAC(replace(config, decoder="avsegformer")).eval(), threads, runs)
    return times
