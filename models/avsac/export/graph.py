"""The ONNX graph of a model: uint8 image and log-mel in, logits or masks out."""

import logging
import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from ..audio import AudioConfig
from .half import to_half

OPSET = 18
# A pixel sounds when sigmoid(logit) is above this.
THRESHOLD = 0.5
MAX_BATCH = 64


@dataclass(frozen=True)
class GraphConfig:
    """What kind of graph to write."""

    batch: int | None = None  # frames of a run; None: as many as the caller gives, 1 to 64
    output: str = "logits"  # or "mask"
    precision: str = "fp32"  # or "fp16": weights and activations; inputs and outputs stay as they are

    def __post_init__(self) -> None:
        if self.batch is not None and not 1 <= self.batch <= MAX_BATCH:
            raise ValueError(f"batch {self.batch} is not in 1 to {MAX_BATCH}")
        if self.output not in ("logits", "mask"):
            raise ValueError(f"output {self.output} is neither logits nor mask")
        if self.precision not in ("fp32", "fp16"):
            raise ValueError(f"precision {self.precision} is neither fp32 nor fp16")

    @property
    def batches(self) -> tuple[int, ...]:
        """Batch sizes that a check of the graph runs."""
        return (1, 3) if self.batch is None else (self.batch,)


def decide(logits: Tensor) -> Tensor:
    """logits [N,K,S,S] -> mask [N,1,S,S] uint8: 1 where it sounds (K = 1), else the class, 0 being the background."""
    if logits.shape[1] == 1:
        return (logits > math.log(THRESHOLD / (1 - THRESHOLD))).to(torch.uint8)
    return logits.argmax(1, keepdim=True).to(torch.uint8)


class Graph(nn.Module):
    """The model with what its graph does after it."""

    def __init__(self, model: nn.Module, config: GraphConfig):
        super().__init__()
        self.model, self.output = model, config.output

    def forward(self, image: Tensor, log_mel: Tensor) -> Tensor:
        """image [N,S,S,3] uint8, log_mel [N,1,frames,bands] float32 -> `logits` [N,K,S,S] float32 or `mask` of `decide`."""
        logits = self.model(image, log_mel)
        return decide(logits) if self.output == "mask" else logits


def write_graph(model: nn.Module, path: Path, config: GraphConfig, audio: AudioConfig = AudioConfig()) -> None:  # noqa: B008 (frozen)
    """Writes inputs `image` and `log_mel` and the output named by `config.output`, as `Graph.forward` has them."""
    side = model.config.image_size
    frames = config.batch or 2
    example = (
        torch.zeros(frames, side, side, 3, dtype=torch.uint8),
        torch.zeros(frames, 1, audio.frames, audio.mel_bands),
    )
    batch = torch.export.Dim("batch", min=1, max=MAX_BATCH)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            Graph(model, config).eval(),
            example,
            input_names=["image", "log_mel"],
            output_names=[config.output],
            dynamic_shapes=({0: batch}, {0: batch}) if config.batch is None else None,
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    graph = program.model_proto
    if config.precision == "fp16":
        graph = to_half(graph)
    del graph.metadata_props[:]
    for node in graph.graph.node:  # source lines of the exporting machine
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, path)


def session(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def random_inputs(batch: int, side: int, audio: AudioConfig, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """image [batch,side,side,3] uint8 and log-mel [batch,1,frames,bands] float32 in the range of speech."""
    random = np.random.default_rng(seed)
    image = random.integers(0, 256, (batch, side, side, 3), dtype=np.uint8)
    mel = random.normal(-2, 2.5, (batch, 1, audio.frames, audio.mel_bands)).clip(np.log(audio.log_offset))
    return image, mel.astype(np.float32)
