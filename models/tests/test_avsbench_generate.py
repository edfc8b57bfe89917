"""The generator against its own sounds."""

import csv
from pathlib import Path

import numpy as np
import pytest

from avsac.audio import log_mel
from avsac.avsbench import open_dataset
from avsac.avsbench.generate import KINDS, generate


@pytest.mark.parametrize("kind", ["s4", "ms3", "avss"])
def test_generated_masks_show_what_sounds(tmp_path: Path, kind: str) -> None:
    """Loud tones in each patch, counted from its spectrum, against the colours under the mask."""
    generate(kind, tmp_path, clips=4, size=48)
    clips = open_dataset(kind, tmp_path, "val", 48)
    seen = set()
    for clip in (clips[i] for i in range(len(clips))):
        for t in np.flatnonzero(clip.valid):
            assert clip.supervised[t]
            bands = clip.log_mel[t, 0, 8:-8].mean(0)
            heard = {i for i, k in enumerate(KINDS) if bands[log_mel_band(k.hertz)] > 0}
            lit = clip.image[t][clip.mask[t] > 0].astype(int)
            colours = np.array([k.colour for k in KINDS])
            nearest = np.abs(lit[:, None] - colours).sum(-1).argmin(-1) if len(lit) else np.zeros(0, int)
            shares = np.bincount(nearest, minlength=4) / max(1, len(lit))
            assert {i for i in range(4) if shares[i] > 0.1} == heard
            if kind == "avss":
                assert set(np.unique(clip.mask[t])) == {0} | {i + 1 for i in heard}
            seen |= {(len(heard), *heard)}
    assert len(seen) >= 4
    assert (kind == "ms3") == ((0,) in seen)  # only there does a frame have no ground truth


def log_mel_band(hertz: float) -> int:
    return int(log_mel(np.sin(2 * np.pi * hertz * np.arange(15_600) / 16_000)).mean(0).argmax())


def test_generated_sets_depend_on_the_seed_alone(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate("s4", tmp_path / name, clips=2, size=32, seed=seed, pickles=True)
    files = [p.relative_to(tmp_path / "a") for p in sorted((tmp_path / "a").rglob("*")) if p.is_file()]
    same = [[(tmp_path / "a" / f).read_bytes() == (tmp_path / other / f).read_bytes() for f in files] for other in "bc"]
    assert all(same[0])
    assert not all(same[1])
    with (tmp_path / "a" / "s4_meta_data.csv").open() as file:
        assert [row["split"] for row in csv.DictReader(file)] == ["train", "train", "val", "val", "test", "test"]
    clips = open_dataset("s4", tmp_path / "a", "test", 32)
    from_pickle = clips[1].log_mel
    clips.files(1).log_mel.unlink()
    np.testing.assert_array_equal(from_pickle, clips[1].log_mel)
