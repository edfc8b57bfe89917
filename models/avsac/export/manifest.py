"""The manifest: everything that the server needs to know of a model."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from ..audio import AudioConfig
from ..model.config import ModelConfig
from ..model.motion import EARLIER_MS
from .graph import CLOSE_UP, LOOKED, OPSET, GraphConfig, looks_shape

CLOSE_UP_EVERY_MS = 1000  # looks two seconds old serve as well as fresh ones (docs/model-log.md)


@dataclass(frozen=True)
class Card:
    """What the weights do not say of themselves."""

    name: str
    version: str = "1.0.0"
    licence: str = "that of the checkpoint and of the data it was trained on"
    trained_on: tuple[str, ...] = ()


STILL_CARD = Card(
    "avsac-live-still",
    licence="Apache-2.0",
    trained_on=(
        "demo scenes of this project, rendered",
        "GRID audio-visual sentence corpus, 6 clips of 5 people, CC BY 4.0",
        "DAVIS 2016, 12 sequences, BSD",
        "COCO 2017 train, 102 photographs, annotations CC BY 4.0",
        "ESC-10, folds 1-4, CC BY 3.0",
        "LibriSpeech, 3 extracts, CC BY 4.0",
        "Intel IoT sample videos, 1 video as backdrop, CC BY 4.0",
        "ImageNet, through the frozen EfficientNet-Lite0 backbone",
    ),
)
LIVE_CARD = replace(
    STILL_CARD,
    name="avsac-live",
    trained_on=(
        *STILL_CARD.trained_on,
        "Noto Emoji, Apache-2.0; Fluent Emoji, MIT; Game-icons, CC BY 3.0; EmojiOne, CC BY 4.0",
        "FluidR3 GM, MIT, and espeak-ng, rendered",
    ),
)
SHIPPED_CARDS = {"live": LIVE_CARD, "live-still": STILL_CARD}


def manifest(
    model: ModelConfig,
    path: Path,
    card: Card,
    classes: tuple[str, ...],
    graph: GraphConfig,
    difference: float,
    audio: AudioConfig,
) -> dict:
    """Names, types and shapes of the tensors of the ONNX file at `path`, its front end, classes, checksum and parity.

    An output of uint8 is a mask [N,1,M,M] of class indices; of float32, logits [N,K,M,M]. `earlier`, in models with motion
    alone, is the luminance (BT.601, 0..255) of the frames `agesMs` before the image, in that order. `closeUp`, in models with
    close-ups alone, is the picture in more pixels, of some rows or of none; what it looks like, the output of its `looks`, is
    the input of their name with the pictures that follow it. One every `everyMs` is enough.
    """
    content, side = path.read_bytes(), model.image_size
    image = {"name": "image", "type": "uint8", "layout": "NHWC", "height": side, "width": side, "channels": 3}
    mel = {"name": "log_mel", "type": "float32", "frames": audio.frames, "bands": audio.mel_bands}
    inputs = {"image": image, "logMel": mel}
    if model.motion:
        earlier = {"name": "earlier", "type": "uint8", "layout": "NCHW", "height": side, "width": side}
        inputs["earlier"] = earlier | {"agesMs": list(EARLIER_MS)}
    if model.recognition_scale > 1:
        positions, kinds = looks_shape(model)
        looks = {"name": "looks", "output": LOOKED, "type": "float32", "positions": positions, "kinds": kinds}
        wide = {"name": CLOSE_UP, "height": model.close_up_size, "width": model.close_up_size}
        inputs["closeUp"] = image | wide | {"everyMs": CLOSE_UP_EVERY_MS, "looks": looks}
    unit = "share of pixels decided otherwise" if graph.precision == "int8" else "logits"
    kind = "float32" if graph.output == "logits" else "uint8"
    return {
        "name": card.name,
        "version": card.version,
        "file": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "opset": OPSET,
        "precision": graph.precision,
        "parity": {"largestDifference": float(f"{difference:.1e}"), "unit": unit, "against": "PyTorch fp32"},
        **({} if graph.batch is None else {"batch": graph.batch}),
        "inputs": inputs,
        "output": {"name": graph.output, "type": kind, "height": side, "width": side},
        "audio": audio.to_manifest(),
        "windowLength": model.frames,
        "temporal": False,
        "threshold": graph.threshold,
        "silenceGateDbfs": -65,
        "classes": list(classes),
        "golden": "golden/index.json",
        "licence": card.licence,
        "trainedOn": list(card.trained_on),
    }
