import json
from pathlib import Path

import numpy as np
import pytest

from avsac.live.data import BatchProcess, BatchSource, DataConfig, sound_classes
from avsac.live.media import MediaError, files, read_audio, read_video
from avsac.live.sample import still
from avsac.live.scenes import ENDED_SHARE, ScenesError, SceneSet, vary
from avsac.live.talkers import chroma_key, speaking_frames
from avsac.model.motion import EARLIER_MS

NAMES = ("images.u8", "earlier.u8", "pcm.i16", "masks.u8")


def write_scenes(folder: Path, pictures: int, side: int = 64, spare_bytes: int = 0) -> None:
    """A split of discs: the disc's kind sounds a tone of its own; the third sound of each picture is silence."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(pictures)
    kinds = ["high", "low"]
    y, x = np.mgrid[0:side, 0:side]
    images, earlier, pcm, masks, labels = [], [], [], [], []
    time = np.arange(15_600) / 16_000
    for _ in range(pictures):
        discs = [(x - cx) ** 2 + (y - random.integers(20, 44)) ** 2 < 100 for cx in (16, 48)]
        image = np.full((side, side, 3), random.integers(60, 120), np.uint8)
        image[discs[0]], image[discs[1]] = (250, 30, 30), (30, 30, 250)
        images.append(image)
        earlier.append(still(image))
        tones = [0.3 * np.sin(2 * np.pi * f * time) for f in (3000, 300)] + [np.zeros(15_600)]
        pcm.append((np.stack(tones) * 32767).astype("<i2"))
        masks.append(np.stack([d[::2, ::2] for d in (*discs, np.zeros((side, side), bool))]).astype(np.uint8) * 255)
        labels.append([{"tag": "right", "kinds": [k]} for k in kinds] + [{"tag": "silent", "kinds": []}])
    for name, arrays in zip(NAMES, (images, earlier, pcm, masks), strict=True):
        (folder / name).write_bytes(np.stack(arrays).tobytes() + bytes(spare_bytes))
    ages = [[age, age] for age in EARLIER_MS]
    meta = {"size": side, "maskSize": side // 2, "kinds": kinds, "earlierAgesMs": ages}
    (folder / "meta.json").write_text(json.dumps(meta))
    (folder / "labels.json").write_text(json.dumps(labels))


def test_scene_set_reads_what_is_whole(tmp_path: Path) -> None:
    write_scenes(tmp_path / "train", 4, spare_bytes=100)
    scenes = SceneSet(tmp_path / "train")
    assert len(scenes) == 4
    assert scenes.kinds == ["high", "low"]
    sample = scenes.sample(3)
    assert sample.image.shape == (64, 64, 3)
    assert np.array_equal(sample.earlier, still(sample.image))
    assert sample.masks.shape == (3, 32, 32)
    assert sample.tags == ["right", "right", "silent"]
    assert abs(sample.pcm[0]).max() == pytest.approx(0.3, abs=0.01)
    assert sample.pcm[2].max() == 0


def test_scene_set_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ScenesError, match="no rendered split"):
        SceneSet(tmp_path)
    write_scenes(tmp_path / "a", 2)
    (tmp_path / "a" / "pcm.i16").write_bytes(b"12")
    with pytest.raises(ScenesError, match=r"pcm\.i16 is missing or holds no whole item"):
        SceneSet(tmp_path / "a")
    meta = json.loads((tmp_path / "a" / "meta.json").read_text())
    (tmp_path / "a" / "meta.json").write_text(json.dumps(meta | {"earlierAgesMs": [[80, 80], [160, 160]]}))
    with pytest.raises(ScenesError, match=r"a was not rendered with 4 earlier frames; render it again: node .*--split a "):
        SceneSet(tmp_path / "a")
    (tmp_path / "a" / "labels.json").write_text("[")
    with pytest.raises(ScenesError, match="no rendered split"):
        SceneSet(tmp_path / "a")


def test_scene_set_draws_more_of_those_in_which_a_sound_has_ended(tmp_path: Path) -> None:
    write_scenes(tmp_path / "train", 10)
    path = tmp_path / "train" / "labels.json"
    labels = json.loads(path.read_text())
    labels[7][2]["tag"] = "ended"
    path.write_text(json.dumps(labels))
    scenes, random = SceneSet(tmp_path / "train"), np.random.default_rng(0)
    drawn = np.bincount([scenes.draw(random) for _ in range(1000)], minlength=10)
    assert drawn[7] == pytest.approx(1000 * (ENDED_SHARE + (1 - ENDED_SHARE) / 10), rel=0.1)
    assert drawn.min() > 20
    plain = SceneSet(tmp_path / "train")
    plain.ended = []
    assert np.bincount([plain.draw(random) for _ in range(1000)], minlength=10).min() > 60


def test_vary_keeps_picture_and_masks_together(tmp_path: Path) -> None:
    write_scenes(tmp_path / "train", 1)
    sample = SceneSet(tmp_path / "train").sample(0)
    random, sides = np.random.default_rng(0), set()
    for _ in range(20):
        other = vary(random, sample)
        assert other.image.shape == sample.image.shape
        assert np.abs(other.pcm).max() <= 1
        assert other.pcm.dtype == np.float32
        left = other.masks[0, :, :16].sum() > other.masks[0, :, 16:].sum()
        sides.add(bool(left))
        red = other.image[..., 0].astype(int) - other.image[..., 2]
        if np.ptp(red) > 60:  # not the rare grey one
            assert (red[:, :32].max() > red[:, 32:].max()) == left
    assert sides == {True, False}


def test_batches_from_scenes_alone(tmp_path: Path) -> None:
    write_scenes(tmp_path / "train", 5)
    source = BatchSource(DataConfig(None, tmp_path, pictures=2))
    batch = source.batch()
    assert batch.image.shape == (2, 64, 64, 3)
    assert batch.mel.shape == (6, 1, 96, 64)
    assert batch.target.shape == (6, 1, 32, 32)
    names = sound_classes(source.scenes)
    assert names[-2:] == ["scene:high", "scene:low"]
    np.testing.assert_array_equal(batch.sounds[0:3, -2:], [[1, 0], [0, 1], [0, 0]])
    mel, classes = source.sound_batch(4)
    assert mel.shape == (4, 1, 96, 64)
    assert classes.shape == (4, len(names))


def test_a_data_process_that_dies_is_an_error_not_a_hang(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    with BatchProcess(DataConfig(None, tmp_path / "missing"), 0) as batches, pytest.raises(RuntimeError, match="has ended"):
        batches.get()
    assert "no rendered split" in capfd.readouterr().err
    with pytest.raises(ValueError, match="media folder"):
        DataConfig(None, None)


def test_media_errors_name_the_file(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ogg"
    broken.write_bytes(b"not a recording")
    for read in (read_audio, read_video):
        with pytest.raises(MediaError, match=r"broken\.ogg"):
            read(broken)
    with pytest.raises(MediaError, match=r"no \*\.mpg"):
        files(tmp_path, "*.mpg")


def test_chroma_key_finds_a_figure_before_an_uneven_backdrop() -> None:
    frame = np.zeros((120, 160, 3), np.uint8)
    frame[:] = np.linspace((60, 200, 230), (40, 150, 190), 160)[None]
    figure = np.zeros((120, 160), bool)
    figure[40:, 50:110] = True
    frame[figure] = (150, 110, 90)
    frame[70:80, 70:80] = frame[5, 75]  # a hole the colour of the backdrop belongs to the figure
    alpha = chroma_key(frame) > 127
    assert (alpha & figure).sum() / (alpha | figure).sum() > 0.95
    assert chroma_key(np.full((60, 60, 3), 90, np.uint8)).max() == 0


def test_speaking_frames_lie_between_first_and_last_loud_one() -> None:
    pcm = np.zeros(16_000 * 2, np.float32)
    pcm[8000:24_000] = 0.3 * np.sin(np.arange(16_000))
    frames = speaking_frames(pcm, 50)
    assert 12 <= frames[0] <= 16
    assert 35 <= frames[-1] <= 39
    assert speaking_frames(np.zeros(16_000, np.float32), 25) == []
