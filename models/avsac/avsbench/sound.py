"""Log-mel patches of a clip: from the pickle that AVSBench ships, or computed from its wav."""

import io
import pickle
from pathlib import Path

import numpy as np
import torch

from ..audio import AudioConfig, log_mel
from ..live.media import MediaError, read_audio
from .errors import DataError

AUDIO = AudioConfig()
PATCH_HOP = AUDIO.hop_length * AUDIO.frames  # 15360 samples: patch i starts at 0.96 * i seconds


def storage_from_bytes(data: bytes) -> object:
    """torch.storage._load_from_bytes, restricted to weights and put on the CPU."""
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


class TensorUnpickler(pickle.Unpickler):
    """Rebuilds NumPy arrays and torch tensors; a pickle can name any function, and nothing else may run."""

    ALLOWED = frozenset(
        {
            ("_codecs", "encode"),
            ("collections", "OrderedDict"),
            ("numpy", "dtype"),
            ("numpy", "ndarray"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("numpy.core.numeric", "_frombuffer"),
            ("numpy._core.numeric", "_frombuffer"),
            ("torch._utils", "_rebuild_tensor_v2"),
        }
    )

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("torch.storage", "_load_from_bytes"):
            return storage_from_bytes
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}; only arrays and tensors are read")
        return super().find_class(module, name)


def read_pickle(path: Path) -> np.ndarray:
    """[N,1,96,64] float32 of a pickled array or tensor. Raises DataError."""
    try:
        with path.open("rb") as file:
            patches = TensorUnpickler(file).load()
    except Exception as error:  # a broken pickle raises almost anything
        raise DataError(f"{path} is no readable log-mel pickle: {error}") from None
    if isinstance(patches, torch.Tensor):
        patches = patches.detach().numpy()
    shape = (1, AUDIO.frames, AUDIO.mel_bands)
    if not isinstance(patches, np.ndarray) or patches.shape[1:] != shape or not len(patches):
        found = list(patches.shape) if isinstance(patches, np.ndarray) else type(patches).__name__
        raise DataError(f"{path}: a log-mel pickle holds [N,1,96,64], this one {found}; delete it to use the wav")
    if not np.isfinite(patches).all():
        raise DataError(f"{path}: the log-mel patches are not finite; delete the file to use the wav")
    return patches.astype(np.float32)


def read_wav(path: Path, most: int) -> np.ndarray:
    """[N,1,96,64] float32, the whole patches of a recording, N from 1 to `most`. Raises DataError."""
    if not path.exists():
        raise DataError(f"{path} is missing, and there is no log-mel pickle either")
    try:
        pcm = read_audio(path)
    except (MediaError, ValueError, IndexError) as error:
        raise DataError(f"{path} is no readable recording ({error}); get the file again") from None
    starts = range(0, len(pcm) - AUDIO.samples + 1, PATCH_HOP)[:most]
    if not starts:
        need = AUDIO.samples / AUDIO.sample_rate
        raise DataError(f"{path} lasts {len(pcm) / AUDIO.sample_rate:.3f} s; one patch takes {need:.3f} s")
    return log_mel(np.stack([pcm[start : start + AUDIO.samples] for start in starts]))[:, None]


def fit(patches: np.ndarray, count: int, repeat_last: bool) -> np.ndarray:
    """[N,1,96,64] -> [count,1,96,64]: cut, or filled up with the last patch (S4, MS3) or zeros (AVSS)."""
    missing = count - len(patches)
    if missing <= 0:
        return patches[:count]
    filling = patches[-1:] if repeat_last else np.zeros_like(patches[-1:])
    return np.concatenate([patches, filling.repeat(missing, 0)])
