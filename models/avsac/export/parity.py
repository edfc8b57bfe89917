"""Does the graph compute what the PyTorch model computes?"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..audio import AudioConfig
from .graph import CLOSE_UP, LOOKED, Graph, GraphConfig, decide, random_inputs, session

# Largest difference in logits of an fp32 graph.
PARITY = 1e-4
# The same of an fp16 graph, as a share of the logits' standard deviation.
HALF_PARITY = 0.1
# Share of pixels that an int8 graph may decide otherwise.
INT8_PARITY = 0.01


class ParityError(ValueError):
    """The ONNX graph does not compute what the PyTorch model computes."""


def difference(logits: np.ndarray, output: np.ndarray, bound: float = 0.0) -> float:
    """Largest distance between PyTorch's logits [N,K,S,S] and a graph's output, in logits.

    For a mask [N,1,S,S]: how far the logits would have to move for the decision to be PyTorch's too, so that a pixel on the
    edge counts little whichever way it falls.
    """
    if output.dtype != np.uint8:
        return float(np.abs(logits - output).max())
    if logits.shape[1] == 1:
        return float(np.abs(logits - bound)[(logits > bound) != (output > 0)].max(initial=0.0))
    chosen = np.take_along_axis(logits, output.astype(np.int64), 1)
    return float((logits.max(1, keepdims=True) - chosen).max())


def logits_of(model: nn.Module, inputs: dict[str, np.ndarray]) -> torch.Tensor:
    """What PyTorch says of a graph's inputs; close-ups change what it says of later pictures alone."""
    given = {name: torch.from_numpy(values) for name, values in inputs.items() if name != CLOSE_UP}
    return Graph(model, GraphConfig()).eval()(**given)[0]


def check_decisions(model: nn.Module, path: Path, config: GraphConfig, inputs: Iterable[dict[str, np.ndarray]]) -> float:
    """Share of pixels that an int8 graph decides unlike PyTorch, on `inputs` of pictures. Raises ParityError above 1 %."""
    runtime, shares = session(path), []
    for picture in inputs:
        with torch.no_grad():
            expected = decide(logits_of(model, picture), config.bound).numpy()
        (output,) = runtime.run([config.output], picture)
        found = output if output.dtype == np.uint8 else decide(torch.from_numpy(output), config.bound).numpy()
        shares.append(float((found != expected).mean()))
    if not np.mean(shares) <= INT8_PARITY:
        raise ParityError(f"ONNX decides {np.mean(shares):.2%} of the pixels unlike PyTorch, more than {INT8_PARITY:.0%}")
    return float(np.mean(shares))


def check_parity(model: nn.Module, path: Path, config: GraphConfig, audio: AudioConfig = AudioConfig()) -> float:  # noqa: B008 (frozen)
    """Largest difference, in logits, over the batches of `config`. Raises ParityError above the precision's bound."""
    runtime, worst, spread = session(path), 0.0, 0.0
    for batch in config.batches:
        inputs = random_inputs(batch, model.config, audio, seed=batch)
        with torch.no_grad():
            logits = logits_of(model, inputs).numpy()
            if CLOSE_UP in inputs:
                looked = model.look_closer(torch.from_numpy(inputs[CLOSE_UP])).numpy()
                worst = max(worst, difference(looked, *runtime.run([LOOKED], inputs)))
        (output,) = runtime.run([config.output], inputs)
        worst, spread = max(worst, difference(logits, output, config.bound)), max(spread, float(logits.std()))
    bound = PARITY if config.precision == "fp32" else HALF_PARITY * spread
    if not worst <= bound:
        raise ParityError(f"ONNX differs from PyTorch by {worst:.2e} in logits, more than {bound:.1e}")
    return worst
