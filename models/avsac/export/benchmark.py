"""Export to ONNX with a manifest and golden vectors: everything that the server needs to know of a model."""

import hashlib
import json
import logging
import time
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from ..audio import AudioConfig
from ..model.avsac import AVSAC
from .golden import write_golden

OPSET = 18
PARITY = 1e-4

LIVE = {
    "name": "avsac-live",
    "licence": "Apache-2.0",
    "trainedOn": [
        "demo scenes of this project, rendered",
        "GRID audio-visual sentence corpus, 6 clips of 5 people, CC BY 4.0",
        "DAVIS 2016, 12 sequences, BSD",
        "COCO 2017 train, 102 photographs, annotations CC BY 4.0",
        "ESC-10, folds 1-4, CC BY 3.0",
        "LibriSpeech, 3 extracts, CC BY 4.0",
        "Intel IoT sample videos, 1 video as backdrop, CC BY 4.0",
        "ImageNet, through the frozen EfficientNet-Lite0 backbone",
    ],
}


class ParityError(ValueError):
    """The ONNX graph does not compute what the PyTorch model computes."""


def export_onnx(model: AVSAC, path: Path, audio: AudioConfig = AudioConfig()) -> None:  # noqa: B008 (frozen)
    """Writes image [N,S,S,3] uint8, log_mel [N,1,frames,bands] float32 -> logits [N,K,S,S] float32, N dynamic."""
    side = model.config.image_size
    example = (
        torch.zeros(2, side, side, 3, dtype=torch.uint8),
        torch.zeros(2, 1, audio.frames, audio.mel_bands),
    )
    batch = torch.export.Dim("batch", min=1, max=64)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            example,
            path,
            input_names=["image", "log_mel"],
            output_names=["logits"],
            dynamic_shapes=({0: batch}, {0: batch}),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    graph = onnx.load(path)
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


def check_parity(model: AVSAC, path: Path, audio: AudioConfig = AudioConfig()) -> float:  # noqa: B008 (frozen)
    """Largest difference between ONNX and PyTorch logits over batches of 1 and 3. Raises ParityError above 1e-4."""
    runtime, worst = session(path), 0.0
    for batch in (1, 3):
        image, mel = random_inputs(batch, model.config.image_size, audio, seed=batch)
        with torch.no_grad():
            expected = model.eval()(torch.from_numpy(image), torch.from_numpy(mel)).numpy()
        (logits,) = runtime.run(["logits"], {"image": image, "log_mel": mel})
        worst = max(worst, float(np.abs(logits - expected).max()))
    if worst > PARITY:
        raise ParityError(f"ONNX differs from PyTorch by {worst:.2e}, more than {PARITY:.0e}")
    return worst


def manifest(model: AVSAC, path: Path, version: str, audio: AudioConfig = AudioConfig()) -> dict:  # noqa: B008
    """What the server reads: names, types and shapes of the tensors, front end, threshold, checksum."""
    content, side = path.read_bytes(), model.config.image_size
    image = {"name": "image", "type": "uint8", "layout": "NHWC", "height": side, "width": side, "channels": 3}
    mel = {"name": "log_mel", "type": "float32", "frames": audio.frames, "bands": audio.mel_bands}
    return {
        "name": LIVE["name"],
        "version": version,
        "file": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "opset": OPSET,
        "inputs": {"image": image, "logMel": mel},
        "output": {"name": "logits", "type": "float32", "height": side, "width": side},
        "audio": audio.to_manifest(),
        "windowLength": 5,
        "temporal": False,
        "motion": [],
        "threshold": 0.5,
        "silenceGateDbfs": -65,
        "classes": ["sounding"],
        "golden": "golden/index.json",
        "licence": LIVE["licence"],
        "trainedOn": LIVE["trainedOn"],
    }


def export(model: AVSAC, folder: Path, version: str) -> float:
    """Writes avsac-live.onnx, manifest.json and golden/ into the folder; returns the difference to PyTorch.

    Raises ParityError, and then leaves no manifest that names the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, manifest_path = folder / f"{LIVE['name']}.onnx", folder / "manifest.json"
    manifest_path.unlink(missing_ok=True)
    export_onnx(model, path)
    worst = check_parity(model, path)
    write_json(folder / "golden" / "index.json", write_golden(folder / "golden", model))
    write_json(manifest_path, manifest(model, path, version))
    return worst


def benchmark(path: Path, threads: int, runs: int = 20) -> dict[int, float]:
    """Median milliseconds a frame at batches of 1, 2, 4 and 8."""
    runtime = session(path, threads)
    side = runtime.get_inputs()[0].shape[1]
    result = {}
    for batch in (1, 2, 4, 8):
        image, mel = random_inputs(batch, side, AudioConfig(), seed=0)
        times = []
        for _ in range(runs + 3):
            began = time.perf_counter()
            runtime.run(None, {"image": image, "log_mel": mel})
            times.append(time.perf_counter() - began)
        result[batch] = 1000 * float(np.median(times[3:])) / batch
    return result


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
