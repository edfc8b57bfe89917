"""Models that eval asks: a checkpoint in PyTorch, or an exported graph as the server runs it."""

import json
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from ..export.graph import session
from ..model.avsac import AVSAC
from ..model.close_up import reduced
from ..training.checkpoint import load_model


class Segmenter(Protocol):
    side: int  # of the picture
    mask_side: int  # M
    threshold: float  # probability from which on a pixel counts as sounding, 0..1

    def logits(self, image: np.ndarray, earlier: np.ndarray, mel: np.ndarray, sounds: list[int]) -> torch.Tensor:
        """image [P,S,S,3] uint8, earlier [P,4,S,S] uint8, mel [N,1,96,64], N the sum of `sounds` [P] -> [N,1,h,h] float32, h at
        most M.
        """


class TorchSegmenter:
    threshold = 0.5

    def __init__(self, model: AVSAC):
        self.model, self.side, self.mask_side = model, model.config.close_up_size, model.config.image_size

    @torch.no_grad()
    def logits(self, image: np.ndarray, earlier: np.ndarray, mel: np.ndarray, sounds: list[int]) -> torch.Tensor:
        scale, picture = self.model.config.recognition_scale, torch.from_numpy(image)
        closer = self.model.look_closer(picture) if scale > 1 else None
        # A picture is encoded once for all its sounds.
        before = reduced(torch.from_numpy(earlier), scale, rows=2)
        seen = self.model.encode_image(reduced(picture, scale), before, closer=closer)
        return self.model.decode(seen.repeat(torch.tensor(sounds)), torch.from_numpy(mel)).logits


class GraphSegmenter:
    """`folder` of a manifest.json and its ONNX file. Raises ValueError when it gives no logits of any batch."""

    def __init__(self, folder: Path):
        manifest = json.loads((folder / "manifest.json").read_text())
        if manifest["output"]["name"] != "logits" or "batch" in manifest:
            raise ValueError(f"{folder} gives masks or takes one batch: give an export of --output logits without --batch")
        self.session = session(folder / manifest["file"])
        self.takes = {name: spec["name"] for name, spec in manifest["inputs"].items()}
        self.mask_side, self.threshold = manifest["output"]["height"], manifest["threshold"]
        self.close_up = manifest["inputs"].get("closeUp")
        self.side = (self.close_up or manifest["inputs"]["image"])["height"]
        if self.close_up:
            self.takes["looks"] = self.close_up["looks"]["name"]

    def logits(self, image: np.ndarray, earlier: np.ndarray, mel: np.ndarray, sounds: list[int]) -> torch.Tensor:
        scale = self.side // self.mask_side
        small, before = (reduced(torch.from_numpy(pixels), scale, rows).numpy() for pixels, rows in ((image, 1), (earlier, 2)))
        given = {"image": small.repeat(sounds, 0), "earlier": before.repeat(sounds, 0), "logMel": mel}
        if self.close_up:
            # Those of the very pictures: a server has them of a picture shortly before.
            looks = self.close_up["looks"]
            unknown = np.full((1, looks["positions"], looks["kinds"]), np.nan, np.float32)
            first = {name: rows[:1] for name, rows in given.items()} | {"looks": unknown, "closeUp": image}
            given |= {"looks": self.run(first, looks["output"]).repeat(sounds, 0), "closeUp": image[:0]}
        return torch.from_numpy(self.run(given, "logits"))

    def run(self, given: dict[str, np.ndarray], output: str) -> np.ndarray:
        return self.session.run([output], {name: given[key] for key, name in self.takes.items()})[0]


def open_model(path: Path) -> Segmenter:
    """A run's model.pt or best.pt, or the folder of an export. Raises ValueError, OSError."""
    return GraphSegmenter(path) if path.is_dir() else TorchSegmenter(load_model(path))
