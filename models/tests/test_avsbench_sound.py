"""Log-mel pickles, which must run nothing, and wavs."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import wavfile

from avsac.audio import log_mel
from avsac.avsbench import DataError
from avsac.avsbench.sound import fit, read_pickle, read_wav

from .test_avsbench import numbered_patches, write_sound


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_tensors_and_arrays_are_read(tmp_path: Path, protocol: int) -> None:
    patches = numbered_patches(2)
    for value in (patches, patches.clone().requires_grad_(), patches.numpy(), patches.double().numpy()):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(value, protocol))
        read = read_pickle(tmp_path / "a.pkl")
        np.testing.assert_array_equal(read, patches.numpy())
        assert read.dtype == np.float32


def test_pickles_of_numpy_before_2_are_read(tmp_path: Path) -> None:
    new = pickle.dumps(numbered_patches(1).numpy(), 2)
    assert b"numpy._core" in new
    (tmp_path / "a.pkl").write_bytes(new.replace(b"numpy._core", b"numpy.core"))
    np.testing.assert_array_equal(read_pickle(tmp_path / "a.pkl"), numbered_patches(1).numpy())


class Command:
    def __init__(self, text: str):
        self.text = text

    def __reduce__(self) -> tuple:
        return os.system, (self.text,)


def test_a_pickle_that_runs_something_is_refused_and_does_not_run(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Command(f"touch {witness}")))
    with pytest.raises(DataError, match=r"a\.pkl is no readable log-mel pickle: it asks for \w+\.system; only arrays"):
        read_pickle(tmp_path / "a.pkl")
    # A tensor's storage is a file of torch.save inside the pickle: nothing runs from there either.
    torch.save(Command(f"touch {witness}"), tmp_path / "inner", _use_new_zipfile_serialization=False)
    inner = (tmp_path / "inner").read_bytes()

    class Storage:
        def __reduce__(self) -> tuple:
            return torch.storage._load_from_bytes, (inner,)

    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Storage()))
    with pytest.raises(DataError, match=r"a\.pkl is no readable log-mel pickle"):
        read_pickle(tmp_path / "a.pkl")
    assert not witness.exists()


def test_pickles_of_something_else_say_what_was_expected(tmp_path: Path) -> None:
    cases = {
        r"holds \[N,1,96,64\], this one \[5, 96, 64\]": np.zeros((5, 96, 64)),
        r"holds \[N,1,96,64\], this one \[0, 1, 96, 64\]": np.zeros((0, 1, 96, 64)),
        r"this one list": [1, 2],
        "not finite": np.full((5, 1, 96, 64), np.nan),
    }
    for message, value in cases.items():
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(value))
        with pytest.raises(DataError, match=message):
            read_pickle(tmp_path / "a.pkl")
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(np.zeros((5, 1, 96, 64)))[:1000])
    with pytest.raises(DataError, match="no readable log-mel pickle"):
        read_pickle(tmp_path / "a.pkl")


def test_wavs_are_cut_to_the_window_and_other_rates_are_resampled(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav", 12)
    assert read_wav(tmp_path / "a.wav", 5).shape == (5, 1, 96, 64)
    assert len(read_wav(tmp_path / "a.wav", 100)) == 12  # 192000 = 15600 + 11 * 15360 + 7440
    rate, time = 44_100, np.arange(44_100) / 44_100
    stereo = np.stack([0.5 * np.sin(2 * np.pi * 1000 * time)] * 2, -1).astype(np.float32)
    wavfile.write(tmp_path / "b.wav", rate, stereo)
    mono = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(15_600) / 16_000)
    band = log_mel(mono).mean(0).argmax()
    assert read_wav(tmp_path / "b.wav", 5)[0, 0, 10:-10].mean(0).argmax() == band
    assert len(fit(np.ones((7, 1, 96, 64)), 5, repeat_last=True)) == 5
