"""A graph in half precision, for GPUs, with what half precision would spoil left in single."""

import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

# Sums over many elements, and GridSample, which ONNX Runtime has on CUDA in single precision only.
SINGLE = ("GridSample", "LayerNormalization", "GroupNormalization", "InstanceNormalization", "Softmax", "ReduceMean", "Resize")


def to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Weights and activations in float16; inputs, outputs, `SINGLE` and the places that GridSample samples in float32."""
    half = OnnxModel(
        convert_float_to_float16(
            model, keep_io_types=True, op_block_list=list(SINGLE), node_block_list=sampling_places(model.graph)
        )
    )
    half.topological_sort()  # the casts stand last until then
    return half.model


def sampling_places(graph: onnx.GraphProto) -> list[str]:
    """Names of the nodes between a linear layer and the places of a GridSample: a place has too few bits in float16.

    Half a cell of a level 64 cells wide is 1/64 of the range -1..1, where float16 steps by 1/2048.
    """
    producer = {name: node for node in graph.node for name in node.output}
    found: dict[str, None] = {}
    pending = [node.input[1] for node in graph.node if node.op_type == "GridSample"]
    while pending:
        node = producer.get(pending.pop())
        if node is None or node.op_type in ("MatMul", "Gemm") or node.name in found:
            continue
        found[node.name] = None
        pending.extend(node.input)
    return list(found)
