"""Where a graph's time goes: ONNX Runtime's own profile by operator, beside what the multiplications alone would take."""

import json
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from .benchmark import WARM_UP, random_feed
from .graph import OPSET, session

GRID_SAMPLE_TAPS = 4
IR_VERSION = 10
SQUARE = 1024  # side of the matrices whose product gives the speed of arithmetic


@dataclass(frozen=True)
class Operator:
    name: str
    calls: int  # of one run
    milliseconds: float  # median of the runs
    multiplications: int  # multiply-adds of one run; of convolutions, matrix products and bilinear samples


def profile(path: Path, runs: int) -> list[Operator]:
    """Operators of one run of one frame (or the graph's batch) on one thread, slowest first.

    Profiling itself adds some microseconds to each call.
    """
    with tempfile.TemporaryDirectory() as folder:
        runtime = session(path, profile=Path(folder) / "run")
        batch = runtime.get_inputs()[0].shape[0]
        feed = random_feed(runtime, 1 if isinstance(batch, str) else batch)
        for _ in range(runs + WARM_UP):
            runtime.run(None, feed)
        events = json.loads(Path(runtime.end_profiling()).read_text())
    starts = sorted(event["ts"] for event in events if event["name"] == "model_run")[WARM_UP:]
    kernels = [event for event in events if event["name"].endswith("_kernel_time") and event["ts"] >= starts[0]]
    taken: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(starts)))
    calls: dict[str, int] = defaultdict(int)
    products: dict[str, int] = defaultdict(int)
    for event in kernels:
        name, run = event["args"]["op_name"], int(np.searchsorted(starts, event["ts"], "right")) - 1
        taken[name][run] += event["dur"] / 1000
        if run == 0:
            calls[name] += 1
            products[name] += multiplications(name, *(shapes(event, side) for side in ("input", "output")))
    operators = [Operator(name, calls[name], float(np.median(times)), products[name]) for name, times in taken.items()]
    return sorted(operators, key=lambda operator: -operator.milliseconds)


def shapes(event: dict, side: str) -> list[list[int]]:
    """Of the event's inputs or outputs, weights of matrix products left out by ONNX Runtime."""
    return [next(iter(tensor.values())) for tensor in event["args"][f"{side}_type_shape"]]


def multiplications(operator: str, inputs: list[list[int]], outputs: list[list[int]]) -> int:
    """Multiply-adds of one call, by the shapes of what goes in and comes out; 0 for what is not counted."""
    made = prod(outputs[0]) if outputs else 0
    if operator == "Conv":
        return made * prod(inputs[1][1:])
    if operator in ("MatMul", "FusedMatMul", "Gemm"):
        return prod(inputs[0]) * outputs[0][-1]  # each element of the left side meets each column of the right one
    return made * GRID_SAMPLE_TAPS if operator == "GridSample" else 0


def multiplications_per_millisecond(runs: int = 9) -> float:
    """Of one core at its best: ONNX Runtime's product of two large matrices, the shortest of `runs`."""
    shape = [SQUARE, SQUARE]
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("a", "b", "product")]
    graph = helper.make_graph([helper.make_node("MatMul", ["a", "b"], ["product"])], "product", tensors[:2], tensors[2:])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "product.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION), path)
        runtime = session(path)
    matrix, times = np.random.default_rng(0).standard_normal(shape, np.float32), []
    for _ in range(runs):
        began = time.perf_counter()
        runtime.run(None, {"a": matrix, "b": matrix})
        times.append(time.perf_counter() - began)
    return SQUARE**3 / (1000 * min(times))


def format_profile(operators: list[Operator], speed: float) -> str:
    """A Markdown table of operators with 1 % of the time or more, the rest in one line. `speed`: multiply-adds a ms."""
    total = sum(operator.milliseconds for operator in operators)
    shown = [operator for operator in operators if operator.milliseconds >= 0.01 * total]
    rest = [operator for operator in operators if operator not in shown]
    lines = ["| operator | calls | ms | share | multiply-adds, million | their ms alone |", "|---|---|---|---|---|---|"]
    for name, of in [*((operator.name, [operator]) for operator in shown), ("others", rest), ("**all**", operators)]:
        taken, products = sum(o.milliseconds for o in of), sum(o.multiplications for o in of)
        row = (name, sum(o.calls for o in of), f"{taken:.2f}", f"{taken / total:.1%}", f"{products / 1e6:.1f}")
        lines.append(f"| {' | '.join(map(str, row))} | {products / speed:.2f} |")
    return "\n".join(lines)
