"""The ONNX graph of a model: uint8 image and log-mel in, and earlier frames where it sees motion; logits or masks out."""

import logging
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx_ir.passes.common import DeduplicateInitializersPass
from torch import Tensor, nn

from ..audio import AudioConfig
from ..model.avsac import STRIDES
from ..model.config import ModelConfig
from ..model.motion import EARLIER_MS
from ..model.recognition import RECOGNISED
from .half import to_half
from .int8 import to_int8
from .layer_norm import SPELLED_OUT

OPSET = 18
MAX_BATCH = 64
PRECISIONS = ("fp32", "fp16", "int8")
CLOSE_UP, LOOKED = "close_up", "looked"
TABLE_SIZE = 2**23  # elements; above it nothing is compared


@dataclass(frozen=True)
class GraphConfig:
    """What kind of graph to write."""

    batch: int | None = None  # frames of a run; None: as many as the caller gives, 1 to 64
    output: str = "logits"  # or "mask"
    threshold: float = 0.5  # probability above which a pixel sounds, for K = 1
    precision: str = "fp32"  # or "fp16", or "int8" (the backbone): weights and activations; inputs and outputs stay

    def __post_init__(self) -> None:
        if self.batch is not None and not 1 <= self.batch <= MAX_BATCH:
            raise ValueError(f"batch {self.batch} is not in 1 to {MAX_BATCH}")
        if self.output not in ("logits", "mask"):
            raise ValueError(f"output {self.output} is neither logits nor mask")
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold {self.threshold} is not between 0 and 1")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision {self.precision} is not one of {', '.join(PRECISIONS)}")

    @property
    def bound(self) -> float:
        """The threshold as a logit."""
        return math.log(self.threshold / (1 - self.threshold))

    @property
    def batches(self) -> tuple[int, ...]:
        """Batch sizes that a check of the graph runs."""
        return (1, 3) if self.batch is None else (self.batch,)


def decide(logits: Tensor, bound: float = 0.0) -> Tensor:
    """logits [N,K,S,S] -> mask [N,1,S,S] uint8: 1 where it sounds, above the bound (K = 1), else its class, 0 for none."""
    if logits.shape[1] == 1:
        return (logits > bound).to(torch.uint8)
    return logits.argmax(1, keepdim=True).to(torch.uint8)


class Graph(nn.Module):
    """The model with what its graph does after it."""

    def __init__(self, model: nn.Module, config: GraphConfig):
        super().__init__()
        self.model, self.config = model, config

    def forward(
        self,
        image: Tensor,
        log_mel: Tensor,
        earlier: Tensor | None = None,
        looks: Tensor | None = None,
        close_up: Tensor | None = None,
    ) -> list[Tensor]:
        """`random_inputs` by their names -> `output_names`: `logits` [N,K,S,S] float32 or `mask` of `decide`, and with
        close-ups what these look like [M,P,K].
        """
        logits = self.model(image, log_mel, earlier, looks)
        output = decide(logits, self.config.bound) if self.config.output == "mask" else logits
        return [output] if close_up is None else [output, self.model.look_closer(close_up)]


def write_graph(
    model: nn.Module,
    path: Path,
    config: GraphConfig,
    audio: AudioConfig = AudioConfig(),  # noqa: B008 (frozen)
    calibration: Sequence[dict[str, np.ndarray]] = (),
) -> None:
    """Writes the inputs of `random_inputs` and the output named by `config.output`, as `Graph.forward` has them.

    `calibration`: inputs of pictures that the model was trained on, one each; for int8.
    """
    if config.precision == "int8" and not calibration:
        raise ValueError("int8 is calibrated on pictures of the training data: give --scenes, --media or both")
    example = random_inputs(config.batch or 2, model.config, audio, seed=0)
    fused_norms = config.precision == "fp16"  # which is for GPUs
    graph = to_onnx(Graph(model, config), example, output_names(model.config, config), config.batch is None, fused_norms)
    if config.precision == "fp16":
        graph = to_half(graph)
    elif config.precision == "int8":
        graph = to_int8(graph, calibration)
    del graph.graph.value_info[:]  # shapes of what is in between, which every runtime infers
    onnx.save(graph, path)


def looks_shape(model: ModelConfig) -> tuple[int, int]:
    """P positions and K kinds."""
    return (model.image_size // STRIDES[-1]) ** 2, len(RECOGNISED)


def output_names(model: ModelConfig, config: GraphConfig) -> list[str]:
    """Names of what the graph gives."""
    return [config.output, LOOKED] if model.recognition_scale > 1 else [config.output]


def to_onnx(
    module: nn.Module, example: dict[str, np.ndarray], outputs: list[str], any_batch: bool, fused_norms: bool = False
) -> onnx.ModelProto:
    """The module as a graph whose inputs are those of `example`, in their order; `any_batch`: 1 to 64 rows of each. Close-ups
    are as many as the caller gives, also none.

    `fused_norms`: layer normalisation as the one operator that GPUs are fast at.
    """
    rows = dict.fromkeys(example, torch.export.Dim("batch", min=1, max=MAX_BATCH) if any_batch else None)
    if CLOSE_UP in rows:
        rows[CLOSE_UP] = torch.export.Dim("close_ups", min=1, max=MAX_BATCH)  # none is one that export would hold for fixed
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.eval(),
            kwargs={name: torch.from_numpy(values) for name, values in example.items()},
            input_names=list(example),
            output_names=outputs,
            dynamic_shapes={name: {} if count is None else {0: count} for name, count in rows.items()},
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
            custom_translation_table=None if fused_norms else SPELLED_OUT,
        )
    DeduplicateInitializersPass(TABLE_SIZE)(program.model)  # tables that every attention layer has
    graph = program.model_proto
    del graph.metadata_props[:]
    for node in graph.graph.node:  # source lines of the exporting machine
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.checker.check_model(graph, full_check=True)
    return graph


def session(path: Path, threads: int = 1, profile: Path | None = None) -> onnxruntime.InferenceSession:
    """`profile`: start of the name of a file of kernel times, which `end_profiling` of the session returns."""
    options = onnxruntime.SessionOptions()
    if profile is not None:
        options.enable_profiling, options.profile_file_prefix = True, str(profile)
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def random_inputs(batch: int, model: ModelConfig, audio: AudioConfig, seed: int) -> dict[str, np.ndarray]:
    """The graph's inputs by name, in order, N = batch.

    image [N,S,S,3] uint8 RGB; log_mel [N,1,frames,bands] float32 in the range of speech; of a model with motion, earlier
    [N,4,S,S] uint8, luminance of the frames `EARLIER_MS` before; of one with close-ups, looks [N,P,K] float32, the last
    unknown, and close_up [N+1,rS,rS,3] uint8, for their number is not the frames'.
    """
    random, side = np.random.default_rng(seed), model.image_size
    image = random.integers(0, 256, (batch, side, side, 3), dtype=np.uint8)
    mel = random.normal(-2, 2.5, (batch, 1, audio.frames, audio.mel_bands)).clip(np.log(audio.log_offset))
    inputs = {"image": image, "log_mel": mel.astype(np.float32)}
    if model.motion:
        inputs["earlier"] = random.integers(0, 256, (batch, len(EARLIER_MS), side, side), dtype=np.uint8)
    if model.recognition_scale > 1:
        inputs["looks"] = random.normal(0, 1, (batch, *looks_shape(model))).astype(np.float32)
        inputs["looks"][-1] = np.nan
        inputs[CLOSE_UP] = random.integers(0, 256, (batch + 1, model.close_up_size, model.close_up_size, 3), dtype=np.uint8)
    return inputs
