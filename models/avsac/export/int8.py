"""A graph whose backbone computes in eight bits, for CPUs: QDQ, as ONNX Runtime's own quantisation writes it.

Activations are uint8 and weights int8 with a scale for each channel; ranges are the smallest and largest values that training
pictures give.
"""

import logging
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

QUANTISED = ("Conv", "Add", "Clip")
# EfficientNet-Lite0's stem and first two stages stay in single precision: their channels differ most in range.
SINGLE_CONVOLUTIONS = 9


class Pictures(CalibrationDataReader):
    def __init__(self, inputs: Iterable[dict[str, np.ndarray]]):
        self.inputs = iter(inputs)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.inputs, None)


def to_int8(model: onnx.ModelProto, inputs: Iterable[dict[str, np.ndarray]]) -> onnx.ModelProto:
    """`inputs`: the graph's, one picture each."""
    logging.getLogger().setLevel(logging.ERROR)  # advice to preprocess, which the exporter has done
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        quantize_static(
            model,
            path,
            Pictures(inputs),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=list(QUANTISED),
            nodes_to_quantize=backbone_nodes(model.graph),
        )
        return onnx.load(path)


def backbone_nodes(graph: onnx.GraphProto) -> list[str]:
    """Names of the nodes of `QUANTISED` from the tenth convolution of the backbone to the projections of its maps."""
    producer = {name: node for node in graph.node for name in node.output}
    pending = [
        node.input[0] for node in graph.node if any("in_proj." in name for name in node.input) and node.op_type == "Conv"
    ]
    backbone = set()
    while pending:
        node = producer.get(pending.pop())
        if node is not None and node.name not in backbone:
            backbone.add(node.name)
            pending.extend(node.input)
    convolutions, names = 0, []
    for node in graph.node:  # in the order of their runs
        if node.name in backbone and node.op_type in QUANTISED:
            convolutions += node.op_type == "Conv"
            if convolutions > SINGLE_CONVOLUTIONS:
                names.append(node.name)
    if not names:
        raise ValueError("int8 is for the live model's backbone, EfficientNet-Lite0: this one has none of its convolutions")
    return names
