"""Models that eval asks: a checkpoint in PyTorch, or an exported graph as the server runs it."""

import json
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from ..export.graph import session
from ..model.avsac import AVSAC
from ..training.checkpoint import load_model


class Segmenter(Protocol):
    side: int  # S, of the picture
    mask_side: int  # M
    threshold: float  # probability from which on a pixel counts as sounding, 0..1

    def logits(self, image: np.ndarray, earlier: np.ndarray, mel: np.ndarray, sounds: list[int]) -> torch.Tensor:
        """image [P,S,S,3] uint8, earlier [P,4,S,S] uint8, mel [N,1,96,64], N the sum of `sounds` [P] -> [N,1,h,h] float32, h at
        most M.
        """


class TorchSegmenter:
    threshold = 0.5

    def __init__(self, model: AVSAC):
        self.model, self.side, self.mask_side = model, model.config.image_size, model.config.mask_size

    @torch.no_grad()
    def logits(self, image: np.ndarray, earlier: np.ndarray, mel: np.ndarray, sounds: list[int]) -> torch.Tensor:
        # A picture is encoded once for all its sounds.
        seen = self.model.encode_image(torch.from_numpy(image), torch.from_numpy(earlier))
        return self.model.decode(seen.repeat(torch.tensor(sounds)), torch.from_numpy(mel)).logits


class GraphSegmenter:
    """`folder` of a manifest.json and its ONNX file. Raises ValueError when it gives no logits of any batch."""

    def __init__(self, folder: Path):
        manifest = json.loads((folder / "manifest.json").read_text())
        if manifest["output"]["name"] != "logits" or "batch" in manifest:
            raise ValueError(f"{folder} gives masks or takes one batch: give an export of --output logits without --batch")
        self.session = session(folder / manifest["file"])
        self.takes = {name: spec["name"] for name, spec in manifest["inputs"].items()}
        self.side, self.mask_side = manifest["inputs"]["image"]["height"], manifest["output"]["height"]
        self.threshold = manifest["threshold"]

    def logits(self, image: np.ndarray, earlier: np.ndarray, mel: np.ndarray, sounds: list[int]) -> torch.Tensor:
        given = {"image": image.repeat(sounds, 0), "earlier": earlier.repeat(sounds, 0), "logMel": mel}
        [logits] = self.session.run(["logits"], {name: given[key] for key, name in self.takes.items()})
        return torch.from_numpy(logits)


def open_model(path: Path) -> Segmenter:
    """A run's model.pt or best.pt, or the folder of an export. Raises ValueError, OSError."""
    return GraphSegmenter(path) if path.is_dir() else TorchSegmenter(load_model(path))
