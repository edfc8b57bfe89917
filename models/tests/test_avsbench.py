"""The readers against trees written here, file by file, as AVSBench lays them out."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import wavfile
from torch.utils.data import DataLoader

from avsac.audio import log_mel
from avsac.avsbench import DataError, collate, open_dataset
from avsac.avsbench.generate import generate

SIDE = 16


def save(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


def frame(t: int) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), (10 * t, 100, 200), np.uint8)


def mask(t: int, value: int) -> np.ndarray:
    """The first t rows hold `value`."""
    picture = np.zeros((SIDE, SIDE), np.uint8)
    picture[:t] = value
    return picture


def write_sound(path: Path, seconds: float) -> np.ndarray:
    """A rising tone; the samples that a reader should see."""
    time = np.arange(round(16_000 * seconds)) / 16_000
    pcm = (0.5 * np.sin(2 * np.pi * (200 + 300 * time) * time) * 32767).astype(np.int16)
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, 16_000, pcm)
    return pcm.astype(np.float32) / 32768


def write_table(path: Path, *rows: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n")


def write_s4(root: Path) -> np.ndarray:
    """A training and a test video; the test video has a pickle. Returns the training video's sound."""
    rows = ("dog_1000,1,dog_bark,train", "cat_2000,2,cat_meow,test")
    write_table(root / "s4_meta_data.csv", "name,start,category,split", *rows)
    data = root / "s4_data"
    for split, category, name, masks in (("train", "dog_bark", "dog_1000", 1), ("test", "cat_meow", "cat_2000", 5)):
        for t in range(1, 6):
            save(data / "visual_frames" / split / category / name / f"{name}_{t}.png", frame(t))
            if t <= masks:
                save(data / "gt_masks" / split / category / name / f"{name}_{t}.png", mask(t, 255))
    log_mel_path = data / "audio_log_mel" / "test" / "cat_meow" / "cat_2000.pkl"
    log_mel_path.parent.mkdir(parents=True)
    log_mel_path.write_bytes(pickle.dumps(numbered_patches(5)))
    return write_sound(data / "audio_wav" / "train" / "dog_bark" / "dog_1000.wav", 5)


def numbered_patches(count: int) -> torch.Tensor:
    return torch.arange(count * 96 * 64).float().reshape(count, 1, 96, 64)


def write_ms3(root: Path) -> None:
    """A short sound: 3.5 s give three patches."""
    write_table(root / "ms3_meta_data.csv", "video_id,split", "-ab_1,val")
    for t in range(1, 6):
        save(root / "ms3_data" / "visual_frames" / "-ab_1" / f"-ab_1.mp4_{t}.png", frame(t))
        save(root / "ms3_data" / "gt_masks" / "val" / "-ab_1" / f"-ab_1_{t}.png", mask(t - 1, 255))
    write_sound(root / "ms3_data" / "audio_wav" / "val" / "-ab_1.wav", 3.5)


AVSS_CLIPS = {"v1s": ("s_0", "train", 5, 1), "v1m": ("m_0", "train", 5, 5), "v2": ("w_0", "train", 10, 10)}


def write_avss(root: Path) -> None:
    rows = [f"x,{uid},0,0,\"['dog', 'man']\",{split},{label}" for label, (uid, split, *_) in AVSS_CLIPS.items()]
    write_table(root / "metadata.csv", "vid,uid,s_min,s_sec,a_obj,split,label", *rows)
    names = ["background", *(f"thing {i}" for i in range(1, 71))]
    (root / "label2idx.json").write_text(json.dumps({name: i for i, name in reversed(list(enumerate(names)))}))
    for label, (uid, _, frames, masks) in AVSS_CLIPS.items():
        for t in range(frames):
            save(root / label / uid / "frames" / f"{t}.jpg", frame(t))
            if t < masks:
                save(root / label / uid / "labels_semantic" / f"{t}.png", mask(t, 61 + t))
        write_sound(root / label / uid / "audio.wav", frames)


def test_s4_training_video_has_its_first_mask_and_sound_from_the_wav(tmp_path: Path) -> None:
    pcm = write_s4(tmp_path)
    clips = open_dataset("s4", tmp_path, "train", image_size=32)
    assert len(clips) == 1
    clip = clips[0]
    assert (clip.name, clip.categories) == ("dog_1000", ("dog_bark",))
    assert clip.image.shape == (5, 32, 32, 3)
    assert clip.image.dtype == np.uint8
    np.testing.assert_array_equal(clip.image[:, 3, 4], [(10 * t, 100, 200) for t in range(1, 6)])  # RGB, frames 1 to 5
    assert clip.supervised.tolist() == [True, False, False, False, False]
    assert clip.valid.all()
    np.testing.assert_array_equal(clip.mask[0], np.arange(32)[:, None].repeat(32, 1) < 2)  # one row of 16, doubled
    assert clip.mask[1:].max() == 0
    expected = [log_mel(pcm[start : start + 15_600].astype(float)) for start in (0, 15_360, 30_720, 46_080, 61_440)]
    np.testing.assert_allclose(clip.log_mel[:, 0], expected, atol=1e-5)
    assert clip.log_mel.dtype == np.float32


def test_s4_test_video_has_five_masks_and_the_pickle(tmp_path: Path) -> None:
    write_s4(tmp_path)
    clip = open_dataset("s4", str(tmp_path), "test", SIDE)[0]
    assert clip.supervised.all()
    assert clip.mask.sum((1, 2)).tolist() == [16, 32, 48, 64, 80]
    np.testing.assert_array_equal(clip.log_mel, numbered_patches(5).numpy())


@pytest.mark.parametrize("nested", [True, False])
def test_ms3_repeats_the_last_patch_of_a_short_sound(tmp_path: Path, nested: bool) -> None:
    write_ms3(tmp_path)
    if not nested:  # the folders beside the table
        for folder in (tmp_path / "ms3_data").iterdir():
            folder.rename(tmp_path / folder.name)
        (tmp_path / "ms3_data").rmdir()
    clip = open_dataset("ms3", tmp_path, "val", SIDE)[0]
    assert (clip.name, clip.categories) == ("-ab_1", ())
    assert clip.mask.sum((1, 2)).tolist() == [0, 16, 32, 48, 64]
    assert clip.supervised.all()
    np.testing.assert_array_equal(clip.log_mel[3], clip.log_mel[2])
    np.testing.assert_array_equal(clip.log_mel[4], clip.log_mel[2])
    assert np.abs(clip.log_mel[2] - clip.log_mel[1]).max() > 1


def test_avss_pads_short_clips_with_frames_that_are_not_valid(tmp_path: Path) -> None:
    write_avss(tmp_path)
    clips = open_dataset("avss", tmp_path, "train", SIDE)
    assert (clips.class_names[0], clips.class_names[70]) == ("background", "thing 70")
    for clip, (uid, _, frames, masks) in zip((clips[i] for i in range(3)), AVSS_CLIPS.values(), strict=True):
        assert (clip.name, clip.categories) == (uid, ("dog", "man"))
        assert clip.image.shape == (10, SIDE, SIDE, 3)
        assert clip.valid.tolist() == [True] * frames + [False] * (10 - frames)
        assert clip.supervised.tolist() == [True] * masks + [False] * (10 - masks)
        assert [int(m.max()) for m in clip.mask] == [0, *range(62, 61 + masks)] + [0] * (10 - masks)
        np.testing.assert_allclose(clip.image[:, 3, 4, 0], [10 * t for t in range(frames)] + [0] * (10 - frames), atol=4)
        assert not clip.log_mel[frames:].any()
        assert (np.abs(clip.log_mel[:frames]).max((1, 2, 3)) > 1).all()


def test_class_masks_are_resized_by_nearest(tmp_path: Path) -> None:
    write_avss(tmp_path)
    random = np.random.default_rng(0).choice(np.array([0, 3, 70], np.uint8), (SIDE, SIDE))
    save(tmp_path / "v2" / "w_0" / "labels_semantic" / "4.png", random)
    for size in (7, 48):
        read = open_dataset("avss", tmp_path, "train", size)[2].mask[4]
        assert set(np.unique(read)) == {0, 3, 70}
        if size == 48:
            np.testing.assert_array_equal(read, random.repeat(3, 0).repeat(3, 1))
    palette = Image.fromarray(random, "P")
    palette.putpalette([0, 0, 0, *([255, 0, 0] * 255)])
    palette.save(tmp_path / "v2" / "w_0" / "labels_semantic" / "4.png")
    np.testing.assert_array_equal(open_dataset("avss", tmp_path, "train", SIDE)[2].mask[4], random)


def test_collated_batches_come_from_worker_processes_too(tmp_path: Path) -> None:
    write_avss(tmp_path)
    clips = open_dataset("avss", tmp_path, "train", SIDE)
    (batch,) = DataLoader(clips, batch_size=3, collate_fn=collate, num_workers=1)
    shapes = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in batch._asdict().items()}
    assert shapes == {
        "image": ((3, 10, SIDE, SIDE, 3), torch.uint8),
        "log_mel": ((3, 10, 1, 96, 64), torch.float32),
        "mask": ((3, 10, SIDE, SIDE), torch.uint8),
        "supervised": ((3, 10), torch.bool),
        "valid": ((3, 10), torch.bool),
    }
    np.testing.assert_array_equal(batch.mask[2].numpy(), clips[2].mask)
    (tmp_path / "v1m" / "m_0" / "frames" / "3.jpg").unlink()
    with pytest.raises(DataError) as error:
        list(DataLoader(clips, batch_size=3, collate_fn=collate, num_workers=1))
    assert str(error.value) == f"{tmp_path / 'v1m' / 'm_0' / 'frames' / '3.jpg'} is missing"


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


S4_TRAIN = Path("train", "dog_bark", "dog_1000")

FAULTS = {
    "no table": (lambda r: (r / "s4_meta_data.csv").unlink(), r"s4_meta_data\.csv is missing; give the folder that holds it"),
    "no column": (
        lambda r: rewrite(r / "s4_meta_data.csv", "category", "class"),
        r"s4_meta_data\.csv: column 'category' is missing; it has name, start, class, split",
    ),
    "empty table": (lambda r: (r / "s4_meta_data.csv").write_text(""), r"column 'name' is missing; it has none"),
    "unknown split": (
        lambda r: rewrite(r / "s4_meta_data.csv", ",test", ",tset"),
        r"line 3: column 'split' is 'tset', not train",
    ),
    "empty cell": (lambda r: rewrite(r / "s4_meta_data.csv", "dog_bark", ""), r"line 2: column 'category' is empty"),
    "not text": (lambda r: (r / "s4_meta_data.csv").write_bytes(b"\xff\xfe\x80"), r"s4_meta_data\.csv is no readable table"),
    "empty split": (lambda r: rewrite(r / "s4_meta_data.csv", ",train", ",val"), r"no video of the split 'train'"),
    "no frame": (
        lambda r: (r / "s4_data/visual_frames" / S4_TRAIN / "dog_1000_3.png").unlink(),
        r"visual_frames/train/dog_bark/dog_1000/dog_1000_3\.png is missing",
    ),
    "broken frame": (
        lambda r: (r / "s4_data/visual_frames" / S4_TRAIN / "dog_1000_5.png").write_bytes(b"\x89PNG\r\n\x1a\n no picture"),
        r"dog_1000_5\.png is no readable picture .*; get the file again",
    ),
    "no mask": (
        lambda r: (r / "s4_data/gt_masks" / S4_TRAIN / "dog_1000_1.png").unlink(),
        r"gt_masks/.*dog_1000_1\.png is missing",
    ),
    "mask values": (
        lambda r: save(r / "s4_data/gt_masks" / S4_TRAIN / "dog_1000_1.png", mask(3, 7)),
        r"dog_1000_1\.png: a mask holds 0 \(silent\) and 255 \(sounding\) only, this one 7, too",
    ),
    "no sound": (
        lambda r: (r / "s4_data/audio_wav/train/dog_bark/dog_1000.wav").unlink(),
        r"dog_1000\.wav is missing, and there is no log-mel pickle either",
    ),
    "broken sound": (
        lambda r: (r / "s4_data/audio_wav/train/dog_bark/dog_1000.wav").write_bytes(b"RIFF no sound"),
        r"dog_1000\.wav is no readable recording",
    ),
    "short sound": (
        lambda r: write_sound(r / "s4_data/audio_wav/train/dog_bark/dog_1000.wav", 0.5),
        r"dog_1000\.wav lasts 0\.500 s; one patch takes 0\.975 s",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_s4_faults_name_the_file_and_what_was_expected(tmp_path: Path, fault: str) -> None:
    spoil, message = FAULTS[fault]
    write_s4(tmp_path)
    spoil(tmp_path)
    with pytest.raises(DataError, match=message) as error:
        open_dataset("s4", tmp_path, "train", SIDE)[0]
    assert "\n" not in str(error.value)


def move_to_rgb(root: Path) -> None:
    (root / "v1s/s_0/labels_semantic").rename(root / "v1s/s_0/labels_rgb")


AVSS_FAULTS = {
    "class beyond": (
        lambda r: save(r / "v1s/s_0/labels_semantic/0.png", mask(3, 71)),
        r"0\.png: class 71 is not one of the 71 of label2idx\.json \(0 to 70\)",
    ),
    "colours": (lambda r: save(r / "v1s/s_0/labels_semantic/0.png", frame(1)), "a picture of one channel .* not RGB"),
    "only colours": (move_to_rgb, "0.png is missing; labels_rgb cannot stand in for it"),
    "no class names": (lambda r: (r / "label2idx.json").unlink(), "label2idx.json is missing"),
    "class count": (
        lambda r: (r / "label2idx.json").write_text('{"background": 0, "dog": 1}'),
        r"expected 71 class names with the indices 0 to 70, found 2 names",
    ),
    "class names": (lambda r: (r / "label2idx.json").write_text("{"), "label2idx.json is no readable JSON"),
    "label": (
        lambda r: rewrite(r / "metadata.csv", "train,v1s", "train,v3"),
        "video s_0: column 'label' is 'v3', not v1s, v1m or v2",
    ),
}


@pytest.mark.parametrize("fault", AVSS_FAULTS)
def test_avss_faults_name_the_file_and_what_was_expected(tmp_path: Path, fault: str) -> None:
    spoil, message = AVSS_FAULTS[fault]
    write_avss(tmp_path)
    spoil(tmp_path)
    with pytest.raises(DataError, match=message):
        open_dataset("avss", tmp_path, "train", SIDE)[0]


@pytest.mark.parametrize("table", ["split\nval", "video_id,split\n,val", "split,video_id\nval,"])
def test_ms3_without_names_says_so(tmp_path: Path, table: str) -> None:
    write_table(tmp_path / "ms3_meta_data.csv", table)
    with pytest.raises(DataError, match="the column with the video's name, beside 'split', is missing or empty"):
        open_dataset("ms3", tmp_path, "val", SIDE)[0]


def test_unknown_kinds_are_refused(tmp_path: Path) -> None:
    for use in (lambda: open_dataset("s5", tmp_path), lambda: generate("s5", tmp_path / "new", 1)):
        with pytest.raises(DataError, match="no set 's5'; there are s4, ms3, avss"):
            use()
    with pytest.raises(DataError, match="not empty"):
        write_table(tmp_path / "something.csv")
        generate("s4", tmp_path, 1)
    with pytest.raises(DataError, match="no log-mel pickles"):
        generate("avss", tmp_path / "new", 1, pickles=True)
    with pytest.raises(DataError, match="at least 1 clip"):
        generate("avss", tmp_path / "new", 0)
