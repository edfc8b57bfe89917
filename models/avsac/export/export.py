"""Export: an ONNX file with its manifest and golden vectors, all that the server and another implementation need."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..audio import AudioConfig
from ..model.avsac import AVSAC
from ..training.checkpoint import write_trained
from .golden import write_golden
from .graph import GraphConfig, write_graph
from .manifest import Card, manifest
from .parity import check_decisions, check_parity


def export(
    model: AVSAC,
    folder: Path,
    card: Card,
    classes: tuple[str, ...],
    graph: GraphConfig = GraphConfig(),  # noqa: B008 (frozen)
    audio: AudioConfig = AudioConfig(),  # noqa: B008 (frozen)
    calibration: Sequence[dict[str, np.ndarray]] = (),
) -> float:
    """Writes NAME.onnx, manifest.json and golden/ into the folder; returns the difference to PyTorch in logits.

    Where the backbone comes with the package weights.pt joins them, for `avsac train --init`.
    Of int8, which is calibrated on three quarters of `calibration`, it is the share of pixels decided otherwise on the rest.
    Raises ParityError, and then leaves no manifest that names the file; ValueError when `classes` are not the model's.
    """
    if len(classes) != model.config.classes:
        raise ValueError(f"{len(classes)} class names for a model of {model.config.classes} classes")
    folder.mkdir(parents=True, exist_ok=True)
    path, manifest_path = folder / f"{card.name}.onnx", folder / "manifest.json"
    manifest_path.unlink(missing_ok=True)
    write_graph(model, path, graph, audio, calibration[len(calibration) // 4 :])
    if graph.precision == "int8":
        worst = check_decisions(model, path, graph, calibration[: len(calibration) // 4])
    else:
        worst = check_parity(model, path, graph, audio)
    write_json(folder / "golden" / "index.json", write_golden(folder / "golden", model, graph))
    if model.backbone.packaged:
        write_trained(folder / "weights.pt", model)
    write_json(manifest_path, manifest(model.config, path, card, classes, graph, worst, audio))
    return worst


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
